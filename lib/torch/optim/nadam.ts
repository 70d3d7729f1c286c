import { _foreachAdd_, _foreachAddcdiv_, _foreachDiv, _foreachSqrt_, ones, zerosLike } from "../operators.generated";
import type { Tensor } from "../tensor";
import { AdamFamily, type AdamFamilyOptions, updateMoments } from "./adam-family";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { multiply } from "./known-values";
import { type OptimizerInput, type ParamGroup, type ParamState, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link NAdam}. Defaults: lr 2e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 0. */
export interface NAdamOptions extends AdamFamilyOptions {
  /** How fast the momentum approaches its final value (default 4e-3). */
  momentumDecay: number;
  /** Decay the weights themselves rather than through the gradient. */
  decoupledWeightDecay: boolean;
}

/** In PyTorch's order. */
const DEFAULTS: NAdamOptions = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  decoupledWeightDecay: false,
  maximize: false,
  foreach: null,
  capturable: false,
  differentiable: false,
};

/**
 * NAdam, Dozat 2016: Adam with Nesterov's look-ahead and a momentum that warms up.
 *
 * State: `step`, `mu_product` (0-dim float32, the product of all momenta), `exp_avg`, `exp_avg_sq`.
 */
export class NAdam extends AdamFamily<NAdamOptions> {
  constructor(params: OptimizerInput<NAdamOptions>, options: Partial<NAdamOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<NAdamOptions>): void {
    super.checkGroup(group);
    this.expectRange("momentumDecay", group.momentumDecay, 0);
  }

  protected initialState(param: Tensor, group: ParamGroup<NAdamOptions>): ParamState {
    return {
      step: freshStep(param, group),
      mu_product: ones([], { dtype: "float32", device: group.capturable ? param.device : "cpu" }),
      exp_avg: zerosLike(param),
      exp_avg_sq: zerosLike(param),
    };
  }

  protected updateGroup(group: ParamGroup<NAdamOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps, momentumDecay } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);

    const momentum = (t: number): number => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
    const products = multiply(batch.tensors("mu_product"), steps.map(momentum));

    const { expAvgs, expAvgSqs } = updateMoments(batch, grads, group.betas);
    const divisors = _foreachDiv(
      expAvgSqs,
      steps.map((t) => 1 - beta2 ** t),
    );
    _foreachSqrt_(divisors);
    _foreachAdd_(divisors, eps);
    _foreachAddcdiv_(
      params,
      grads,
      divisors,
      steps.map((t, i) => (-lr * (1 - momentum(t))) / (1 - products[i]!)),
    );
    _foreachAddcdiv_(
      params,
      expAvgs,
      divisors,
      steps.map((t, i) => (-lr * momentum(t + 1)) / (1 - products[i]! * momentum(t + 1))),
    );
  }
}
