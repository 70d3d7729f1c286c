import type { z } from "zod";
import { MultiBranchAnchorAttention, MultiBranchAnchorAttentionConfig, requireTwoBranches } from "./multi-branch";
import type { AttentionPattern } from "./tokens";

/** Config of {@link JointAnchorAttention}. */
export const JointAnchorAttentionConfig = MultiBranchAnchorAttentionConfig.extend("JointAnchorAttentionConfig", {
  fields: {},
});
export type JointAnchorAttentionConfig = z.output<typeof JointAnchorAttentionConfig>;

/** All tokens attend to the anchors of all branches. */
export class JointAnchorAttention extends MultiBranchAnchorAttention {
  constructor(config: z.input<typeof JointAnchorAttentionConfig>) {
    super(config);
    requireTwoBranches(this);
  }

  protected override patterns(tokens: readonly string[]): AttentionPattern[] {
    return [{ queryTokens: tokens, keyValueTokens: this.branches.map((branch) => this.anchorsOf(branch)) }];
  }
}
