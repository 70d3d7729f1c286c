import {
  _foreachAdd_,
  _foreachDiv,
  _foreachMul,
  _foreachMul_,
  _foreachReciprocal_,
  _foreachSqrt,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import { AdamFamily, type AdamFamilyOptions, updateMoments } from "./adam-family";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link RAdam}. Defaults: lr 1e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 0. */
export interface RAdamOptions extends AdamFamilyOptions {
  /** Decay the weights themselves rather than through the gradient. */
  decoupledWeightDecay: boolean;
}

/** In PyTorch's order. */
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
export class RAdam extends AdamFamily<RAdamOptions> {
  constructor(params: OptimizerInput<RAdamOptions>, options: Partial<RAdamOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected initialState(param: Tensor, group: ParamGroup<RAdamOptions>): ParamState {
    return { step: freshStep(param, group), exp_avg: zerosLike(param), exp_avg_sq: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<RAdamOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);
    const { expAvgs, expAvgSqs } = updateMoments(batch, grads, group.betas);

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
