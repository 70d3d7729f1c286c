import "./kinds";

export { InitializerBase, type InitializerDependencies } from "../core/initializers";
export { CheckpointInitializer } from "./checkpoint-initializer";
export { PreviousRunInitializer } from "./previous-run-initializer";
export { ResumeInitializer } from "./resume-initializer";
