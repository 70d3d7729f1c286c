import { hostname } from "node:os";
import type { ComposedConfig } from "../../config";
import { addGlobalHandlers, getLogger } from "../../core/logging";
import { closeLogFile, logFailure } from "../../core/logging/logger";
import { durationForPeople } from "../../core/logging/formatters";
import { ignoreHangUp } from "../../core/logging/lost-readers";
import { isRank0 } from "../../core/distributed";
import { writeRunReport } from "../../core/report";
import { requireFastify, RunDashboard } from "../dashboard/run-dashboard";
import { distributed } from "../../torch";
import { runDevice } from "./devices";
import { amongProcesses } from "./processes";
import { consoleLevel } from "./config-schema";
import { loadRunConfig, type RunConfig } from "./run-config";
import { setupExperiment, type Experiment, type SetupOptions } from "./setup-experiment";

/** What a runner passes on from the command line. */
export type RunnerOptions = Omit<SetupOptions, keyof RunConfig | "device">;

/**
 * Runs a composed config: validates it, chooses the device, sets the experiment up and trains. In a process that torchrun, srun or
 * `devices: "0,1"` started it takes its part in a run of all.
 */
export class HydraRunner {
  /** What the run is for, as far as the class knows. */
  protected readonly purpose: Pick<SetupOptions, "resumeWith"> = {};

  /** @throws ConfigError before any work starts when the config is not valid */
  async run(composed: ComposedConfig, options: RunnerOptions = {}): Promise<Experiment> {
    const { config, schemaKind, changes } = await loadRunConfig(composed, { ...options, ...this.purpose });
    const isFirst = (distributed.processEnvironment()?.rank ?? 0) === 0;
    addGlobalHandlers({ level: consoleLevel(config), isRank0: isFirst });
    const logger = getLogger("runner");
    logger.debug(`command: ${[process.argv[1] ?? "node", ...process.argv.slice(2)].join(" ")}`);
    logger.debug(`host: ${hostname()}`);
    const device = runDevice(config.accelerator, config.devices);
    return amongProcesses({ accelerator: config.accelerator, device }, async () =>
      this.main({
        config,
        schemaKind,
        changes,
        device,
        overrides: composed.overrides,
        locate: (path) => composed.locate(path),
        ...options,
      }),
    );
  }

  /** One process's part of a run. May be called from code with a config that was built there. */
  async main(options: SetupOptions): Promise<Experiment> {
    if (options.config.dashboard) await requireFastify();
    const experiment = await setupExperiment(options);
    const { outputRoot, runOutputPath } = experiment.pathProvider;
    const dashboard = options.config.dashboard && isRank0() ? new RunDashboard(outputRoot, runOutputPath) : null;
    const start = performance.now();
    let failed = true;
    // also for errors that nobody awaits, such as those of timers
    process.on("uncaughtExceptionMonitor", logFailure);
    const stopIgnoring = ignoreHangUp();
    try {
      await this.execute(experiment);
      await experiment.tracker.summarizeLogvalues();
      experiment.messageCounter.log();
      const seconds = (performance.now() - start) / 1000;
      getLogger("runner").info(`finished in ${durationForPeople(seconds)}: ${experiment.pathProvider.runOutputPath}`);
      failed = false;
    } catch (error) {
      logFailure(error);
      throw error;
    } finally {
      process.off("uncaughtExceptionMonitor", logFailure);
      stopIgnoring();
      try {
        await experiment.tracker.close(failed);
      } finally {
        if (options.config.report && isRank0()) await writeRunReport(runOutputPath);
        await dashboard?.close();
        experiment.lock?.release();
        closeLogFile();
      }
    }
    return experiment;
  }

  /** What is done with the experiment. */
  protected async execute({ trainer, model }: Experiment): Promise<void> {
    await trainer.train(model);
  }
}
