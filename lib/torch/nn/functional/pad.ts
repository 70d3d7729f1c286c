import { arrayOf, checkArgument, integer, oneOf, real, refuseSurplus, tensor } from "../../arguments";
import { pad as padOperator } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** What padding consists of. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

const MODES = oneOf("constant", "reflect", "replicate", "circular");

/**
 * Adds entries at the borders. `sides` starts with the last dimension: [before, after, before of the one ahead, …];
 * negative numbers cut off.
 *
 * @param value what `"constant"` padding holds (default 0).
 */
export function pad(
  input: Tensor,
  sides: readonly number[],
  mode: PadMode = "constant",
  value?: number,
  ...surplus: never[]
): Tensor {
  checkArgument("pad", "input", input, tensor);
  checkArgument("pad", "sides", sides, arrayOf(integer));
  checkArgument("pad", "mode", mode, MODES);
  if (value !== undefined) checkArgument("pad", "value", value, real);
  refuseSurplus("pad", surplus);
  return padOperator(input, sides, mode, value);
}
