import { TorchError } from "../errors";
import { addcmul, zeros, zerosLike } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Adafactor}, in PyTorch's order. */
export interface AdafactorOptions {
  /** Upper bound of the relative step (default 1e-2). */
  lr: number | Tensor;
  /** Weight of the newest square is step^beta2Decay (default -0.8). */
  beta2Decay: number;
  /** Least root of the variance (null: the dtype's epsilon) and least scale of a parameter (default [null, 1e-3]). */
  eps: readonly [number | null, number];
  /** Root mean square above which an update is scaled down (default 1). */
  d: number;
  /** Decoupled weight decay (default 0). */
  weightDecay: number;
  /** Kept for files of PyTorch. */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
}

const DEFAULTS: AdafactorOptions = {
  lr: 1e-2,
  beta2Decay: -0.8,
  eps: [null, 1e-3],
  d: 1,
  weightDecay: 0,
  foreach: null,
  maximize: false,
};

/** Distance from 1 to the next number. */
const EPSILON: Readonly<Record<string, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * Adafactor, Shazeer & Stern 2018, arXiv 1804.04235: the mean of squares of a matrix is kept as a row and a column, steps
 * are relative to the parameter's size. State: `step`, and `row_var`, `col_var` (matrices) or `variance`.
 */
export class Adafactor extends Optimizer<AdafactorOptions> {
  static override readonly hasFloatDefaults = true;

  constructor(params: OptimizerInput<AdafactorOptions>, options: Partial<AdafactorOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<AdafactorOptions>): void {
    super.checkGroup(group);
    if (group.beta2Decay > 0)
      throw new TorchError(`Adafactor: expected beta2Decay of at most 0, got ${group.beta2Decay}`);
    if (group.eps[0] !== null) this.expectRange("eps[0]", group.eps[0], 0);
    this.expectRange("eps[1]", group.eps[1], 0);
    this.expectRange("d", group.d, 1);
    this.expectRange("weightDecay", group.weightDecay, 0);
  }

  protected initialState(param: Tensor): ParamState {
    const step = freshStep(param, {});
    if (param.ndim < 2) return { step, variance: zerosLike(param) };
    const { shape, dtype, device } = param;
    const [rows, columns] = [shape.with(-1, 1), shape.with(-2, 1)];
    return { step, row_var: zeros(rows, { dtype, device }), col_var: zeros(columns, { dtype, device }) };
  }

  protected updateGroup(group: ParamGroup<AdafactorOptions>, batch: Batch): void {
    const steps = advanceSteps(batch);
    for (const [i, param] of batch.params.entries()) {
      const given = batch.grads[i] as Tensor;
      update(param, group.maximize ? given.neg() : given, batch.states[i] as ParamState, steps[i] as number, group);
    }
  }
}

function update(param: Tensor, gradient: Tensor, state: ParamState, step: number, group: AdafactorOptions): void {
  const lr = learningRate(group.lr);
  const epsilon = group.eps[0] ?? EPSILON[param.dtype] ?? 0;
  const newest = step ** group.beta2Decay;
  const change = varianceOf(gradient, state, newest, epsilon)
    .clampMin_(epsilon ** 2)
    .rsqrt_()
    .mul_(gradient);
  const relative = Math.min(lr, 1 / Math.sqrt(step));
  // of the parameter as it was before the decay
  const norms = [param.norm(), change.norm()] as const;
  if (group.weightDecay !== 0) param.mul_(1 - lr * group.weightDecay);
  if (param.device === "cpu") {
    const [size, length] = norms.map((norm) => norm.item() / Math.sqrt(param.numel())) as [number, number];
    const scale = Math.max(group.eps[1], size) * relative;
    param.add_(change, { alpha: -scale / Math.max(1, length / group.d) });
    return;
  }
  // the same numbers on the device, where nothing is read
  const root = Math.sqrt(param.numel());
  const [size, length] = norms.map((norm) => norm.to("float64").div(root)) as [Tensor, Tensor];
  const factor = size.clampMin(group.eps[1]).mul(relative).div(length.div(group.d).clampMin(1));
  const wide = param.dtype === "float64" ? param.dtype : "float32";
  const updated = addcmul(param.to(wide), change.to(wide), factor.to(wide), { value: -1 });
  param.copy_(updated);
}

/** Takes the gradient's squares into the state and returns the variance of each entry that it stands for. */
function varianceOf(gradient: Tensor, state: ParamState, newest: number, epsilon: number): Tensor {
  if (gradient.ndim < 2) {
    const variance = state.variance as Tensor;
    variance.lerp_(gradient.square(), newest);
    return variance.clone();
  }
  const [rows, columns] = [state.row_var as Tensor, state.col_var as Tensor];
  rows.lerp_(gradient.norm(2, [-1], true).square_().div_(gradient.size(-1)), newest);
  columns.lerp_(gradient.norm(2, [-2], true).square_().div_(gradient.size(-2)), newest);
  return rows.matmul(columns).div_(rows.mean([-2], true).clampMin_(epsilon));
}
