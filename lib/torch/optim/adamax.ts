import {
  _foreachAbs,
  _foreachAdd,
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachLerp_,
  _foreachMaximum_,
  _foreachMul_,
  _foreachNeg,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep, refuseDifferentiable } from "./step";

/** Options of {@link Adamax}, in PyTorch's order. */
export interface AdamaxOptions {
  /** Learning rate (default 2e-3). */
  lr: number | Tensor;
  /** Decay of the running mean of the gradient and of its largest size (default [0.9, 0.999]). */
  betas: readonly [number, number];
  /** Added to the gradient's size (default 1e-8). */
  eps: number;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
}

const DEFAULTS: AdamaxOptions = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  foreach: null,
  maximize: false,
  differentiable: false,
  capturable: false,
};

/** Adamax, section 7 of Kingma & Ba 2015: Adam with the largest gradient in place of the mean of squares. State: `step`, `exp_avg`, `exp_inf`. */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(params: OptimizerInput<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super(params, DEFAULTS, options);
  }

  protected override checkGroup(group: ParamGroup<AdamaxOptions>): void {
    super.checkGroup(group);
    this.expectAdamOptions(group);
    refuseDifferentiable("Adamax", group);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdamaxOptions>): ParamState {
    return { step: freshStep(param, group), exp_avg: zerosLike(param), exp_inf: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<AdamaxOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps, weightDecay } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    let grads = group.maximize ? _foreachNeg(batch.grads) : batch.grads;
    if (weightDecay !== 0) grads = _foreachAdd(grads, params, { alpha: weightDecay });

    const expAvgs = batch.tensors("exp_avg");
    const expInfs = batch.tensors("exp_inf");
    _foreachLerp_(expAvgs, grads, 1 - beta1);
    _foreachMul_(expInfs, beta2);
    const sizes = _foreachAbs(grads);
    _foreachAdd_(sizes, eps);
    _foreachMaximum_(expInfs, sizes);
    _foreachAddcdiv_(
      params,
      expAvgs,
      expInfs,
      steps.map((t) => -lr / (1 - beta1 ** t)),
    );
  }
}
