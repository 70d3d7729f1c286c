import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type SourceLocation } from "../../config/errors";
import { PathProvider, type PathProviderOptions } from "../../core/providers";
import { RunInUseError, RunLock } from "./run-lock";

/** What shows that a run has been in a folder. A log alone was left by a run that failed before it began. */
const TRACES = ["hp_resolved.yaml", "checkpoints", "tracker"];

/** Whether a run has written into its folder. Creates nothing. */
export function isTaken(paths: PathProvider): boolean {
  return TRACES.some((name) => existsSync(join(paths.runOutputPath, name)));
}

/** Why a run may not write where another run has been, and the way out. */
export function takenMessage(paths: PathProvider): string {
  const stage = paths.stageName ? ` with stage_name "${paths.stageName}"` : "";
  const resume = `resume_run_id: ${paths.runId}${paths.stageName ? `, resume_stage_name: ${paths.stageName}` : ""}`;
  return `expected the id of a new run, received ${JSON.stringify(paths.runId)}: '${paths.runOutputPath}' already holds a run${stage}; choose another run_id, or continue that run with ${resume}`;
}

function takenError(paths: PathProvider, location?: SourceLocation): ConfigError {
  return new ConfigError([{ path: "run_id", message: takenMessage(paths), location }]);
}

/** Options of {@link claimRunDirectory}. */
export interface ClaimOptions {
  /** The run continues in its own folder, so there may be one. */
  readonly continues: boolean;
  /** Where `run_id` was written, for errors. */
  readonly location?: SourceLocation;
}

/**
 * Makes a run's folder and takes its lock, so that nobody else writes there.
 *
 * @throws ConfigError when another run has been there, RunInUseError when one is at work there,
 *   ValueError when a symbolic link leads out of the output root
 */
export function claimRunDirectory(paths: PathProvider, { continues, location }: ClaimOptions): RunLock {
  paths.refuseEscape();
  if (!continues && isTaken(paths)) throw takenError(paths, location);
  const lock = new RunLock(PathProvider.ensure(paths.runOutputPath));
  // checked again: now no other process can come in between
  if (continues || !isTaken(paths)) return lock;
  lock.release();
  throw takenError(paths, location);
}

/**
 * {@link claimRunDirectory} for an evaluation, whose stage may have any name: the first that is free of `eval`, `eval_2`, `eval_3`, ….
 *
 * @returns the paths of that stage and their lock
 */
export function claimFreeStage(paths: PathProvider): Claim {
  const stage = paths.stageName || "eval";
  return claimFirst((suffix) => ({ ...rootOf(paths), runId: paths.runId, stageName: `${stage}${suffix}` }));
}

/**
 * {@link claimRunDirectory} for a run that was given no id but that of its Slurm job: the first that is free of `1234`, `1234_2`, ….
 *
 * @returns the paths of that run and their lock
 */
export function claimFreeRun(paths: PathProvider): Claim {
  const { runId, stageName } = paths;
  return claimFirst((suffix) => ({ ...rootOf(paths), runId: `${runId}${suffix}`, stageName }));
}

/** A folder that is this process's alone. */
export interface Claim {
  readonly paths: PathProvider;
  readonly lock: RunLock;
}

const rootOf = ({ outputRoot: outputRootPath, debug }: PathProvider) => ({ outputRootPath, debug });

function claimFirst(candidateOf: (suffix: string) => PathProviderOptions): Claim {
  for (let number = 1; ; number++) {
    const candidate = new PathProvider(candidateOf(number === 1 ? "" : `_${number}`));
    candidate.refuseEscape();
    if (isTaken(candidate)) continue;
    try {
      return { paths: candidate, lock: claimRunDirectory(candidate, { continues: false }) };
    } catch (error) {
      // somebody else was faster
      if (!(error instanceof ConfigError || error instanceof RunInUseError)) throw error;
    }
  }
}
