import { arrayOf, byPositionOrName, checkArgument, integer, oneOf, real, tensor, type KindsOf } from "../../arguments";
import { pad as padOperator } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** What padding consists of. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/** The arguments of {@link pad} that have a default. */
export interface PadOptions {
  /** Default: "constant". */
  mode?: PadMode;
  /** What `"constant"` padding holds (default 0). */
  value?: number;
}

const KINDS = {
  mode: oneOf("constant", "reflect", "replicate", "circular"),
  value: real,
} satisfies KindsOf<PadOptions>;

/**
 * Adds entries at the borders. `sides` starts with the last dimension: [before, after, before of the one ahead, …];
 * negative numbers cut off.
 */
export function pad(input: Tensor, sides: readonly number[], mode?: PadMode, value?: number): Tensor;
export function pad(input: Tensor, sides: readonly number[], options: PadOptions): Tensor;
export function pad(input: Tensor, sides: readonly number[], ...given: unknown[]): Tensor {
  checkArgument("pad", "input", input, tensor);
  checkArgument("pad", "sides", sides, arrayOf(integer));
  const { mode = "constant", value } = byPositionOrName<PadOptions>("pad", KINDS, given);
  return padOperator(input, sides, mode, value);
}
