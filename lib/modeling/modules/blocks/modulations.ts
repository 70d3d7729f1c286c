import { ValueError } from "../../../config/python-errors";
import type { nn, Tensor } from "../../../torch";
import type { LinearProjection } from "../layers/linear-projection";

/** A block's modulation vectors (B, D) from the condition (B, C); null when the block is not modulated. */
export function modulations(
  block: nn.Module & { readonly modulation: LinearProjection | null },
  condition: Tensor | null | undefined,
  count: number,
): Tensor[] | null {
  const given = condition !== undefined && condition !== null;
  if (given !== (block.modulation !== null)) {
    const problem = given
      ? "a condition is given, but condition_dim is not set"
      : "condition_dim is set, but no condition is given";
    throw new ValueError(`${block.constructor.name}: ${problem}`);
  }
  return block.modulation && given ? block.modulation.forward(condition).chunk(count, -1) : null;
}
