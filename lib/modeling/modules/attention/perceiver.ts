import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { int, optional, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { applyInitMethod } from "../../functional/init";
import { joinLayers, jointLinear } from "../../functional/joint-linear";
import { rope } from "../../functional/rope";
import type { RopeFrequencies } from "../../functional/rope";
import { AttentionConfig } from "./config";
import { requireRope } from "./dot-product";
import { attention, mergeHeads, ofItsOwn, splitHeads } from "./heads";

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

/** Arguments of {@link PerceiverAttention.forward}. */
export interface PerceiverAttentionOptions {
  /** Tokens to attend to (B, M, kv_dim), or their keys and values from {@link CrossAttention.keysValues}. */
  readonly kv: Tensor | KeysValues;
  /** Broadcastable to (B, H, N, M): boolean, true = attend; or float, added to the logits. */
  readonly attnMask?: Tensor | null;
  /** Rotary frequencies of the queries; exactly when `use_rope` is on. */
  readonly qFreqs?: RopeFrequencies | null;
  /** Those of the tokens; exactly when `use_rope` is on and `kv` are tokens. */
  readonly kFreqs?: RopeFrequencies | null;
}

/** Base of attentions to another set of tokens: its keys and values, and how queries attend to them. */
export abstract class CrossAttention extends nn.Module {
  readonly k: nn.Linear;
  readonly v: nn.Linear;
  readonly config: PerceiverAttentionConfig;

  constructor(config: z.input<typeof PerceiverAttentionConfig>) {
    super();
    this.config = validateConfig(PerceiverAttentionConfig, config);
    const { hidden_dim, kv_dim, bias } = this.config;
    this.k = new nn.Linear(kv_dim!, hidden_dim, { bias });
    this.v = new nn.Linear(kv_dim!, hidden_dim, { bias });
    joinLayers([this.k, this.v]);
  }

  /** Keys and values of the tokens (B, M, kv_dim): computed once when many sets of queries attend to them. */
  keysValues(kv: Tensor, kFreqs?: RopeFrequencies | null): KeysValues {
    requireRope(this, this.config.use_rope, { kFreqs });
    const [k, v] = splitHeads(jointLinear(kv, [this.k, this.v]), 2, this.config.num_heads) as [Tensor, Tensor];
    return kFreqs ? { k: rope(k, kFreqs), v: ofItsOwn(v) } : { k, v };
  }

  /** Attention of projected queries: (B, N, D) → (B, N, D), heads merged. */
  protected attend(queries: Tensor, { kv, attnMask, qFreqs, kFreqs }: PerceiverAttentionOptions): Tensor {
    requireRope(this, this.config.use_rope, { qFreqs });
    if (kv === undefined || kv === null)
      throw new ValueError(`${this.constructor.name}: expected kv, the tokens to attend to or their keys and values`);
    const { k, v } = "k" in kv ? kv : this.keysValues(kv, kFreqs);
    let [q] = splitHeads(queries, 1, this.config.num_heads) as [Tensor]; // (B, H, N, d)
    if (qFreqs) q = rope(q, qFreqs);
    return mergeHeads(attention(q, k, v, { attnMask, dropout: this.training ? this.config.dropout : 0 }));
  }

  /** Dropout behind the projection. */
  protected drop(x: Tensor): Tensor {
    return nn.functional.dropout(x, this.config.dropout, this.training);
  }
}

/**
 * Cross-attention of queries to another set of tokens (Perceiver, https://arxiv.org/abs/2103.03206).
 *
 * Shapes: q (B, N, D), kv (B, M, kv_dim) → (B, N, D).
 */
export class PerceiverAttention extends CrossAttention {
  readonly q: nn.Linear;
  readonly proj: nn.Linear;

  constructor(config: z.input<typeof PerceiverAttentionConfig>) {
    super(config);
    const { hidden_dim, bias, init_weights } = this.config;
    this.q = new nn.Linear(hidden_dim, hidden_dim, { bias });
    this.proj = new nn.Linear(hidden_dim, hidden_dim, { bias });
    applyInitMethod(this, this.proj.weight, init_weights);
  }

  override forward(q: Tensor, options: PerceiverAttentionOptions): Tensor {
    return this.drop(this.proj.forward(this.attend(this.q.forward(q), options)));
  }
}
