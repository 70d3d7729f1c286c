/** From a composed config to a finished run. */
export { bestAccelerator, parseDevices, runDevice, runDevices } from "./devices";
export { launchProcesses, type LaunchOptions } from "./launch";
export { startProcesses } from "./processes";
export { parseCheckpointSelector, type CheckpointSelector } from "./checkpoint-selector";
export { storeCodeArchive } from "./code-archive";
export { developmentRun } from "./development-run";
export { HydraRunner, type RunnerOptions } from "./hydra-runner";
export { claimFreeStage, claimRunDirectory, isTaken } from "./run-directory";
export { RunInUseError, RunLock } from "./run-lock";
export { loadRunConfig, type RunConfig } from "./run-config";
export { runName } from "./run-name";
export { sbatchOptions, sbatchScript, type SbatchJob } from "./sbatch-script";
export { slurmFolder } from "./slurm-config";
export { setupExperiment, type Experiment, type SetupOptions } from "./setup-experiment";
