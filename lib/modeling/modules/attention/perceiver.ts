import type { z } from "zod";
import { int, optional, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { applyInitMethod } from "../../functional/init";
import { rope } from "../../functional/rope";
import type { RopeFrequencies } from "../../functional/rope";
import { AttentionConfig } from "./config";
import { requireRope } from "./dot-product";
import { attention, mergeHeads, splitHeads } from "./heads";

/** Config of {@link PerceiverAttention}. */
export const PerceiverAttentionConfig = AttentionConfig.extend("PerceiverAttentionConfig", {
  fields: {
    /** Channels of the tokens that are attended to; null: hidden_dim. */
    kv_dim: optional(int({ ge: 1 })),
  },
  check(config) {
    config.kv_dim ??= config.hidden_dim;
  },
});
export type PerceiverAttentionConfig = z.output<typeof PerceiverAttentionConfig>;

/** Keys (rotated where rotary positions are on) and values of all heads, each (B, H, M, d). */
export interface KeysValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Cross-attention of queries to another set of tokens (Perceiver, https://arxiv.org/abs/2103.03206).
 *
 * Shapes: q (B, N, D), kv (B, M, kv_dim) → (B, N, D).
 */
export class PerceiverAttention extends nn.Module {
  /** Rows: keys of all heads, values of all heads. */
  readonly kv: nn.Linear;
  readonly q: nn.Linear;
  readonly proj: nn.Linear;
  readonly config: PerceiverAttentionConfig;

  constructor(config: z.input<typeof PerceiverAttentionConfig>) {
    super();
    this.config = validateConfig(PerceiverAttentionConfig, config);
    const { hidden_dim, kv_dim, bias, init_weights } = this.config;
    this.kv = new nn.Linear(kv_dim ?? hidden_dim, 2 * hidden_dim, { bias });
    this.q = new nn.Linear(hidden_dim, hidden_dim, { bias });
    this.proj = new nn.Linear(hidden_dim, hidden_dim, { bias });
    applyInitMethod(this, this.proj.weight, init_weights);
  }

  /**
   * @param options.kv tokens to attend to, or their keys and values from {@link keysValues}
   * @param options.qFreqs rotary frequencies of the queries and, as `kFreqs`, of the tokens; exactly when `use_rope` is on
   */
  override forward(
    q: Tensor,
    options: {
      kv: Tensor | KeysValues;
      attnMask?: Tensor | null;
      qFreqs?: RopeFrequencies | null;
      kFreqs?: RopeFrequencies | null;
    },
  ): Tensor {
    const { attnMask, qFreqs, kFreqs } = options;
    requireRope(this, this.config.use_rope, { qFreqs });
    const { k, v } = "k" in options.kv ? options.kv : this.keysValues(options.kv, kFreqs);
    let [queries] = splitHeads(this.q.forward(q), 1, this.config.num_heads) as [Tensor]; // (B, H, N, d)
    if (qFreqs) queries = rope(queries, qFreqs);
    const out = attention(queries, k, v, { attnMask, dropout: this.training ? this.config.dropout : 0 });
    return nn.functional.dropout(this.proj.forward(mergeHeads(out)), this.config.dropout, this.training);
  }

  /** Keys and values of the tokens (B, M, kv_dim): computed once when many sets of queries attend to them. */
  keysValues(kv: Tensor, kFreqs?: RopeFrequencies | null): KeysValues {
    requireRope(this, this.config.use_rope, { kFreqs });
    const [k, v] = splitHeads(this.kv.forward(kv), 2, this.config.num_heads) as [Tensor, Tensor];
    return { k: kFreqs ? rope(k, kFreqs) : k, v };
  }
}
