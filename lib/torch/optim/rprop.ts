import { addcmul, fullLike, onesLike, zerosLike } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { markInteger } from "./state-dict";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Rprop}, in PyTorch's order. */
export interface RpropOptions {
  /** First step size of every entry (default 1e-2). */
  lr: number | Tensor;
  /** Factors on the step size where the gradient changes sign and where it keeps it (default [0.5, 1.2]). */
  etas: readonly [number, number];
  /** Least and largest step size (default [1e-6, 50]). */
  stepSizes: readonly [number, number];
  /** Kept for files of PyTorch. */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Keep `step` on the parameter's device. */
  capturable: boolean;
}

const DEFAULTS: RpropOptions = {
  lr: 1e-2,
  etas: [0.5, 1.2],
  stepSizes: [1e-6, 50],
  foreach: null,
  maximize: false,
  differentiable: false,
  capturable: false,
};

// PyTorch's default is (1e-6, 50)
markInteger(DEFAULTS.stepSizes, 1, 50);

/**
 * Resilient backpropagation, Riedmiller & Braun 1993: steps by the gradient's sign, with a size per entry that grows while
 * the sign stays. For full batches. State: `step`, `prev`, `step_size`.
 */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(params: OptimizerInput<RpropOptions>, options: Partial<RpropOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<RpropOptions>): void {
    super.checkGroup(group);
    this.expectRange("etas[0]", group.etas[0], Number.MIN_VALUE, 1);
    this.expectRange("etas[1]", group.etas[1], 1 + Number.EPSILON);
  }

  protected initialState(param: Tensor, group: ParamGroup<RpropOptions>): ParamState {
    return {
      step: freshStep(param, group),
      prev: zerosLike(param),
      step_size: fullLike(param, learningRate(group.lr)),
    };
  }

  protected updateGroup(group: ParamGroup<RpropOptions>, batch: Batch): void {
    advanceSteps(batch);
    const [previous, sizes] = [batch.tensors("prev"), batch.tensors("step_size")];
    for (const [i, param] of batch.params.entries()) {
      const given = batch.grads[i] as Tensor;
      update(param, group.maximize ? given.neg() : given, previous[i] as Tensor, sizes[i] as Tensor, group);
    }
  }
}

function update(param: Tensor, gradient: Tensor, previous: Tensor, size: Tensor, group: RpropOptions): void {
  const [shrink, grow] = group.etas;
  const agreement = gradient.mul(previous);
  const turned = agreement.lt(0);
  size.mul_(onesLike(size).maskedFill_(agreement.gt(0), grow).maskedFill_(turned, shrink));
  size.clamp_(group.stepSizes[0], group.stepSizes[1]);
  // Where the sign has turned, this step waits, and the next one counts as a fresh start.
  const effective = gradient.maskedFill(turned, 0);
  param.copy_(addcmul(param, effective.sign(), size, { value: -1 }));
  previous.copy_(effective);
}
