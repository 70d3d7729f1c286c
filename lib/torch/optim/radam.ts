import {
  _foreachAdd,
  _foreachAdd_,
  _foreachAddcmul_,
  _foreachDiv,
  _foreachLerp_,
  _foreachMul,
  _foreachMul_,
  _foreachNeg,
  _foreachReciprocal_,
  _foreachSqrt,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep, refuseDifferentiable } from "./step";

/** Options of {@link RAdam}, in PyTorch's order. */
export interface RAdamOptions {
  /** Learning rate (default 1e-3). */
  lr: number | Tensor;
  /** Decay of the running means of the gradient and of its square (default [0.9, 0.999]). */
  betas: readonly [number, number];
  /** Added to the root of the squares' mean (default 1e-8). */
  eps: number;
  /** Weight decay (default 0). */
  weightDecay: number;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
  /** Decay the weights themselves rather than through the gradient. */
  decoupledWeightDecay: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
}

const DEFAULTS: RAdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  maximize: false,
  foreach: null,
  capturable: false,
  decoupledWeightDecay: false,
  differentiable: false,
};

/**
 * RAdam, Liu et al. 2020, arXiv 1908.03265: Adam that leaves the division out while the mean of squares has seen too few
 * gradients to be trusted, and rectifies it afterwards. State: `step`, `exp_avg`, `exp_avg_sq`.
 */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: OptimizerInput<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(params, DEFAULTS, options);
  }

  protected override checkGroup(group: ParamGroup<RAdamOptions>): void {
    super.checkGroup(group);
    this.expectAdamOptions(group);
    refuseDifferentiable("RAdam", group);
  }

  protected initialState(param: Tensor, group: ParamGroup<RAdamOptions>): ParamState {
    return { step: freshStep(param, group), exp_avg: zerosLike(param), exp_avg_sq: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<RAdamOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps, weightDecay } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    let grads = group.maximize ? _foreachNeg(batch.grads) : batch.grads;
    if (weightDecay !== 0) {
      if (group.decoupledWeightDecay) _foreachMul_(params, 1 - lr * weightDecay);
      else grads = _foreachAdd(grads, params, { alpha: weightDecay });
    }
    const expAvgs = batch.tensors("exp_avg");
    const expAvgSqs = batch.tensors("exp_avg_sq");
    _foreachLerp_(expAvgs, grads, 1 - beta1);
    _foreachMul_(expAvgSqs, beta2);
    _foreachAddcmul_(expAvgSqs, grads, grads, 1 - beta2);

    // Length of the average that the mean of squares approximates, at its longest and now.
    const longest = 2 / (1 - beta2) - 1;
    const lengths = steps.map((t) => longest - (2 * t * beta2 ** t) / (1 - beta2 ** t));
    const updates = _foreachDiv(
      expAvgs,
      steps.map((t) => 1 - beta1 ** t),
    );
    _foreachMul_(updates, lr);

    const rectified = [...steps.keys()].filter((i) => (lengths[i] as number) > 5);
    if (rectified.length > 0) {
      const pick = <T>(list: readonly T[]): T[] => rectified.map((i) => list[i] as T);
      const factors = _foreachSqrt(pick(expAvgSqs));
      _foreachAdd_(factors, eps);
      _foreachReciprocal_(factors);
      const scaled = _foreachMul(
        factors,
        pick(steps).map((t) => Math.sqrt(1 - beta2 ** t)),
      );
      const chosen = pick(updates);
      _foreachMul_(chosen, scaled);
      _foreachMul_(
        chosen,
        pick(lengths).map((rho) =>
          Math.sqrt(((rho - 4) * (rho - 2) * longest) / ((longest - 4) * (longest - 2) * rho)),
        ),
      );
    }
    _foreachAdd_(params, updates, { alpha: -1 });
  }
}
