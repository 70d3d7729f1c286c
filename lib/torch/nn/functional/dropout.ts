import { dropout as dropoutOperator, dropout_ } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** Zeroes entries with probability `p` and scales the rest by 1/(1 − p); the input itself when not `training`. */
export function dropout(input: Tensor, p = 0.5, training = true, options: { inplace?: boolean } = {}): Tensor {
  return options.inplace ? dropout_(input, p, training) : dropoutOperator(input, p, training);
}
