import { _foreachAdd, _foreachMul_, _foreachNeg } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { learningRate } from "./optimizer";

/** The options that {@link descentGradients} reads. */
export interface DescentOptions {
  lr: number | Tensor;
  weightDecay: number;
  maximize: boolean;
  /** The decay acts on the weights themselves rather than through the gradient. */
  decoupledWeightDecay?: boolean;
}

/**
 * The gradients of a batch as most optimizers follow them: with the other sign to ascend, and with the L2 penalty of the
 * weight decay added. A decoupled decay shrinks the parameters here and now, and leaves the gradients alone.
 */
export function descentGradients(batch: Batch, options: DescentOptions): Tensor[] {
  const { weightDecay } = options;
  const gradients = options.maximize ? _foreachNeg(batch.grads) : batch.grads;
  if (weightDecay === 0) return gradients;
  if (options.decoupledWeightDecay !== true) return _foreachAdd(gradients, batch.params, { alpha: weightDecay });
  _foreachMul_(batch.params, 1 - learningRate(options.lr) * weightDecay);
  return gradients;
}
