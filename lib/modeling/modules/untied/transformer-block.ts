import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, validateConfig } from "../../../config/schema";
import type { nn, Tensor } from "../../../torch";
import { MultiBranchAnchorAttention } from "../attention/anchor-attention/multi-branch";
import type { TokenSpec } from "../attention/anchor-attention/tokens";
import { attentionConfig, TransformerBlockConfig } from "../blocks/config";
import { TransformerBlock } from "../blocks/transformer-block";
import type { AttentionKwargs } from "../blocks/transformer-block";
import { SquareWeights } from "./linear";
import { UntiedMixedAttention } from "./mixed-attention";
import { UntiedMLP } from "./mlp";

/** Config of {@link UntiedTransformerBlock}. */
export const UntiedTransformerBlockConfig = defineConfig("UntiedTransformerBlockConfig", {
  extra: "forbid",
  fields: {
    /** Number of domains, each with weights of its own. */
    num_types: int({ ge: 1 }),
    /** The block of each type. */
    transformer_block: TransformerBlockConfig,
    /** How square weights multiply: as all others, or as release 2026.4 of the Python framework. */
    square_weights: SquareWeights.default("consistent"),
  },
  /** What the Python framework derives from the other fields. */
  derived: ["attention_config", "untied_mlp_config"],
});
export type UntiedTransformerBlockConfig = z.output<typeof UntiedTransformerBlockConfig>;

/**
 * {@link TransformerBlock} with attention and MLP for each domain; norms, modulation and layer scale are shared.
 *
 * An anchor attention keeps its patterns; any other becomes {@link UntiedMixedAttention}. The forward needs `attnKwargs.tokenSpecs`.
 *
 * Shapes: x (B, N, D), condition (B, C) → (B, N, D).
 */
export class UntiedTransformerBlock extends TransformerBlock {
  /** @param options.attention builds an anchor attention from the attention's config */
  constructor(
    config: z.input<typeof UntiedTransformerBlockConfig>,
    options: { attention?: (config: ReturnType<typeof attentionConfig>) => nn.Module } = {},
  ) {
    const { num_types, transformer_block, square_weights } = validateConfig(UntiedTransformerBlockConfig, config);
    super(transformer_block, options);
    const attention = new UntiedMixedAttention({ ...attentionConfig(transformer_block), num_types, square_weights });
    if (this.attentionBlock instanceof MultiBranchAnchorAttention) this.attentionBlock.mixedAttention = attention;
    else this.attentionBlock = attention;
    this.mlp = untiedMlp(transformer_block, num_types, square_weights);
  }

  protected override feedForward(x: Tensor, attnKwargs: AttentionKwargs): Tensor {
    return (this.mlp as UntiedMLP).forward(x, requireTokenSpecs(this, attnKwargs));
  }
}

/** The MLP of a block with weights for each domain; it has biases always. */
export function untiedMlp(
  { hidden_dim, mlp_hidden_dim, init_weights }: TransformerBlockConfig,
  num_types: number,
  square_weights: SquareWeights,
): UntiedMLP {
  const mlp = { input_dim: hidden_dim, hidden_dim: mlp_hidden_dim!, output_dim: hidden_dim, init_weights };
  return new UntiedMLP({ num_types, mlp, square_weights });
}

/** The token specs of a block that cannot do without. */
export function requireTokenSpecs(block: nn.Module, { tokenSpecs }: AttentionKwargs): readonly TokenSpec[] {
  if (tokenSpecs === undefined)
    throw new ValueError(
      `${block.constructor.name}: attnKwargs.tokenSpecs must say which tokens belong to which domain`,
    );
  return tokenSpecs;
}
