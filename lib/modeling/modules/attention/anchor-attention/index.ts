export { CrossAnchorAttention, CrossAnchorAttentionConfig } from "./cross";
export { JointAnchorAttention, JointAnchorAttentionConfig } from "./joint";
export { MixedAttention, MixedAttentionConfig } from "./mixed";
export type { MixedAttentionOptions } from "./mixed";
export {
  AnchorTokenError,
  MissingAnchorTokenError,
  MissingBranchTokensError,
  MultiBranchAnchorAttention,
  MultiBranchAnchorAttentionConfig,
  UnexpectedTokenError,
} from "./multi-branch";
export type { AnchorAttentionOptions } from "./multi-branch";
export { SelfAnchorAttention } from "./self";
export { AnchorMemory, TokenSpec, tokenSpecFromDict, tokenSpecToDict } from "./tokens";
export type { AttentionPattern } from "./tokens";
