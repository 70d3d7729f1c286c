export { CrossAnchorAttention, CrossAnchorAttentionConfig } from "./cross";
export { JointAnchorAttention, JointAnchorAttentionConfig } from "./joint";
export { MixedAttention, MixedAttentionConfig } from "./mixed";
export type { MixedAttentionOptions } from "./patterns";
export {
  AnchorTokenError,
  MissingAnchorTokenError,
  MissingBranchTokensError,
  MultiBranchAnchorAttention,
  MultiBranchAnchorAttentionConfig,
  UnexpectedTokenError,
} from "./multi-branch";
export type { AnchorAttentionOptions, PatternAttention } from "./multi-branch";
export { SelfAnchorAttention } from "./self";
export { domainOf, TokenSpec, tokenSpecFromDict, tokenSpecToDict } from "./tokens";
export type { AttentionPattern, KeyValueCache } from "./tokens";
