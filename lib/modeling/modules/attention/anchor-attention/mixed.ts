import type { z } from "zod";
import type { Tensor } from "../../../../torch";
import { rope } from "../../../functional/rope";
import { AttentionConfig } from "../config";
import { DotProductAttention } from "../dot-product";
import { splitHeads } from "../heads";
import type { KeysValues } from "../perceiver";
import { PatternedAttention } from "./patterns";
import type { MixedAttentionOptions } from "./patterns";
import type { KeyValueCache } from "./tokens";

/** Config of {@link MixedAttention}. */
export const MixedAttentionConfig = AttentionConfig.extend("MixedAttentionConfig", { fields: {} });
export type MixedAttentionConfig = z.output<typeof MixedAttentionConfig>;

/**
 * Attention between named groups of tokens: each pattern's queries attend to the tokens of its key groups. Groups are cut out of one
 * sequence as views; patterns of equal shape run as one call, stacked on the batch.
 *
 * Shapes: x (B, N, D) with the groups one after the other → (B, N, D).
 */
export class MixedAttention extends DotProductAttention {
  override forward(x: Tensor, options: MixedAttentionOptions): Tensor {
    return this.run(x, options)[0];
  }

  /**
   * Also gives the keys and values of the anchors, as `kvCache` of later calls: groups of size null in `tokenSpecs` are read from it.
   *
   * @returns output (B, N, D) and cache, whose tensors may be views of larger ones; null for a call that needs no keys of its tokens
   */
  forwardWithCache(x: Tensor, options: MixedAttentionOptions): [Tensor, KeyValueCache | null] {
    const [output, own, patterns] = this.run(x, options);
    return [output, own && patterns.anchors(own)];
  }

  /** The output, and the keys and values of all tokens where they were needed. */
  private run(x: Tensor, options: MixedAttentionOptions): [Tensor, KeysValues | null, PatternedAttention] {
    const patterns = new PatternedAttention(this, x, options);
    const attend = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null) => this.attend(q, k, v, mask);
    if (!patterns.needsKeys) {
      let [q] = splitHeads(this.q.forward(x), 1, this.config.num_heads) as [Tensor];
      if (options.freqs) q = rope(q, options.freqs);
      return [this.drop(this.proj.forward(patterns.attend(q, null, attend))), null, patterns];
    }
    const { q, ...own } = this.queriesKeysValues(x, options.freqs); // (B, H, N, d)
    return [this.drop(this.proj.forward(patterns.attend(q, own, attend))), own, patterns];
  }
}
