import { pad as padOperator } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** What padding consists of. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/**
 * Adds entries at the borders. `sides` starts with the last dimension: [before, after, before of the one ahead, …];
 * negative numbers cut off.
 *
 * @param value what `"constant"` padding holds (default 0).
 */
export function pad(input: Tensor, sides: readonly number[], mode: PadMode = "constant", value?: number): Tensor {
  return padOperator(input, sides, mode, value);
}
