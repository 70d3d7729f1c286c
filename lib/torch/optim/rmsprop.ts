import {
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachAddcmul,
  _foreachAddcmul_,
  _foreachLerp_,
  _foreachMul_,
  _foreachSqrt,
  _foreachSqrt_,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link RMSprop}, in PyTorch's order. */
export interface RMSpropOptions {
  /** Learning rate (default 1e-2). */
  lr: number | Tensor;
  /** Weight of the past in the running sum of steps (default 0: no buffer). */
  momentum: number;
  /** Decay of the running mean of the squared gradient (default 0.99). */
  alpha: number;
  /** Added to the root of the squares' mean (default 1e-8). */
  eps: number;
  /** Subtract the squared mean of the gradient, so that the divisor estimates a variance. */
  centered: boolean;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
}

const DEFAULTS: RMSpropOptions = {
  lr: 1e-2,
  momentum: 0,
  alpha: 0.99,
  eps: 1e-8,
  centered: false,
  weightDecay: 0,
  capturable: false,
  foreach: null,
  maximize: false,
  differentiable: false,
};

/**
 * RMSprop, Hinton's lecture 6e of 2012: the gradient divided by the root of the running mean of its square.
 *
 * State: `step`, `square_avg`, with momentum `momentum_buffer`, if centered `grad_avg`.
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: OptimizerInput<RMSpropOptions>, options: Partial<RMSpropOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<RMSpropOptions>): void {
    super.checkGroup(group);
    this.expectRange("eps", group.eps, 0);
    this.expectRange("momentum", group.momentum, 0);
    this.expectRange("weightDecay", group.weightDecay, 0);
    this.expectRange("alpha", group.alpha, 0);
  }

  protected initialState(param: Tensor, group: ParamGroup<RMSpropOptions>): ParamState {
    const state: ParamState = { step: freshStep(param, group), square_avg: zerosLike(param) };
    if (group.momentum > 0) state.momentum_buffer = zerosLike(param);
    if (group.centered) state.grad_avg = zerosLike(param);
    return state;
  }

  protected updateGroup(group: ParamGroup<RMSpropOptions>, batch: Batch): void {
    const { params } = batch;
    const { momentum, alpha, eps } = group;
    const lr = learningRate(group.lr);
    advanceSteps(batch);
    const grads = descentGradients(batch, group);

    const squareAvgs = batch.tensors("square_avg");
    _foreachMul_(squareAvgs, alpha);
    _foreachAddcmul_(squareAvgs, grads, grads, 1 - alpha);

    let divisors: Tensor[];
    if (group.centered) {
      const gradAvgs = batch.tensors("grad_avg");
      _foreachLerp_(gradAvgs, grads, 1 - alpha);
      divisors = _foreachAddcmul(squareAvgs, gradAvgs, gradAvgs, -1);
      _foreachSqrt_(divisors);
    } else {
      divisors = _foreachSqrt(squareAvgs);
    }
    _foreachAdd_(divisors, eps);

    if (momentum > 0) {
      const buffers = batch.tensors("momentum_buffer");
      _foreachMul_(buffers, momentum);
      _foreachAddcdiv_(buffers, grads, divisors);
      _foreachAdd_(params, buffers, { alpha: -lr });
    } else {
      _foreachAddcdiv_(params, grads, divisors, -lr);
    }
  }
}
