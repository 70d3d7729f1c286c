import { NO_OPTIONS, checkArgument, checkOptions, flag, real } from "../../arguments";
import { dropout as dropoutOperator, dropout_ } from "../../operators.generated";
import type { Tensor } from "../../tensor";

const OPTIONS = { inplace: flag };

/** Zeroes entries with probability `p` and scales the rest by 1/(1 − p); the input itself when not `training`. */
export function dropout(
  input: Tensor,
  p = 0.5,
  training = true,
  options: { inplace?: boolean } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  if (typeof p !== "number" || typeof training !== "boolean") {
    checkArgument("dropout", "p", p, real);
    checkArgument("dropout", "training", training, flag);
  }
  checkOptions("dropout", options, OPTIONS, surplus);
  return options.inplace ? dropout_(input, p, training) : dropoutOperator(input, p, training);
}
