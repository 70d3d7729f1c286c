import { resolve } from "node:path";
import type { z } from "zod";
import { register } from "../../config/registry";
import { str, tag, type FieldType } from "../../config/schema";
import { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { MetricsFile } from "./metrics-file";

/** Config of {@link JsonLinesTracker}. */
export const JsonLinesTrackerConfig = TrackerBaseConfig.extend("JsonLinesTrackerConfig", {
  fields: {
    kind: tag("noether.core.trackers.JsonLinesTracker"),
    /** File, in the run's folder; an absolute path is taken as it is. */
    path: str().default("metrics.jsonl"),
  },
});
export type JsonLinesTrackerConfig = z.output<typeof JsonLinesTrackerConfig>;

/** Writes metrics as JSON lines to a file of one's choice (those in `tracker/metrics.jsonl` are there with every tracker). */
export class JsonLinesTracker extends BaseTracker {
  static readonly schema: FieldType = JsonLinesTrackerConfig;
  #file: MetricsFile | null = null;

  constructor(
    readonly config: JsonLinesTrackerConfig,
    dependencies: TrackerDependencies,
  ) {
    super(dependencies);
  }

  protected override initBackend({ outputUri }: TrackerInit): void {
    this.#file = new MetricsFile(resolve(outputUri, this.config.path));
  }

  protected override logBackend(data: Readonly<Record<string, unknown>>): void {
    this.#file?.append(data);
  }

  protected override updateSummaryBackend(): void {}

  protected override closeBackend(): void {}
}

register("noether.core.trackers.JsonLinesTracker", { class: JsonLinesTracker });
