import { MultiBranchAnchorAttention } from "./multi-branch";
import type { AttentionPattern } from "./tokens";

/** Every branch attends to its own anchors ("shared" blocks of AB-UPT: one set of weights for all branches). */
export class SelfAnchorAttention extends MultiBranchAnchorAttention {
  protected override patterns(tokens: readonly string[]): AttentionPattern[] {
    return this.branches.map((branch) => ({
      queryTokens: this.tokensOf(branch, tokens),
      keyValueTokens: [this.anchorsOf(branch)],
    }));
  }
}
