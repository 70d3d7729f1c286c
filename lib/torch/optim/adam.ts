import {
  _foreachAdd,
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachAddcmul_,
  _foreachDiv_,
  _foreachLerp_,
  _foreachMaximum_,
  _foreachMul_,
  _foreachNeg,
  _foreachSqrt,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { canFuse, fusedAdam } from "./fused";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps, freshStep, refuseDifferentiable } from "./step";

/** Options of {@link Adam} and {@link AdamW}, in PyTorch's order. */
export interface AdamOptions {
  /** Learning rate (default 1e-3). */
  lr: number | Tensor;
  /** Decay of the running means of the gradient and of its square (default [0.9, 0.999]). */
  betas: readonly [number, number];
  /** Added to the root of the squares' mean (default 1e-8). */
  eps: number;
  /** Default 0 for Adam, 0.01 for AdamW. */
  weightDecay: number;
  /** Divide by the largest mean of squares so far (Reddi et al. 2018). */
  amsgrad: boolean;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Ask for list operators. */
  foreach: boolean | null;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Ask for the fused kernel; null decides by device. */
  fused: boolean | null;
  /** Decay the weights themselves rather than through the gradient: what makes it AdamW. */
  decoupledWeightDecay: boolean;
}

const ADAM_DEFAULTS: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  foreach: null,
  capturable: false,
  differentiable: false,
  fused: null,
  decoupledWeightDecay: false,
};

const ADAMW_DEFAULTS: AdamOptions = { ...ADAM_DEFAULTS, weightDecay: 1e-2, decoupledWeightDecay: true };

/**
 * Adam, Kingma & Ba 2015, arXiv 1412.6980: steps along the running mean of the gradient, divided by the root of the
 * running mean of its square, both corrected for their start at zero.
 *
 * State per parameter: `step`, `exp_avg`, `exp_avg_sq`, and with amsgrad `max_exp_avg_sq`.
 */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: OptimizerInput<AdamOptions>, options: Partial<AdamOptions> = {}, defaults = ADAM_DEFAULTS) {
    super(params, defaults, options);
  }

  protected override checkGroup(group: ParamGroup<AdamOptions>): void {
    super.checkGroup(group);
    this.expectAdamOptions(group);
    refuseDifferentiable(this.constructor.name, group);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdamOptions>): ParamState {
    const state: ParamState = {
      step: freshStep(param, group),
      exp_avg: zerosLike(param),
      exp_avg_sq: zerosLike(param),
    };
    if (group.amsgrad) state.max_exp_avg_sq = zerosLike(param);
    return state;
  }

  protected updateGroup(group: ParamGroup<AdamOptions>, batch: Batch): void {
    if (canFuse(group, batch)) fusedAdam(batch, group);
    else this.#updateLists(group, batch);
  }

  #updateLists(group: ParamGroup<AdamOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps, weightDecay } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    let grads = group.maximize ? _foreachNeg(batch.grads) : batch.grads;
    const steps = advanceSteps(batch);

    if (weightDecay !== 0) {
      if (group.decoupledWeightDecay) _foreachMul_(params, 1 - lr * weightDecay);
      else grads = _foreachAdd(grads, params, { alpha: weightDecay });
    }

    const expAvgs = batch.tensors("exp_avg");
    const expAvgSqs = batch.tensors("exp_avg_sq");
    _foreachLerp_(expAvgs, grads, 1 - beta1);
    _foreachMul_(expAvgSqs, beta2);
    _foreachAddcmul_(expAvgSqs, grads, grads, 1 - beta2);

    let squares = expAvgSqs;
    if (group.amsgrad) {
      squares = batch.tensors("max_exp_avg_sq");
      _foreachMaximum_(squares, expAvgSqs);
    }
    const denominators = _foreachSqrt(squares);
    _foreachDiv_(
      denominators,
      steps.map((t) => Math.sqrt(1 - beta2 ** t)),
    );
    _foreachAdd_(denominators, eps);
    _foreachAddcdiv_(
      params,
      expAvgs,
      denominators,
      steps.map((t) => -lr / (1 - beta1 ** t)),
    );
  }
}

/** Adam whose decay acts on the weights themselves, Loshchilov & Hutter 2019, arXiv 1711.05101. State as {@link Adam}. */
export class AdamW extends Adam {
  constructor(params: OptimizerInput<AdamOptions>, options: Partial<Omit<AdamOptions, "decoupledWeightDecay">> = {}) {
    super(params, options, ADAMW_DEFAULTS);
  }

  protected override afterLoad(group: ParamGroup<AdamOptions>): void {
    group.decoupledWeightDecay = true;
  }
}
