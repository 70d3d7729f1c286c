/** Fetching, verifying and caching files; checkpoints from anywhere. Imports no other layer. */
export * from "./credentials";
export * from "./errors";
export { fmtBytes } from "./format-bytes";
export { configureLogging, type IoLogLevel, type IoLogSink } from "./logging";
export { parallelMapCollectErrors } from "./parallel";
export * from "./verification";
