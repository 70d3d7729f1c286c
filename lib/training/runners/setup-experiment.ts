import { execFileSync } from "node:child_process";
import { type as osType, hostname, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { Factory } from "../../config/factory/factory";
import { dumpConfig } from "../../config/schema";
import { barrier, fromRank0, getWorldSize, isRank0 } from "../../core/distributed";
import { addGlobalHandlers, getLogger, type MessageCounter } from "../../core/logging";
import { logFailure } from "../../core/logging/logger";
import type { ModelBase } from "../../core/models";
import { MetricPropertyProvider, PathProvider } from "../../core/providers";
import { setSeed } from "../../core/seed";
import { BaseTracker, isTrackerOff, NoopTracker } from "../../core/trackers";
import { Hyperparameters } from "../../core/writers";
import { writeDataRecord } from "../../data";
import { PreviousRunInitializerConfig } from "../../initializers/previous-run-initializer";
import { ResumeInitializerConfig } from "../../initializers/resume-initializer";
import { cuda, versions } from "../../torch";
import type { ComposedConfig } from "../../config";
import type { BaseTrainer } from "../trainers/base-trainer";
import { parseCheckpointSelector } from "./checkpoint-selector";
import { storeCodeArchive } from "./code-archive";
import { type ConfigSchema, consoleLevel } from "./config-schema";
import { keepStoredNormalizers } from "./stored-normalizers";
import { setDeterminism } from "./determinism";
import { createData, createModel, createTrainer, prepareData, seedOf } from "./experiment-parts";
import { logChanges } from "./log-changes";
import type { RunConfig } from "./run-config";
import { claimFreeRun, claimFreeStage, claimRunDirectory } from "./run-directory";
import type { RunLock } from "./run-lock";
import { runName } from "./run-name";
import { slurmRunId } from "./slurm-run";

/** How an experiment is set up besides its config. */
export interface SetupOptions extends RunConfig {
  /** `cpu`, `cuda`, `cuda:1`. */
  readonly device: string;
  /** Overrides of the command line: part of the run's name. */
  readonly overrides?: readonly string[];
  /** What reads the weights when `resume_run_id` is set. Default: everything, to continue training. */
  readonly resumeWith?: "resume" | "weights";
  /** Output root of the resumed run; null: that of this run. */
  readonly resumeOutputPath?: string | null;
  /** Infix of the checkpoint's file name, e.g. `ema=0.9999` (weights only). */
  readonly resumeModelInfo?: string | null;
  /** Told where the run is as soon as its folder is this process's own. */
  readonly onClaim?: (paths: PathProvider) => void;
  /** Where a key of the config was written, for errors. */
  readonly locate?: ComposedConfig["locate"];
}

/** Everything that a run needs. */
export interface Experiment {
  readonly trainer: BaseTrainer;
  readonly model: ModelBase;
  readonly tracker: BaseTracker;
  readonly messageCounter: MessageCounter;
  readonly pathProvider: PathProvider;
  /** Keeps others out of the run's folder until it is released; null in all processes but the first. */
  readonly lock: RunLock | null;
}

/**
 * Claims the run's folder, builds the objects of the run in the order that its random numbers depend on: seed, data sets,
 * trainer, model, and then writes what describes the run.
 *
 * @throws ConfigError when a run has been in the folder, unless this one continues it there
 */
export async function setupExperiment(options: SetupOptions): Promise<Experiment> {
  const { pathProvider, lock } = await claim(options);
  if (isRank0()) options.onClaim?.(pathProvider);
  try {
    return await build(options, pathProvider, lock);
  } catch (error) {
    logFailure(error);
    lock?.release();
    throw error;
  }
}

/** The run's folder, which the first process claims for all. */
async function claim(options: SetupOptions): Promise<{ pathProvider: PathProvider; lock: RunLock | null }> {
  let lock: RunLock | null = null;
  const { runId, stageName } = await fromRank0(() => {
    const claimed = claimHere(options);
    lock = claimed.lock;
    const { runId, stageName } = claimed.pathProvider;
    return { runId, stageName };
  });
  const { output_path: outputRootPath, debug } = options.config;
  return { pathProvider: new PathProvider({ outputRootPath, runId, stageName, debug }), lock };
}

/** The run's folder, for this run alone. An evaluation takes the next free stage, a run without id the number of its Slurm job. */
function claimHere({ config, resumeWith, locate }: SetupOptions): { pathProvider: PathProvider; lock: RunLock } {
  const jobId = config.run_id === null ? slurmRunId() : null;
  // assigned, so that hp_resolved.yaml shows it
  if (jobId !== null) config.run_id = jobId;
  const wanted = new PathProvider({
    outputRootPath: config.output_path,
    runId: config.run_id ?? PathProvider.generateRunId(),
    stageName: config.stage_name,
    debug: config.debug,
  });
  if (resumeWith === "weights") {
    const { paths, lock } = claimFreeStage(wanted);
    config.stage_name = paths.stageName;
    return { pathProvider: paths, lock };
  }
  const continues =
    config.resume_run_id === wanted.runId && (config.resume_stage_name || null) === (config.stage_name || null);
  if (jobId !== null && !continues) {
    const { paths, lock } = claimFreeRun(wanted);
    config.run_id = paths.runId;
    return { pathProvider: paths, lock };
  }
  return { pathProvider: wanted, lock: claimRunDirectory(wanted, { continues, location: locate?.(["run_id"]) }) };
}

async function build(options: SetupOptions, pathProvider: PathProvider, lock: RunLock | null): Promise<Experiment> {
  const { config, schemaKind, device, overrides = [] } = options;
  const messageCounter = addGlobalHandlers({
    logFile: pathProvider.logfileUri,
    level: consoleLevel(config),
    isRank0: isRank0(),
  });
  const logger = getLogger("runner");
  const name = runName(config.name, overrides);
  logger.info(`run ${pathProvider.runId}: ${pathProvider.runOutputPath}`);
  logger.debug(`run name: ${name || "(none)"}`);
  logChanges(options.changes ?? []);
  logSystemInfo();

  const resumed = resumeFrom(options, pathProvider);
  const metricPropertyProvider = new MetricPropertyProvider();
  const tracker = createTracker(config, { metricPropertyProvider, pathProvider });
  if (config.resume_run_id !== null) keepStoredNormalizers(config, pathsOfResumed(options, pathProvider));
  // what one process prepares on disk the others find there
  if (isRank0()) await prepareData(config);
  barrier();
  if (!isRank0()) await prepareData(config);
  setDeterminism(config, device);
  setSeed(seedOf(config));
  const dataContainer = createData(config, device);
  const dependencies = { dataContainer, device, tracker, pathProvider, metricPropertyProvider };
  const trainer = createTrainer(resumed, dependencies);
  const model = createModel(config, trainer);
  logger.debug(String(model));

  await tracker.init({
    accelerator: config.accelerator,
    runName: name,
    stageHp: dumpConfig(resumed),
    stageName: config.stage_name,
    runId: pathProvider.runId,
    outputUri: pathProvider.runOutputPath,
  });
  if (isRank0()) {
    const path = resolve(pathProvider.runOutputPath, "hp_resolved.yaml");
    Hyperparameters.saveResolved(resumed, path, schemaKind, resumed.trainer.checkpoint_format);
    Hyperparameters.log(resumed);
    writeDataRecord(pathProvider.runOutputPath, dataContainer.datasets);
    if (config.store_code_in_output) storeCodeArchive(process.cwd(), pathProvider.runOutputPath);
  }
  return { trainer, model, tracker, messageCounter, pathProvider, lock };
}

/** Where the run is that `resume_run_id` names. */
function pathsOfResumed({ config, resumeOutputPath = null }: SetupOptions, paths: PathProvider): PathProvider {
  const { resume_run_id: runId, resume_stage_name: stageName } = config;
  if (resumeOutputPath === null) return paths.withRun(runId!, stageName);
  return new PathProvider({ outputRootPath: resumeOutputPath, runId: runId!, stageName });
}

/** With `resume_run_id`: a link to that run, and a trainer config whose initializer reads it. */
function resumeFrom(
  { config, resumeWith = "resume", resumeOutputPath = null, resumeModelInfo = null }: SetupOptions,
  paths: PathProvider,
): ConfigSchema {
  if (config.resume_run_id === null) return config;
  if (isRank0() && resumeOutputPath === null) paths.link(paths.withRun(config.resume_run_id, config.resume_stage_name));
  const source = {
    run_id: config.resume_run_id,
    stage_name: config.resume_stage_name,
    checkpoint_tag: parseCheckpointSelector(config.resume_checkpoint),
    model_name: config.model.name,
    ...(resumeOutputPath === null ? {} : { output_path: resumeOutputPath }),
  };
  // assigned, so that hp_resolved.yaml shows it
  config.trainer.initializer =
    resumeWith === "resume"
      ? ResumeInitializerConfig.create(source)
      : PreviousRunInitializerConfig.create({
          ...source,
          ...(resumeModelInfo === null ? {} : { model_info: resumeModelInfo }),
        });
  return config;
}

function createTracker(
  config: ConfigSchema,
  dependencies: { metricPropertyProvider: MetricPropertyProvider; pathProvider: PathProvider },
): BaseTracker {
  if (config.tracker === null || config.debug || isTrackerOff(config.tracker)) return new NoopTracker(dependencies);
  const tracker = new Factory().create(config.tracker, dependencies);
  if (!(tracker instanceof BaseTracker))
    throw new TypeError(`expected kind "${config.tracker.kind}" to be a tracker (a subclass of BaseTracker)`);
  return tracker;
}

/** What a reader of the log needs to know about the machine, at debug level. */
function logSystemInfo(): void {
  const logger = getLogger("system");
  const info: Record<string, string> = {
    directory: process.cwd(),
    host: hostname(),
    system: `${osType()} ${release()}`,
    node: `${process.execPath} ${process.version}`,
    torch: JSON.stringify(versions()),
    "CUDA devices": String(cuda.isAvailable() ? cuda.deviceCount() : 0),
    "git commit": gitCommit() ?? "none",
    "processes of the run": String(getWorldSize()),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
  for (const [key, value] of Object.entries(info)) logger.debug(`${key}: ${value}`);
}

function gitCommit(): string | null {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}
