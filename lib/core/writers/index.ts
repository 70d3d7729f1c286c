export { CheckpointWriter, type SaveOptions, type SaveModelCheckpointOptions } from "./checkpoint-writer";
export { DEFAULT_SCHEMA_KIND, Hyperparameters } from "./hyperparameters";
export { writeTorchFiles, type TorchFile } from "./file-set";
export { type AddScalarOptions, type LogEntry, LogWriter, type Scalar } from "./log-writer";
export { readTorchFile } from "./torch-file";
