export { isRemoteUri, parseCheckpointUri, type CheckpointUri } from "./checkpoint-uri";
export { defaultCacheDir } from "./cache-layout";
export {
  type CheckpointMetadata,
  resolveCheckpoint,
  type ResolveCheckpointOptions,
  resolveCheckpointUri,
} from "./resolve-checkpoint";
export { type ResolveRunOptions, resolveRunOrFile, resolveRunUri } from "./resolve-run";
