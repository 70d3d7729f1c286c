import type { z } from "zod";
import { bool, defineConfig, float, int, optional } from "../../../config/schema";
import { InitWeightsMode } from "../../functional/init";

/** What every attention config has. */
export const AttentionConfig = defineConfig("AttentionConfig", {
  extra: "forbid",
  fields: {
    /** Channels of all heads together. */
    hidden_dim: int({ ge: 1 }),
    /** Attention heads; `hidden_dim` is a multiple of it. */
    num_heads: int({ ge: 1 }),
    /** Rotate queries and keys by position; the forward then needs frequencies. */
    use_rope: bool().default(false),
    /** Dropout of attention weights and of the output projection, in training. */
    dropout: float({ ge: 0, le: 1 }).default(0),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("truncnormal002"),
    /** Linear layers have an offset. */
    bias: bool().default(true),
    /** Channels of one head, always hidden_dim / num_heads. */
    head_dim: optional(int()),
  },
  check(config, report) {
    if (config.hidden_dim % config.num_heads !== 0) {
      report(`hidden_dim (${config.hidden_dim}) must be divisible by num_heads (${config.num_heads})`, "hidden_dim");
    }
    config.head_dim = config.hidden_dim / config.num_heads;
  },
});
export type AttentionConfig = z.output<typeof AttentionConfig>;
