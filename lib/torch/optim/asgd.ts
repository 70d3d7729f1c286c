import { _foreachMul_, _foreachSub, zerosLike } from "../operators.generated";
import { scalarTensor } from "../creation";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { descentGradients } from "./descent-gradients";
import { valuesOf, write } from "./known-values";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { advanceSteps } from "./step";

/** Options of {@link ASGD}, in PyTorch's order. */
export interface ASGDOptions {
  /** Learning rate at the start (default 1e-2). */
  lr: number | Tensor;
  /** Decay of weights and of the rate (default 1e-4). */
  lambd: number;
  /** Power by which the rate falls (default 0.75). */
  alpha: number;
  /** Step at which the average starts (default 1e6). */
  t0: number;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Ask for list operators (always used here). */
  foreach: boolean | null;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Kept for files of PyTorch: the scalars are on the parameter's device in any case. */
  capturable: boolean;
}

const DEFAULTS: ASGDOptions = {
  lr: 1e-2,
  lambd: 1e-4,
  alpha: 0.75,
  t0: 1e6,
  weightDecay: 0,
  foreach: null,
  maximize: false,
  differentiable: false,
  capturable: false,
};

/**
 * Averaged SGD, Polyak & Juditsky 1992: SGD with a falling rate; the running average of the weights is kept in `ax` and
 * never written back. State: `step`, `eta` (the rate of the next step), `mu`, `ax`.
 */
export class ASGD extends Optimizer<ASGDOptions> {
  constructor(params: OptimizerInput<ASGDOptions>, options: Partial<ASGDOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<ASGDOptions>): void {
    super.checkGroup(group);
    this.expectRange("weightDecay", group.weightDecay, 0);
  }

  protected initialState(param: Tensor, group: ParamGroup<ASGDOptions>): ParamState {
    const scalar = (value: number): Tensor => scalarTensor(value, { dtype: "float32", device: param.device });
    return { step: scalar(0), eta: scalar(learningRate(group.lr)), mu: scalar(1), ax: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<ASGDOptions>, batch: Batch): void {
    const { params } = batch;
    const { lambd, alpha, t0 } = group;
    const lr = learningRate(group.lr);
    const steps = advanceSteps(batch);
    const grads = descentGradients(batch, group);

    const [etas, mus, averages] = [batch.tensors("eta"), batch.tensors("mu"), batch.tensors("ax")];
    const [rates, shares] = [valuesOf(etas), valuesOf(mus)];
    _foreachMul_(
      params,
      rates.map((eta) => 1 - lambd * eta),
    );
    for (const [i, param] of params.entries()) param.add_(grads[i] as Tensor, { alpha: -(rates[i] as number) });

    const towards = _foreachSub(params, averages);
    // With mu = 1 the average is the parameter itself, without the rounding of ax + (θ − ax).
    for (const [i, average] of averages.entries()) {
      const mu = shares[i]!;
      if (mu === 1) average.copy_(params[i] as Tensor);
      else average.add_(towards[i] as Tensor, { alpha: mu });
    }
    for (const [i, t] of steps.entries()) {
      write(etas[i]!, lr / (1 + lambd * lr * t) ** alpha);
      write(mus[i]!, 1 / Math.max(1, t - t0));
    }
  }
}
