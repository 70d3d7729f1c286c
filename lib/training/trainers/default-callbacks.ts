import {
  type CallbackBase,
  type CallbackDependencies,
  DatasetStatsCallback,
  EtaCallback,
  LrCallback,
  OnlineLossCallback,
  ParamCountCallback,
  PeakMemoryCallback,
  type PeriodicCallbackConfig,
  ProgressCallback,
  TrainTimeCallback,
} from "../../core/callbacks";
import { isRank0 } from "../../core/distributed";
import type { BaseTrainerConfig } from "./base-trainer-config";
import { getLogger } from "../../core/logging";

type Interval = Pick<PeriodicCallbackConfig, "every_n_epochs" | "every_n_updates" | "every_n_samples">;

/** Share of the updates of a run after which logs and tracked values are due when no interval is set: 1 / this. */
const DEFAULT_LOGS = 100;
const DEFAULT_TRACKS = 500;

/** The interval of a group of callbacks; without one in the configuration a share of the run. */
function intervalOf(config: BaseTrainerConfig, group: "log" | "track", totalUpdates: number, share: number): Interval {
  const interval = {
    every_n_epochs: config[`${group}_every_n_epochs`],
    every_n_updates: config[`${group}_every_n_updates`],
    every_n_samples: config[`${group}_every_n_samples`],
  };
  if (Object.values(interval).some((n) => n !== null && n !== undefined)) {
    return interval;
  }
  const every_n_updates = Math.max(Math.floor(totalUpdates / share), 1);
  getLogger("BaseTrainer").debug(
    `no ${group}_every_n_… is set: ${group === "log" ? "logging" : "tracking"} every ${every_n_updates} updates`,
  );
  return { every_n_updates };
}

function isSame(a: Interval, b: Interval): boolean {
  return (["every_n_epochs", "every_n_updates", "every_n_samples"] as const).every(
    (key) => (a[key] ?? null) === (b[key] ?? null),
  );
}

/**
 * The callbacks that every run has: sizes of data and model, progress, times, memory, losses and learning rates.
 *
 * Of two that would log the same keys at the same time only one is made.
 *
 * @param userCallbacks Callbacks of the configuration.
 */
export function createDefaultCallbacks(
  config: BaseTrainerConfig,
  dependencies: CallbackDependencies,
  userCallbacks: readonly CallbackBase[],
): CallbackBase[] {
  const { trainer } = dependencies;
  const callbacks: CallbackBase[] = [
    new DatasetStatsCallback(null, dependencies),
    new ParamCountCallback(null, dependencies),
  ];
  if (trainer.updateCounter.isFinished) {
    return callbacks;
  }
  const total = trainer.totalTrainingUpdates;
  const log = intervalOf(config, "log", total, DEFAULT_LOGS);
  const track = intervalOf(config, "track", total, DEFAULT_TRACKS);
  const logsLoss = (interval: Interval): boolean =>
    userCallbacks.some(
      (callback) =>
        callback instanceof OnlineLossCallback &&
        isSame(interval, {
          every_n_epochs: callback.everyNEpochs,
          every_n_updates: callback.everyNUpdates,
          every_n_samples: callback.everyNSamples,
        }),
    );
  callbacks.push(new TrainTimeCallback(log, dependencies), new PeakMemoryCallback(log, dependencies));
  if (!logsLoss(log)) {
    callbacks.push(new OnlineLossCallback({ ...log, verbose: false }, dependencies));
  }
  callbacks.push(new ProgressCallback(log, dependencies)); // after those whose metrics its line shows
  if (process.stderr.isTTY && isRank0()) {
    callbacks.push(new EtaCallback(log, dependencies));
  }
  callbacks.push(new LrCallback(track, dependencies));
  if (!isSame(log, track) && !logsLoss(track)) {
    callbacks.push(new OnlineLossCallback({ ...track, verbose: false }, dependencies));
  }
  return callbacks;
}
