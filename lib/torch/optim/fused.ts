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
const foreachSubtract_ = bind("aten::_foreach_sub_", "List");
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

/** Devices where the fused kernels are the default. PyTorch takes list operators on CUDA: several passes over memory for one here. */
const FUSED_DEVICES: ReadonlySet<string> = new Set(["cpu", "cuda"]);

function deviceType(tensor: Tensor): string {
  return tensor.device.split(":")[0]!;
}

/** Whether a group's updates go to a fused kernel, as far as its options and the parameter's device say. */
export function prefersFused(group: KernelOptions, param: Tensor): boolean {
  if (group.fused === false || group.foreach === true) return false;
  return group.fused === true || FUSED_DEVICES.has(deviceType(param));
}

/**
 * Whether a batch can go to a fused kernel. On CPU and CUDA that is the default (unless `foreach` or `fused: false` ask for
 * list operators); on other devices only `fused: true`.
 *
 * The kernels walk memory linearly, so every tensor must be contiguous: PyTorch mixes up entries here when a gradient is a
 * transposed view.
 */
export function canFuse(group: KernelOptions, batch: Batch): boolean {
  return batch.params.every(
    (param, i) =>
      prefersFused(group, param) &&
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

/**
 * Adam (L2 decay) or AdamW (decoupled decay) over lists.
 *
 * @param foundInf 0-dim float32 on the parameters' device: where it is not 0, nothing is updated.
 */
export function fusedAdam(batch: Batch, options: FusedAdamOptions, foundInf: Tensor | null = null): void {
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
    undefined,
    foundInf?.handle,
  );
  // The kernel leaves the rest alone, but the steps are counted before it.
  if (foundInf !== null) foreachSubtract_(steps, new Array<number>(steps.length).fill(foundInf.handle));
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
