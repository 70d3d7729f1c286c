import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, optional, shared, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { PerceiverBlock, PerceiverBlockConfig } from "../blocks";
import type { AttentionKwargs } from "../blocks";

/** Config of {@link DeepPerceiverDecoder}. */
export const DeepPerceiverDecoderConfig = defineConfig("DeepPerceiverDecoderConfig", {
  extra: "forbid",
  fields: {
    /** The blocks, all alike. */
    perceiver_block_config: shared(PerceiverBlockConfig),
    /** Number of blocks, each with its own weights. */
    depth: int({ ge: 1 }).default(1),
    /** Number of coordinates of the queries; stored configs have it, nothing depends on it. */
    input_dim: optional(int({ ge: 1 })),
  },
});
export type DeepPerceiverDecoderConfig = z.output<typeof DeepPerceiverDecoderConfig>;

/**
 * Reads values at any number of query tokens out of a latent set: queries pass through perceiver blocks that all attend to it.
 *
 * Shapes: kv (B, M, D), queries (B, N, D) → (B, N, D).
 */
export class DeepPerceiverDecoder extends nn.Module {
  readonly blocks: nn.ModuleList<PerceiverBlock>;

  constructor(config: z.input<typeof DeepPerceiverDecoderConfig>) {
    super();
    const { perceiver_block_config, depth } = validateConfig(DeepPerceiverDecoderConfig, config);
    this.blocks = new nn.ModuleList(Array.from({ length: depth }, () => new PerceiverBlock(perceiver_block_config)));
  }

  override forward(inputs: {
    kv: Tensor;
    queries: Tensor;
    attnKwargs?: AttentionKwargs;
    condition?: Tensor | null;
  }): Tensor {
    const { kv, attnKwargs, condition } = inputs;
    for (const [name, tensor] of [
      ["kv", kv],
      ["queries", inputs.queries],
    ] as const) {
      if (tensor.ndim !== 3) {
        throw new ValueError(
          `DeepPerceiverDecoder: ${name} must have shape (B, N, D), got (${tensor.shape.join(", ")})`,
        );
      }
    }
    let queries = inputs.queries;
    for (const block of this.blocks) queries = block.forward(queries, kv, { condition, attnKwargs });
    return queries;
  }
}
