import type { z } from "zod";
import { defineConfig, int, validateConfig } from "../../../config/schema";
import type { Tensor } from "../../../torch";
import type { KeysValues } from "../attention/perceiver";
import { attentionConfig, PerceiverBlockConfig } from "../blocks/config";
import { PerceiverBlock } from "../blocks/perceiver-block";
import type { AttentionKwargs } from "../blocks/transformer-block";
import { SquareWeights } from "./linear";
import type { UntiedMLP } from "./mlp";
import { UntiedPerceiverAttention } from "./perceiver-attention";
import { requireTokenSpecs, untiedMlp } from "./transformer-block";

/** Config of {@link UntiedPerceiverBlock}. */
export const UntiedPerceiverBlockConfig = defineConfig("UntiedPerceiverBlockConfig", {
  extra: "forbid",
  fields: {
    /** Number of domains, each with weights of its own. */
    num_types: int({ ge: 1 }),
    /** The block of each type. */
    perceiver_block_config: PerceiverBlockConfig,
    /** How square weights multiply: as all others, or as release 2026.4 of the Python framework. */
    square_weights: SquareWeights.default("consistent"),
  },
  /** What the Python framework derives from the other fields. */
  derived: ["untied_mlp_config"],
});
export type UntiedPerceiverBlockConfig = z.output<typeof UntiedPerceiverBlockConfig>;

/**
 * {@link PerceiverBlock} with projections of queries and outputs, and an MLP, for each domain. The forward needs
 * `attnKwargs.tokenSpecs` of the queries.
 *
 * Shapes: q (B, N, D), kv (B, M, kv_dim), condition (B, C) → (B, N, D).
 */
export class UntiedPerceiverBlock extends PerceiverBlock {
  constructor(config: z.input<typeof UntiedPerceiverBlockConfig>) {
    const {
      num_types,
      perceiver_block_config: block,
      square_weights,
    } = validateConfig(UntiedPerceiverBlockConfig, config);
    super(block);
    this.attn = new UntiedPerceiverAttention(
      { ...attentionConfig(block), kv_dim: block.kv_dim },
      num_types,
      square_weights,
    );
    this.mlp = untiedMlp(block, num_types, square_weights);
  }

  protected override attend(q: Tensor, kv: KeysValues, attnKwargs: AttentionKwargs): Tensor {
    const { attnMask, qFreqs } = attnKwargs;
    const attention = this.attn as UntiedPerceiverAttention;
    return attention.forward(q, { kv, attnMask, qFreqs, tokenSpecs: requireTokenSpecs(this, attnKwargs) });
  }

  protected override feedForward(x: Tensor, attnKwargs: AttentionKwargs): Tensor {
    return (this.mlp as UntiedMLP).forward(x, requireTokenSpecs(this, attnKwargs));
  }
}
