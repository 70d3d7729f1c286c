export { CheckpointFolder, type CheckpointStep } from "./checkpoint-folder";
export {
  type CheckpointParticipant,
  CheckpointWriter,
  type SaveOptions,
  type SaveModelCheckpointOptions,
} from "./checkpoint-writer";
export { DEFAULT_SCHEMA_KIND, Hyperparameters } from "./hyperparameters";
export { type AddScalarOptions, type LogEntry, LogWriter, type MetricSink, type Scalar } from "./log-writer";
export { readTorchFile, type ReadTorchFileOptions, writeTorchFile } from "./torch-file";
export { type MetricWriter, PrefixedLogWriter } from "./prefixed-log-writer";
