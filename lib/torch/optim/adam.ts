import {
  _foreachAdd_,
  _foreachAddcdiv_,
  _foreachDiv_,
  _foreachMaximum_,
  _foreachSqrt,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import { AdamFamily, type AdamFamilyOptions, updateMoments } from "./adam-family";
import type { Batch } from "./batch";
import { canFuse, fusedAdam, prefersFused } from "./fused";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, learningRate } from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Adam} and {@link AdamW}. Defaults: lr 1e-3, betas [0.9, 0.999], eps 1e-8, weightDecay 0 (AdamW: 0.01). */
export interface AdamOptions extends AdamFamilyOptions {
  /** Divide by the largest mean of squares so far (Reddi et al. 2018). */
  amsgrad: boolean;
  /** Ask for the fused kernel; null decides by device. */
  fused: boolean | null;
  /** Decay the weights themselves rather than through the gradient: what makes it AdamW. */
  decoupledWeightDecay: boolean;
}

/** In PyTorch's order. */
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
export class Adam extends AdamFamily<AdamOptions> {
  /** @internal */
  protected static readonly standard: AdamOptions = ADAM_DEFAULTS;
  private foundInf: Tensor | null = null;

  constructor(params: OptimizerInput<AdamOptions>, options: Partial<AdamOptions> = {}, ...surplus: never[]) {
    super(params, new.target.standard, options, surplus);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdamOptions>): ParamState {
    const state: ParamState = {
      step: freshStep(param, group, this.keepsStepOnDevice(param, group)),
      exp_avg: zerosLike(param),
      exp_avg_sq: zerosLike(param),
    };
    if (group.amsgrad) state.max_exp_avg_sq = zerosLike(param);
    return state;
  }

  protected updateGroup(group: ParamGroup<AdamOptions>, batch: Batch): void {
    if (canFuse(group, batch)) fusedAdam(batch, group, this.foundInf);
    else if (this.foundInf === null || this.foundInf.item() === 0) this.updateLists(group, batch);
  }

  /** The fused kernels read the step on the device. */
  protected override keepsStepOnDevice(param: Tensor, group: ParamGroup<AdamOptions>): boolean {
    return super.keepsStepOnDevice(param, group) || prefersFused(group, param);
  }

  override get readsOnHost(): string | null {
    return this.skipsOnDevice ? null : super.readsOnHost;
  }

  override get skipsOnDevice(): boolean {
    return this.paramGroups.every((group) => group.params.every((param) => prefersFused(group, param)));
  }

  override stepUnless(foundInf: Tensor): boolean {
    if (!this.skipsOnDevice) return false;
    this.foundInf = foundInf;
    try {
      this.step();
    } finally {
      this.foundInf = null;
    }
    return true;
  }

  private updateLists(group: ParamGroup<AdamOptions>, batch: Batch): void {
    const lr = learningRate(group.lr);
    const [beta1, beta2] = group.betas;
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);
    const { expAvgs, expAvgSqs } = updateMoments(batch, grads, group.betas);

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
    _foreachAdd_(denominators, group.eps);
    _foreachAddcdiv_(
      batch.params,
      expAvgs,
      denominators,
      steps.map((t) => -lr / (1 - beta1 ** t)),
    );
  }
}

/** Adam whose decay acts on the weights themselves, Loshchilov & Hutter 2019, arXiv 1711.05101. State as {@link Adam}. */
export class AdamW extends Adam {
  /** @internal */
  protected static override readonly standard: AdamOptions = ADAMW_DEFAULTS;

  constructor(
    params: OptimizerInput<AdamOptions>,
    options: Partial<Omit<AdamOptions, "decoupledWeightDecay">> = {},
    ...surplus: never[]
  ) {
    super(params, options, ...surplus);
  }

  protected override afterLoad(group: ParamGroup<AdamOptions>): void {
    group.decoupledWeightDecay = true;
  }
}
