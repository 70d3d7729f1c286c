export { BatchSampler } from "./batch-sampler";
/** Which samples a run loads, and in which order. */
export { DistributedSampler } from "./distributed-sampler";
export type { DistributedSamplerOptions } from "./distributed-sampler";
export { InterleavedSampler } from "./interleaved-sampler";
export type { BatchRequest, StreamItem } from "./interleaved-sampler";
export { checkSamplerInterval, InterleavedSamplerConfig } from "./interleaved-sampler-config";
export type { SamplerIntervalConfig } from "./interleaved-sampler-config";
export { RandomSampler } from "./random-sampler";
export { sampleSource } from "./sampler";
export type { SampleSource } from "./sampler";
export { SequentialSampler } from "./sequential-sampler";
