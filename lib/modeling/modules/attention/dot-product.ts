import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { applyInitMethod } from "../../functional/init";
import { joinLayers, jointLinear } from "../../functional/joint-linear";
import { rope, ropeTable } from "../../functional/rope";
import type { RopeFrequencies } from "../../functional/rope";
import { AttentionConfig } from "./config";
import { attention, mergeHeads, ofItsOwn, splitHeads } from "./heads";

/** Config of {@link DotProductAttention}. */
export const DotProductAttentionConfig = AttentionConfig.extend("DotProductAttentionConfig", { fields: {} });
export type DotProductAttentionConfig = z.output<typeof DotProductAttentionConfig>;

/** Queries, keys and values of all heads, each (B, H, N, d). */
export interface QueriesKeysValues {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Multi-head self-attention, `softmax(q kᵀ / √d + mask) v` ("Attention is all you need", https://arxiv.org/abs/1706.03762), with
 * rotary positions where `use_rope` is on.
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export class DotProductAttention extends nn.Module {
  readonly q: nn.Linear;
  readonly k: nn.Linear;
  readonly v: nn.Linear;
  readonly proj: nn.Linear;
  readonly config: DotProductAttentionConfig;

  constructor(config: z.input<typeof DotProductAttentionConfig>) {
    super();
    this.config = validateConfig(DotProductAttentionConfig, config);
    const { hidden_dim, bias, init_weights } = this.config;
    this.q = new nn.Linear(hidden_dim, hidden_dim, { bias });
    this.k = new nn.Linear(hidden_dim, hidden_dim, { bias });
    this.v = new nn.Linear(hidden_dim, hidden_dim, { bias });
    this.proj = new nn.Linear(hidden_dim, hidden_dim, { bias });
    joinLayers([this.q, this.k, this.v]);
    applyInitMethod(this, this.proj.weight, init_weights);
  }

  /**
   * @param options.attnMask broadcastable to (B, H, N, N): boolean, true = attend; or float, added to the logits
   * @param options.freqs rotary frequencies of the tokens; exactly when `use_rope` is on
   */
  override forward(x: Tensor, options: { attnMask?: Tensor | null; freqs?: RopeFrequencies | null } = {}): Tensor {
    const { q, k, v } = this.queriesKeysValues(x, options.freqs);
    return this.project(this.attend(q, k, v, options.attnMask));
  }

  /** (B, N, D) → queries, keys and values, rotated where `use_rope` is on. */
  queriesKeysValues(x: Tensor, freqs?: RopeFrequencies | null): QueriesKeysValues {
    requireRope(this, this.config.use_rope, { freqs });
    const joint = jointLinear(x, [this.q, this.k, this.v]); // (B, N, 3D)
    const [q, k, v] = splitHeads(joint, 3, this.config.num_heads) as [Tensor, Tensor, Tensor];
    if (!freqs) return { q, k, v };
    const table = ropeTable(freqs);
    return { q: rope(q, table), k: rope(k, table), v: ofItsOwn(v) };
  }

  /** Attention of all heads: (B, H, N, d), (B, H, M, d), (B, H, M, d) → (B, H, N, d). */
  protected attend(q: Tensor, k: Tensor, v: Tensor, attnMask?: Tensor | null): Tensor {
    return attention(q, k, v, { attnMask, dropout: this.training ? this.config.dropout : 0 });
  }

  /** Merges the heads and projects: (B, H, N, d) → (B, N, D). */
  protected project(heads: Tensor): Tensor {
    return this.drop(this.proj.forward(mergeHeads(heads)));
  }

  /** Dropout after the projection. */
  protected drop(x: Tensor): Tensor {
    return nn.functional.dropout(x, this.config.dropout, this.training);
  }
}

/** Frequencies must be given exactly when the module rotates. */
export function requireRope(
  module: nn.Module,
  useRope: boolean,
  freqs: Record<string, RopeFrequencies | null | undefined>,
): void {
  for (const [name, value] of Object.entries(freqs)) {
    if (useRope !== (value !== undefined && value !== null)) {
      const problem = useRope ? `use_rope is on, but ${name} is missing` : `${name} is given, but use_rope is off`;
      throw new ValueError(`${module.constructor.name}: RoPE usage mismatch: ${problem}`);
    }
  }
}
