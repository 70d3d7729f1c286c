import { _foreachAdd_, _foreachAddcdiv_, _foreachAddcmul_, _foreachSqrt, fullLike } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import {
  type OptimizerInput,
  type ParamGroup,
  type ParamGroupInput,
  type ParamState,
  Optimizer,
  learningRate,
} from "./optimizer";
import { advanceSteps, freshStep } from "./step";

/** Options of {@link Adagrad}, in PyTorch's order. */
export interface AdagradOptions {
  /** Learning rate (default 1e-2). */
  lr: number | Tensor;
  /** The rate is divided by 1 + (step − 1)·lrDecay (default 0). */
  lrDecay: number;
  /** Added to the root of the sum (default 1e-10). */
  eps: number;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Where the sum of squares starts (default 0). */
  initialAccumulatorValue: number;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Kept for files of PyTorch. */
  fused: boolean | null;
}

const DEFAULTS: AdagradOptions = {
  lr: 1e-2,
  lrDecay: 0,
  eps: 1e-10,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  foreach: null,
  maximize: false,
  differentiable: false,
  fused: null,
};

/**
 * Adagrad, Duchi et al. 2011: the gradient divided by the root of the sum of its squares so far.
 *
 * State: `step`, `sum`; made for every parameter when it is added, as in PyTorch.
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: OptimizerInput<AdagradOptions>, options: Partial<AdagradOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  override addParamGroup(input: ParamGroupInput<AdagradOptions>): void {
    super.addParamGroup(input);
    const group = this.paramGroups.at(-1) as ParamGroup<AdagradOptions>;
    for (const param of group.params) this.initializeState(param, group);
  }

  protected override checkGroup(group: ParamGroup<AdagradOptions>): void {
    super.checkGroup(group);
    this.expectRange("lrDecay", group.lrDecay, 0);
    this.expectRange("weightDecay", group.weightDecay, 0);
    this.expectRange("initialAccumulatorValue", group.initialAccumulatorValue, 0);
    this.expectRange("eps", group.eps, 0);
  }

  protected initialState(param: Tensor, group: ParamGroup<AdagradOptions>): ParamState {
    return { step: freshStep(param, group), sum: fullLike(param, group.initialAccumulatorValue) };
  }

  protected updateGroup(group: ParamGroup<AdagradOptions>, batch: Batch): void {
    const { params } = batch;
    const { lrDecay, eps } = group;
    const lr = learningRate(group.lr);
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);

    const sums = batch.tensors("sum");
    _foreachAddcmul_(sums, grads, grads, 1);
    const divisors = _foreachSqrt(sums);
    _foreachAdd_(divisors, eps);
    _foreachAddcdiv_(
      params,
      grads,
      divisors,
      steps.map((t) => -lr / (1 + (t - 1) * lrDecay)),
    );
  }
}
