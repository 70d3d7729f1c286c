import type { z } from "zod";
import { int, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { rope, ropeTable } from "../../functional/rope";
import { MixedAttentionConfig } from "../attention/anchor-attention/mixed";
import { PatternedAttention } from "../attention/anchor-attention/patterns";
import type { MixedAttentionOptions } from "../attention/anchor-attention/patterns";
import type { AttentionPattern, KeyValueCache } from "../attention/anchor-attention/tokens";
import { attention, splitHeads } from "../attention/heads";
import { SquareWeights, UntiedLinear } from "./linear";

/** Config of {@link UntiedMixedAttention}. */
export const UntiedMixedAttentionConfig = MixedAttentionConfig.extend("UntiedMixedAttentionConfig", {
  fields: {
    /** Number of types, each with weights of its own. */
    num_types: int({ ge: 1 }),
    /** How square weights multiply: as all others, or as release 2026.4 of the Python framework. */
    square_weights: SquareWeights.default("consistent"),
  },
  /** What the Python framework derives from the other fields. */
  derived: ["projection_config"],
});
export type UntiedMixedAttentionConfig = z.output<typeof UntiedMixedAttentionConfig>;

/** Arguments of {@link UntiedMixedAttention.forward}; without patterns all tokens attend to all. */
export type UntiedMixedAttentionOptions = Omit<MixedAttentionOptions, "attentionPatterns"> & {
  readonly attentionPatterns?: readonly AttentionPattern[];
};

/**
 * {@link MixedAttention} with projections for each domain.
 *
 * Shapes: x (B, N, D) with the groups one after the other → (B, N, D).
 */
export class UntiedMixedAttention extends nn.Module {
  readonly q: UntiedLinear;
  readonly k: UntiedLinear;
  readonly v: UntiedLinear;
  readonly proj: UntiedLinear;
  readonly config: UntiedMixedAttentionConfig;

  constructor(config: z.input<typeof UntiedMixedAttentionConfig>) {
    super();
    this.config = validateConfig(UntiedMixedAttentionConfig, config);
    const { num_types, square_weights, hidden_dim, bias, init_weights } = this.config;
    const linear_projection = { input_dim: hidden_dim, output_dim: hidden_dim, bias, init_weights };
    const linear = () => new UntiedLinear({ num_types, linear_projection, square_weights });
    this.q = linear();
    this.k = linear();
    this.v = linear();
    this.proj = linear();
  }

  override forward(x: Tensor, options: UntiedMixedAttentionOptions): Tensor {
    return this.forwardWithCache(x, options)[0];
  }

  /** As {@link MixedAttention.forwardWithCache}. */
  forwardWithCache(x: Tensor, options: UntiedMixedAttentionOptions): [Tensor, KeyValueCache | null] {
    const { tokenSpecs } = options;
    const names = tokenSpecs.map(({ name }) => name);
    const { attentionPatterns = [{ queryTokens: names, keyValueTokens: names }] } = options;
    const patterns = new PatternedAttention(this, x, { ...options, attentionPatterns });
    const table = options.freqs ? ropeTable(options.freqs) : null;
    const heads = (layer: UntiedLinear, rotated: boolean) => {
      const [projected] = splitHeads(layer.forward(x, tokenSpecs), 1, this.config.num_heads) as [Tensor]; // (B, H, N, d)
      return rotated && table ? rope(projected, table) : projected;
    };
    const q = heads(this.q, true);
    const own = patterns.needsKeys ? { k: heads(this.k, true), v: heads(this.v, false) } : null;
    const dropout = this.training ? this.config.dropout : 0;
    const y = patterns.attend(q, own, (q, k, v, attnMask) => attention(q, k, v, { attnMask, dropout }));
    const output = nn.functional.dropout(this.proj.forward(y, tokenSpecs), this.config.dropout, this.training);
    return [output, own && patterns.anchors(own)];
  }
}
