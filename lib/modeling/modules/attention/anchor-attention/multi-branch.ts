import type { z } from "zod";
import { ValueError } from "../../../../config/python-errors";
import { list, str, validateConfig } from "../../../../config/schema";
import { nn } from "../../../../torch";
import type { Tensor } from "../../../../torch";
import { AttentionConfig } from "../config";
import { MixedAttention } from "./mixed";
import type { MixedAttentionOptions } from "./patterns";
import { domainOf } from "./tokens";
import type { AttentionPattern, KeyValueCache } from "./tokens";

/** Config of {@link MultiBranchAnchorAttention}. */
export const MultiBranchAnchorAttentionConfig = AttentionConfig.extend("MultiBranchAnchorAttentionConfig", {
  fields: {
    /** Domains, e.g. ["surface", "volume"]; their tokens are called `<branch>_anchors` and `<branch>_queries`. */
    branches: list(str()),
    /** Ending of the names of anchor tokens. */
    anchor_suffix: str().default("_anchors"),
  },
  check({ branches }, report) {
    if (branches.length === 0) report("needs at least one branch", "branches");
  },
});
export type MultiBranchAnchorAttentionConfig = z.output<typeof MultiBranchAnchorAttentionConfig>;

/** Tokens that do not fit the branches of an anchor attention. */
export class AnchorTokenError extends ValueError {}
/** A token that belongs to no branch. */
export class UnexpectedTokenError extends AnchorTokenError {}
/** A branch without tokens. */
export class MissingBranchTokensError extends AnchorTokenError {}
/** A branch without anchors. */
export class MissingAnchorTokenError extends AnchorTokenError {}

/** Arguments of the anchor attentions. */
export type AnchorAttentionOptions = Omit<MixedAttentionOptions, "attentionPatterns">;

/** Attention between groups of tokens inside of an anchor attention. */
export interface PatternAttention extends nn.Module {
  forward(x: Tensor, options: MixedAttentionOptions): Tensor;
  forwardWithCache(x: Tensor, options: MixedAttentionOptions): [Tensor, KeyValueCache | null];
}

/**
 * Base of the anchor attentions (AB-UPT, https://arxiv.org/abs/2502.09692): tokens of a branch attend to anchors only, so the result at
 * an anchor never depends on the queries, and any number of queries can follow.
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export abstract class MultiBranchAnchorAttention extends nn.Module {
  /** Blocks with weights for each branch replace it. */
  mixedAttention: PatternAttention;
  readonly branches: readonly string[];
  readonly anchorSuffix: string;

  constructor(config: z.input<typeof MultiBranchAnchorAttentionConfig>) {
    super();
    const { branches, anchor_suffix, ...attention } = validateConfig(MultiBranchAnchorAttentionConfig, config);
    this.mixedAttention = new MixedAttention(attention);
    this.branches = branches;
    this.anchorSuffix = anchor_suffix;
  }

  /** Which of the present tokens attend to which anchors. */
  protected abstract patterns(tokens: readonly string[]): AttentionPattern[];

  override forward(x: Tensor, options: AnchorAttentionOptions): Tensor {
    return this.mixedAttention.forward(x, this.withPatterns(options));
  }

  /** As {@link MixedAttention.forwardWithCache}. */
  forwardWithCache(x: Tensor, options: AnchorAttentionOptions): [Tensor, KeyValueCache | null] {
    return this.mixedAttention.forwardWithCache(x, this.withPatterns(options));
  }

  private withPatterns(options: AnchorAttentionOptions): MixedAttentionOptions {
    const tokens = options.tokenSpecs.map(({ name }) => name);
    this.validate(tokens, options.kvCache ?? {});
    const attentionPatterns = this.patterns(tokens).filter(({ queryTokens }) => queryTokens.length > 0);
    return { ...options, attentionPatterns };
  }

  /** Name of a branch's anchors. */
  protected anchorsOf(branch: string): string {
    return branch + this.anchorSuffix;
  }

  /** Tokens that belong to a branch. */
  protected tokensOf(branch: string, tokens: readonly string[]): string[] {
    return tokens.filter((name) => name === this.anchorsOf(branch) || domainOf(name) === branch);
  }

  private validate(tokens: readonly string[], cache: KeyValueCache): void {
    const name = this.constructor.name;
    const known = new Set(this.branches.flatMap((branch) => this.tokensOf(branch, tokens)));
    const unexpected = tokens.find((token) => !known.has(token));
    if (unexpected !== undefined) {
      throw new UnexpectedTokenError(
        `${name}: token ${unexpected} belongs to none of the branches ${this.branches.join(", ")}`,
      );
    }
    for (const branch of this.branches) {
      const anchors = this.anchorsOf(branch);
      if (tokens.includes(anchors) || anchors in cache) continue;
      if (this.tokensOf(branch, tokens).length === 0) {
        throw new MissingBranchTokensError(`${name}: branch ${branch} has no tokens among ${tokens.join(", ")}`);
      }
      throw new MissingAnchorTokenError(
        `${name}: branch ${branch} needs the token ${anchors}, got ${tokens.join(", ")}`,
      );
    }
  }
}

/** For the attentions between branches. */
export function requireTwoBranches(attention: MultiBranchAnchorAttention): void {
  if (attention.branches.length < 2) {
    throw new ValueError(
      `${attention.constructor.name} requires at least two branches, got ${attention.branches.join(", ")}`,
    );
  }
}
