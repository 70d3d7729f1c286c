import {
  _foreachAbs,
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachLerp_,
  _foreachMaximum_,
  _foreachMul_,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import { AdamFamily, type AdamFamilyOptions } from "./adam-family";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Adamax}. Defaults: lr 2e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 0. */
export type AdamaxOptions = AdamFamilyOptions;

/** In PyTorch's order. */
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
export class Adamax extends AdamFamily<AdamaxOptions> {
  constructor(params: OptimizerInput<AdamaxOptions>, options: Partial<AdamaxOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdamaxOptions>): ParamState {
    return { step: freshStep(param, group), exp_avg: zerosLike(param), exp_inf: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<AdamaxOptions>, batch: Batch): void {
    const { params } = batch;
    const { eps } = group;
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);

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
