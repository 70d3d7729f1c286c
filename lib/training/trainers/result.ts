import { Tensor, zerosLike } from "../../torch";
import type { TrainerResult } from "../../core/callbacks/trainer";
import { ValueError } from "../../config/python-errors";

/** Losses of a batch: one, several, or several by name. */
export type LossResult = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** Losses together with other outputs for callbacks. */
export class LossWithOutputs {
  constructor(
    readonly losses: LossResult,
    readonly additionalOutputs: Readonly<Record<string, unknown>>,
  ) {}
}

/**
 * The sum of the losses, and the losses by the name under which they are logged: `loss` for a single one, `loss_0`, … for a
 * list.
 */
export function toTrainerResult(result: LossResult | LossWithOutputs): TrainerResult {
  if (result instanceof LossWithOutputs) {
    return { ...toTrainerResult(result.losses), additionalOutputs: result.additionalOutputs };
  }
  if (result instanceof Tensor) {
    return { totalLoss: result, lossesToLog: { loss: result } };
  }
  const losses: Record<string, Tensor> = Array.isArray(result)
    ? Object.fromEntries((result as readonly Tensor[]).map((loss, i) => [`loss_${i}`, loss]))
    : { ...(result as Readonly<Record<string, Tensor>>) };
  const [first] = Object.values(losses);
  if (first === undefined) {
    throw new ValueError("lossCompute gave no loss: expected a tensor, or at least one in a list or mapping");
  }
  return {
    totalLoss: Object.values(losses).reduce((sum, loss) => sum.add(loss), zerosLike(first)),
    lossesToLog: losses,
  };
}
