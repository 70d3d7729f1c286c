import type { z } from "zod";
import { MultiBranchAnchorAttention, MultiBranchAnchorAttentionConfig, requireTwoBranches } from "./multi-branch";
import type { AttentionPattern } from "./tokens";

/** Config of {@link CrossAnchorAttention}. */
export const CrossAnchorAttentionConfig = MultiBranchAnchorAttentionConfig.extend("CrossAnchorAttentionConfig", {
  fields: {},
});
export type CrossAnchorAttentionConfig = z.output<typeof CrossAnchorAttentionConfig>;

/** Every branch attends to the anchors of all other branches. */
export class CrossAnchorAttention extends MultiBranchAnchorAttention {
  constructor(config: z.input<typeof CrossAnchorAttentionConfig>) {
    super(config);
    requireTwoBranches(this);
  }

  protected override patterns(tokens: readonly string[]): AttentionPattern[] {
    return this.branches.map((branch) => ({
      queryTokens: this.tokensOf(branch, tokens),
      keyValueTokens: this.branches.filter((other) => other !== branch).map((other) => this.anchorsOf(other)),
    }));
  }
}
