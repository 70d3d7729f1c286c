export { PerceiverBlockConfig, TransformerBlockConfig, writtenKeys } from "./config";
export { PerceiverBlock } from "./perceiver-block";
export { TransformerBlock } from "./transformer-block";
export type { AttentionKwargs, BlockOptions } from "./transformer-block";
