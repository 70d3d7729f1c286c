import { ValueError } from "../../../config/python-errors";
import type { nn, Tensor } from "../../../torch";
import type { LinearProjection } from "../layers/linear-projection";

/** A block's modulation vectors (B, size) from the condition (B, C); null when the block is not modulated. */
export function modulations(
  block: nn.Module & {
    readonly modulation: LinearProjection | null;
    readonly config: { readonly condition_dim: number | null };
  },
  condition: Tensor | null | undefined,
  sizes: number[],
): Tensor[] | null {
  const given = condition !== undefined && condition !== null;
  if (given !== (block.modulation !== null)) {
    const problem = given
      ? "a condition is given, but condition_dim is not set"
      : "condition_dim is set, but no condition is given";
    throw new ValueError(`${block.constructor.name}: ${problem}`);
  }
  if (!block.modulation || !given) return null;
  if (condition.size(-1) !== block.config.condition_dim) {
    throw new ValueError(
      `${block.constructor.name}: the condition must have condition_dim (${block.config.condition_dim}) channels, ` +
        `got ${condition.size(-1)}`,
    );
  }
  return block.modulation.forward(condition).splitWithSizes(sizes, -1);
}
