/** Fetching, verifying and caching files; checkpoints from anywhere. Imports no other layer. */
export * from "./cache";
export * from "./checkpoint";
export * from "./credentials";
export * from "./errors";
export { resolveDir } from "./files/resolve-dir";
export { fmtBytes } from "./format-bytes";
export { configureLogging, type IoLogLevel, type IoLogSink } from "./logging";
export { parallelMapCollectErrors } from "./parallel";
export * from "./huggingface";
export * from "./provenance";
export * from "./s3";
export * from "./transfer";
export * from "./verification";
