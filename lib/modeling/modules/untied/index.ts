/** Modules with weights of their own for each domain. */
export { SquareWeights, UntiedLinear, UntiedLinearConfig } from "./linear";
export { UntiedMixedAttention, UntiedMixedAttentionConfig } from "./mixed-attention";
export type { UntiedMixedAttentionOptions } from "./mixed-attention";
export { UntiedMLP, UntiedMLPConfig } from "./mlp";
export { UntiedPerceiverAttention } from "./perceiver-attention";
export { UntiedPerceiverBlock, UntiedPerceiverBlockConfig } from "./perceiver-block";
export { UntiedTransformerBlock, UntiedTransformerBlockConfig } from "./transformer-block";
