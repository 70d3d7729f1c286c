import { register } from "../../config/registry";
import { bool, float, optional, tuple, type FieldType } from "../../config/schema";
import {
  _foreachAdd_,
  _foreachLerp_,
  _foreachMul,
  _foreachMul_,
  _foreachNeg,
  _foreachSign_,
  ops,
  optim,
  type Tensor,
  zerosLike,
} from "../../torch";
import { OptimizerConfig } from "./optimizer-config";

/** Config of {@link Lion}; options that are absent or null are left to the class. */
export const LionConfig = OptimizerConfig.extend("LionConfig", {
  fields: {
    /** Shares of the old average in the sign that is taken, and in the new average. */
    betas: optional(tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 }))),
    /** Leaves out the steps that go against the gradient. */
    caution: optional(bool()),
    /** One operation over all parameters; the result is the same. */
    foreach: optional(bool()),
    /** Goes up instead of down. */
    maximize: optional(bool()),
  },
  check: ({ lr }, complain) => {
    if (lr === null) complain("Lion has no default learning rate: expected a number, about a tenth of AdamW's", "lr");
  },
});

/** Options of {@link Lion}, in the order in which they are saved. */
export interface LionOptions {
  /** Learning rate; required. About a tenth of what AdamW takes. */
  lr: number | Tensor;
  /** Weights of the past in the update and in the momentum (default [0.9, 0.99]). */
  betas: readonly [number, number];
  /** Decoupled weight decay (default 0). */
  weightDecay: number;
  /** Zero the entries of an update that point against the gradient, arXiv 2411.16085. */
  caution: boolean;
  /** False: one parameter after another. The results differ in the last bit only. */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
}

const DEFAULTS: Omit<LionOptions, "lr"> = {
  betas: [0.9, 0.99],
  weightDecay: 0,
  caution: false,
  foreach: null,
  maximize: false,
};

/** Smallest share of entries that agree with the gradient that `caution` counts with. */
const LEAST_AGREEMENT = 1e-3;

/**
 * Lion: the sign of an interpolated momentum, Chen et al. 2023, arXiv 2302.06675.
 *
 * State per parameter: `exp_avg`.
 */
export class Lion extends optim.Optimizer<LionOptions> {
  static readonly schema: FieldType = LionConfig;
  static override readonly hasFloatDefaults = true;

  constructor(
    params: optim.OptimizerInput<LionOptions>,
    options: Pick<LionOptions, "lr"> & Partial<LionOptions>,
    ...surplus: never[]
  ) {
    // a rate that is missing is refused with the options
    const { lr } = (options as typeof options | undefined) ?? {};
    super(params, { lr: lr as LionOptions["lr"], ...DEFAULTS }, options, surplus);
  }

  protected override checkGroup(group: optim.ParamGroup<LionOptions>): void {
    super.checkGroup(group);
    this.expectRange("betas[0]", group.betas[0], 0, 1);
    this.expectRange("betas[1]", group.betas[1], 0, 1);
  }

  protected initialState(param: Tensor): optim.ParamState {
    return { exp_avg: zerosLike(param) };
  }

  override get readsOnHost(): null {
    return null;
  }

  protected updateGroup(group: optim.ParamGroup<LionOptions>, batch: optim.Batch): void {
    const { params } = batch;
    const [beta1, beta2] = group.betas;
    // A rate that lies on a device stays there: reading it would wait, and cannot be recorded.
    const lr = onDevice(group.lr) ? group.lr : optim.learningRate(group.lr);
    const momenta = batch.tensors("exp_avg");
    const grads = group.maximize ? _foreachNeg(batch.grads) : batch.grads;

    if (typeof lr === "number" && !group.caution && group.foreach !== false) {
      // One pass over memory, with the rounding of what follows (`native/src/ops/lion.cpp`).
      ops.call("noether::lion_", params, grads, momenta, lr, beta1, beta2, group.weightDecay);
      return;
    }
    if (typeof lr === "number") _foreachMul_(params, 1 - lr * group.weightDecay);
    else _foreachMul_(params, lr.mul(-group.weightDecay).add(1));
    const updates = _foreachMul(momenta, beta1);
    _foreachAdd_(updates, grads, { alpha: 1 - beta1 });
    _foreachSign_(updates);
    if (group.caution) {
      updates.forEach((update, i) => beCautious(update, grads[i] as Tensor));
    }
    if (typeof lr === "number") {
      _foreachAdd_(params, updates, { alpha: -lr });
    } else {
      _foreachMul_(updates, lr.neg());
      _foreachAdd_(params, updates);
    }
    // The momentum takes the gradient in after the update has used it.
    if (group.foreach === false) {
      _foreachLerp_(momenta, grads, 1 - beta2);
    } else {
      _foreachMul_(momenta, beta2);
      _foreachAdd_(momenta, grads, { alpha: 1 - beta2 });
    }
  }
}

register("noether.core.optimizer.Lion", {
  class: Lion,
  aliases: ["noether.core.optimizer.lion.Lion"],
});

function onDevice(lr: number | Tensor): lr is Tensor {
  return typeof lr !== "number" && lr.device !== "cpu";
}

/** Keeps the entries whose sign agrees with the gradient, scaled up for those that are lost. */
function beCautious(update: Tensor, gradient: Tensor): void {
  const mask = update.mul(gradient).gt(0).to(gradient.dtype);
  update.mul_(mask.div_(mask.mean().clamp_(LEAST_AGREEMENT)));
}
