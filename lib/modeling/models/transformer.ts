import type { z } from "zod";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { loadEitherRelease } from "../../core/release-1.1";
import { register } from "../../config/registry";
import { int, shared, validateConfig, type FieldType } from "../../config/schema";
import { nn } from "../../torch";
import type { Tensor } from "../../torch";
import { ropeTable } from "../functional/rope";
import { TransformerBlock, TransformerBlockConfig } from "../modules/blocks";
import type { AttentionKwargs } from "../modules/blocks";

/** Config of {@link Transformer}. */
export const TransformerConfig = ModelBaseConfig.extend("TransformerConfig", {
  fields: {
    /** Channels of a token. */
    hidden_dim: int({ ge: 1 }),
    /** Number of blocks. */
    depth: int({ ge: 1 }),
    /** The blocks, all alike. */
    transformer_block_config: shared(TransformerBlockConfig),
  },
  check({ hidden_dim, transformer_block_config: block }, report) {
    if (block.hidden_dim !== hidden_dim) {
      report(
        `must be the model's hidden_dim (${hidden_dim}), got ${block.hidden_dim}`,
        "transformer_block_config",
        "hidden_dim",
      );
    }
  },
});
export type TransformerConfig = z.output<typeof TransformerConfig>;

register("noether.core.schemas.models.transformer.TransformerConfig", { schema: TransformerConfig });

/**
 * A trunk of transformer blocks: no embedding, no output layer, no final norm.
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export class Transformer extends nn.Module {
  static readonly schema: FieldType = TransformerConfig;
  readonly blocks: nn.ModuleList<TransformerBlock>;

  constructor(config: z.input<typeof TransformerConfig>) {
    super();
    const { depth, transformer_block_config } = this.parse(config);
    this.blocks = new nn.ModuleList(
      Array.from({ length: depth }, () => new TransformerBlock(transformer_block_config)),
    );
  }

  protected parse(config: z.input<typeof TransformerConfig>): TransformerConfig {
    return validateConfig(TransformerConfig, config);
  }

  /** Takes weights of release 1.1 of the Python framework, too. */
  override loadStateDict(state: nn.StateDict, options: { strict?: boolean } = {}): nn.LoadResult {
    return loadEitherRelease(this, state, (current) => super.loadStateDict(current, options));
  }

  /** @param attnKwargs arguments for the attention of every block, such as `freqs` */
  override forward(x: Tensor, attnKwargs: AttentionKwargs = {}): Tensor {
    const prepared = attnKwargs.freqs ? { ...attnKwargs, freqs: ropeTable(attnKwargs.freqs) } : attnKwargs;
    for (const block of this.blocks) x = block.forward(x, { attnKwargs: prepared });
    return x;
  }
}

register("noether.modeling.models.Transformer", {
  class: Transformer,
  aliases: ["noether.modeling.models.transformer.Transformer"],
});
