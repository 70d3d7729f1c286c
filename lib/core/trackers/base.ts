import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { pyFloatRepr } from "../../config/python-format";
import { defineConfig, isMapping, str } from "../../config/schema";
import { toMap } from "../../torch";
import { getNumNodes, getWorldSize, isRank0 } from "../distributed";
import { getLogger, type Logger } from "../logging";
import type { MetricPropertyProvider } from "../providers/metric-property";
import type { PathProvider } from "../providers/path";
import { fileOfPicture, PICTURES } from "../runs/run-pictures";
import { writeTextFile } from "../writers/text-file";
import { readTorchFile } from "../writers/torch-file";
import { writeYamlFile } from "../writers/yaml-file";
import { MetricsFile } from "./metrics-file";
import { TIMESTAMP } from "./read-metrics";

/** What the config of every tracker has. Unknown keys are ignored. */
export const TrackerBaseConfig = defineConfig("TrackerBaseConfig", {
  extra: "ignore",
  fields: {
    /** Class of the tracker. */
    kind: str(),
  },
});
export type TrackerBaseConfig = z.output<typeof TrackerBaseConfig>;

/** What every tracker is built with. */
export interface TrackerDependencies {
  readonly metricPropertyProvider: MetricPropertyProvider;
  readonly pathProvider: PathProvider;
  /** Whether it writes the files in `tracker/`; of several trackers of a run, one does. Default: true. */
  readonly keepsFiles?: boolean;
}

/** What a tracker learns about its run. */
export interface TrackerInit {
  readonly accelerator: string;
  readonly runName: string;
  readonly stageName: string | null;
  /** The whole configuration as plain data. */
  readonly stageHp: Readonly<Record<string, unknown>>;
  readonly runId: string;
  /** Directory of the run. */
  readonly outputUri: string;
}

/**
 * Sends metrics to a service, and keeps them, the run's configuration and a summary in `tracker/`: `metrics.jsonl` has every metric as soon
 * as it is logged.
 *
 * Subclasses implement the `…Backend` methods; they are called in the first process only.
 */
export abstract class BaseTracker {
  readonly metricPropertyProvider: MetricPropertyProvider;
  readonly pathProvider: PathProvider;
  readonly logger: Logger = getLogger("Tracker");
  /** Values of the whole run, written to `tracker/summary.yaml`. */
  readonly summary: Record<string, unknown> = {};
  readonly #keepsFiles: boolean;
  readonly #metrics: MetricsFile;

  constructor({ metricPropertyProvider, pathProvider, keepsFiles = true }: TrackerDependencies) {
    this.metricPropertyProvider = metricPropertyProvider;
    this.pathProvider = pathProvider;
    this.#keepsFiles = keepsFiles;
    this.#metrics = new MetricsFile(pathProvider.trackerMetricsUri);
  }

