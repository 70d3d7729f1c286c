import {
  _foreachAdd,
  _foreachAdd_,
  _foreachAddcmul_,
  _foreachDiv_,
  _foreachMul_,
  _foreachSqrt_,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Adadelta}, in PyTorch's order. */
export interface AdadeltaOptions {
  /** Factor on the step (default 1). */
  lr: number | Tensor;
  /** Decay of the running means of squared gradients and squared steps (default 0.9). */
  rho: number;
  /** Added inside both roots (default 1e-6). */
  eps: number;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
}

const DEFAULTS: AdadeltaOptions = {
  lr: 1,
  rho: 0.9,
  eps: 1e-6,
  weightDecay: 0,
  maximize: false,
  capturable: false,
  foreach: null,
  differentiable: false,
};

/** Adadelta, Zeiler 2012, arXiv 1212.5701: steps as large as the root of the mean of past squared steps. State: `step`, `square_avg`, `acc_delta`. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(params: OptimizerInput<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<AdadeltaOptions>): void {
    super.checkGroup(group);
    this.expectRange("rho", group.rho, 0, 1 + Number.EPSILON);
    this.expectRange("eps", group.eps, 0);
    this.expectRange("weightDecay", group.weightDecay, 0);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdadeltaOptions>): ParamState {
    return { step: freshStep(param, group), square_avg: zerosLike(param), acc_delta: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<AdadeltaOptions>, batch: Batch): void {
    const { params } = batch;
    const { rho, eps } = group;
    advanceSteps(batch);
    const grads = descentGradients(batch, group);

    const squareAvgs = batch.tensors("square_avg");
    const accDeltas = batch.tensors("acc_delta");
    _foreachMul_(squareAvgs, rho);
    _foreachAddcmul_(squareAvgs, grads, grads, 1 - rho);
    const divisors = _foreachAdd(squareAvgs, eps);
    _foreachSqrt_(divisors);
    const deltas = _foreachAdd(accDeltas, eps);
    _foreachSqrt_(deltas);
    _foreachDiv_(deltas, divisors);
    _foreachMul_(deltas, grads);
    _foreachMul_(accDeltas, rho);
    _foreachAddcmul_(accDeltas, deltas, deltas, 1 - rho);
    _foreachAdd_(params, deltas, { alpha: -learningRate(group.lr) });
  }
}
