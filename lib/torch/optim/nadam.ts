import {
  _foreachAdd,
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachAddcmul_,
  _foreachDiv,
  _foreachLerp_,
  _foreachMul_,
  _foreachNeg,
  _foreachSqrt_,
  ones,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep, refuseDifferentiable } from "./step";

/** Options of {@link NAdam}, in PyTorch's order. */
export interface NAdamOptions {
  /** Learning rate (default 2e-3). */
  lr: number | Tensor;
  /** Decay of the running means of the gradient and of its square (default [0.9, 0.999]). */
  betas: readonly [number, number];
  /** Added to the root of the squares' mean (default 1e-8). */
  eps: number;
  /** Weight decay (default 0). */
  weightDecay: number;
  /** How fast the momentum approaches its final value (default 4e-3). */
  momentumDecay: number;
  /** Decay the weights themselves rather than through the gradient. */
  decoupledWeightDecay: boolean;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Keep `step` and `mu_product` on the parameter's device. */
  capturable: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
}

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
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: OptimizerInput<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, DEFAULTS, options);
  }

  protected override checkGroup(group: ParamGroup<NAdamOptions>): void {
    super.checkGroup(group);
    this.expectAdamOptions(group);
    this.expectRange("momentumDecay", group.momentumDecay, 0);
    refuseDifferentiable("NAdam", group);
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
    const { eps, weightDecay, momentumDecay } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    let grads = group.maximize ? _foreachNeg(batch.grads) : batch.grads;
    if (weightDecay !== 0) {
      if (group.decoupledWeightDecay) _foreachMul_(params, 1 - lr * weightDecay);
      else grads = _foreachAdd(grads, params, { alpha: weightDecay });
    }

    const momentum = (t: number): number => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
    const muProducts = batch.tensors("mu_product");
    _foreachMul_(muProducts, steps.map(momentum));
    const products = muProducts.map((product) => product.item());

    const expAvgs = batch.tensors("exp_avg");
    const expAvgSqs = batch.tensors("exp_avg_sq");
    _foreachLerp_(expAvgs, grads, 1 - beta1);
    _foreachMul_(expAvgSqs, beta2);
    _foreachAddcmul_(expAvgSqs, grads, grads, 1 - beta2);
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
      steps.map((t, i) => (-lr * (1 - momentum(t))) / (1 - (products[i] as number))),
    );
    _foreachAddcdiv_(
      params,
      expAvgs,
      divisors,
      steps.map((t, i) => (-lr * momentum(t + 1)) / (1 - (products[i] as number) * momentum(t + 1))),
    );
  }
}