  /** Writes `tracker/config.yaml` and starts the backend. */
  async init(run: TrackerInit): Promise<void> {
    if (!isRank0()) return;
    const config: Record<string, unknown> = {
      run_name: run.runName,
      stage_name: run.stageName || "default",
      hp: listsToMappings(run.stageHp),
      accelerator: run.accelerator,
      "dist/world_size": String(getWorldSize()),
      "dist/nodes": String(getNumNodes()),
      "dist/hostname": hostname(),
      ...(process.env["SLURM_JOB_ID"] === undefined ? {} : { "dist/jobid": process.env["SLURM_JOB_ID"] }),
    };
    if (this.#keepsFiles) writeYamlFile(this.pathProvider.basetrackerConfigUri, config);
    await this.initBackend(run, config);
  }

  /** Metrics of one update with its `epoch`, `update` and `sample`. */
  async log(data: Readonly<Record<string, unknown>>): Promise<void> {
    if (!isRank0()) return;
    if (this.#keepsFiles) this.#metrics.append({ ...data, [TIMESTAMP]: Date.now() / 1000 });
    await this.logBackend(data);
  }

  /**
   * Pictures of an update, PNG files by name: `<of what>/<what it shows>`, `test/0/pressure/predicted`. They are stored in `pictures/` of
   * the run's folder, where dashboard and report find them; trackers that take pictures get them. One that cannot be stored is no reason to
   * end a run.
   */
  async logPictures(pictures: Readonly<Record<string, Buffer>>, update: number): Promise<void> {
    if (!isRank0()) return;
    if (this.#keepsFiles) for (const [name, png] of Object.entries(pictures)) this.#storePicture(name, png, update);
    await this.logPicturesBackend(pictures, update);
  }

  #storePicture(name: string, png: Buffer, update: number): void {
    try {
      writeTextFile(join(this.pathProvider.runOutputPath, PICTURES, fileOfPicture(name, update)), png);
    } catch (error) {
      this.logger.warning(`a picture was not stored: ${(error as Error).message}`);
    }
  }

  async setSummary(key: string, value: unknown): Promise<void> {
    await this.updateSummary({ [key]: value });
  }

  async updateSummary(values: Readonly<Record<string, unknown>>): Promise<void> {
    if (!isRank0()) return;
    Object.assign(this.summary, values);
    await this.updateSummaryBackend(values);
  }

  /** Adds the best number (`{key}/min` or `{key}/max`) and the last value of every metric of `tracker/entries.th` to the summary. */
  async summarizeLogvalues(): Promise<void> {
    if (!isRank0() || !existsSync(this.pathProvider.basetrackerEntriesUri)) return;
    const entries = toMap<unknown>(readTorchFile(this.pathProvider.basetrackerEntriesUri));
    const summary: Record<string, unknown> = {};
    for (const [name, series] of entries) {
      const key = String(name);
      if (["epoch", "update", "sample"].includes(key) || this.metricPropertyProvider.isNeutralKey(key)) continue;
      const values = [...toMap<unknown>(series).values()].map(Number);
      const higher = this.metricPropertyProvider.higherIsBetter(key);
      // NaN is never the best value, and where there is nothing else, there is none.
      const numbers = values.filter((value) => !Number.isNaN(value));
      if (numbers.length > 0) {
        const best = numbers.reduce((a, b) => ((higher ? b > a : b < a) ? b : a));
        const bestKey = `${key}/${higher ? "max" : "min"}`;
        this.logger.debug(`${bestKey}: ${pyFloatRepr(best)}`);
        summary[bestKey] = best;
      }
      summary[`${key}/last`] = values[values.length - 1];
    }
    await this.updateSummary(summary);
  }

  /**
   * Writes `tracker/summary.yaml` and ends the backend.
   *
   * @param failed whether the run ended with an error
   */
  async close(failed = false): Promise<void> {
    if (!isRank0()) return;
    const summary = Object.fromEntries(Object.entries(this.summary).sort(byKey));
    if (this.#keepsFiles) writeYamlFile(this.pathProvider.basetrackerSummaryUri, summary);
    await this.closeBackend(failed);
  }

  protected abstract initBackend(run: TrackerInit, config: Readonly<Record<string, unknown>>): Promise<void> | void;
  protected abstract logBackend(data: Readonly<Record<string, unknown>>): Promise<void> | void;
  protected logPicturesBackend(_pictures: Readonly<Record<string, Buffer>>, _update: number): Promise<void> | void {}
  protected abstract updateSummaryBackend(values: Readonly<Record<string, unknown>>): Promise<void> | void;
  protected abstract closeBackend(failed: boolean): Promise<void> | void;
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Lists as mappings `{"0": …, "1": …}`, at every depth: trackers show mappings as a tree. */
function listsToMappings(value: unknown): unknown {
  if (Array.isArray(value)) {
    return Object.fromEntries(value.map((item, i) => [String(i), listsToMappings(item)]));
  }
  return isMapping(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, listsToMappings(item)]))
    : value;
}
