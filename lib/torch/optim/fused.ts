/** The fused kernels: a whole update of a parameter list in one native call, without a tensor object per gradient. */
import { native } from "../addon";
import { type Batch, handlesOf } from "./batch";
import type { Tensor } from "../tensor";

/** Calls an operator of the dispatcher by handles; looked up on first use. */
function bind(name: string, overload: string): (...args: unknown[]) => unknown {
  let id: number | null = null;
  return (...args) => native.call((id ??= native.operator(name, overload)), ...args);
}

const foreachAdd_ = bind("aten::_foreach_add_", "Scalar");
const fusedAdam_ = bind("aten::_fused_adam_", "");
const fusedAdamLrTensor_ = bind("aten::_fused_adam_", "tensor_lr");
const fusedAdamW_ = bind("aten::_fused_adamw_", "");
const fusedAdamWLrTensor_ = bind("aten::_fused_adamw_", "tensor_lr");
const fusedSgd_ = bind("aten::_fused_sgd_", "");
const fusedSgdLrTensor_ = bind("aten::_fused_sgd_", "tensor_lr");

/** The options that choose between a fused kernel and list operators, as PyTorch names them. */
export interface KernelOptions {
  fused: boolean | null;
  foreach: boolean | null;
}

const FUSED_DTYPES: ReadonlySet<string> = new Set(["float32", "float64", "float16", "bfloat16"]);

/**
 * Whether a batch can go to a fused kernel. On the CPU that is the default (unless `foreach` or `fused: false` ask for
 * list operators); on other devices, as in PyTorch, only `fused: true`.
 *
 * The kernels walk memory linearly, so every tensor must be contiguous: PyTorch mixes up entries here when a gradient is a
 * transposed view.
 */
export function canFuse(group: KernelOptions, batch: Batch): boolean {
  if (group.fused === false || group.foreach === true) return false;
  if (group.fused === null && batch.params.some((param) => param.device !== "cpu")) return false;
  return batch.params.every(
    (param, i) =>
      FUSED_DTYPES.has(param.dtype) &&
      native.isContiguous(param.handle) &&
      native.isContiguous(batch.gradientHandles[i] as number),
  );
}

/** Options of Adam and AdamW that the kernel takes. */
export interface FusedAdamOptions {
  lr: number | Tensor;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
  decoupledWeightDecay: boolean;
}

/** Adam (L2 decay) or AdamW (decoupled decay) over lists. */
export function fusedAdam(batch: Batch, options: FusedAdamOptions): void {
  const { lr, betas, eps, weightDecay, amsgrad, maximize, decoupledWeightDecay } = options;
  const steps = handlesOf(batch.tensors("step"));
  foreachAdd_(steps, 1);
  const numeric = typeof lr === "number";
  const update = decoupledWeightDecay
    ? numeric
      ? fusedAdamW_
      : fusedAdamWLrTensor_
    : numeric
      ? fusedAdam_
      : fusedAdamLrTensor_;
  update(
    handlesOf(batch.params),
    batch.gradientHandles,
    handlesOf(batch.tensors("exp_avg")),
    handlesOf(batch.tensors("exp_avg_sq")),
    amsgrad ? handlesOf(batch.tensors("max_exp_avg_sq")) : [],
    steps,
    numeric ? lr : lr.handle,
    betas[0],
    betas[1],
    weightDecay,
    eps,
    amsgrad,
    maximize,
  );
}

/** Options of SGD that the kernel takes. */
export interface FusedSgdOptions {
  lr: number | Tensor;
  momentum: number;
  dampening: number;
  weightDecay: number;
  nesterov: boolean;
  maximize: boolean;
}

/** SGD over lists. On the first step the kernel fills the momentum buffers with the gradients. */
export function fusedSgd(
  batch: Batch,
  momentumBuffers: readonly Tensor[],
  isFirstStep: boolean,
  options: FusedSgdOptions,
): void {
  const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options;
  const numeric = typeof lr === "number";
  const update = numeric ? fusedSgd_ : fusedSgdLrTensor_;
  const rate = numeric ? lr : lr.handle;
  update(
    handlesOf(batch.params),
    batch.gradientHandles,
    handlesOf(momentumBuffers),
    weightDecay,
    momentum,
    rate,
    dampening,
    nesterov,
    maximize,
    isFirstStep,
  );
}
