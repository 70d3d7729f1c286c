/** Weights from previous runs, and resuming. Each initializer registers itself under its kind. */
export {
  AnyInitializer,
  InitializerBaseConfig,
  InitializerConfig,
  type InitializerDependencies,
} from "../core/initializers";
export { InitializerBase } from "./base";
export { createInitializer } from "./create-initializer";
export { CheckpointInitializer, CheckpointInitializerConfig } from "./checkpoint-initializer";
export { PreviousRunInitializer, PreviousRunInitializerConfig } from "./previous-run-initializer";
export { ResumeInitializer, ResumeInitializerConfig } from "./resume-initializer";
export { readModelConfig, type StoredModelConfig } from "./read-model-config";
