import { resolve } from "node:path";
import type { z } from "zod";
import { register } from "../../config/registry";
import { int, str, tag, type FieldType } from "../../config/schema";
import { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { EventFile } from "./event-file";

/** Config of {@link TensorboardTracker}. */
export const TensorboardTrackerSchema = TrackerBaseConfig.extend("TensorboardTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.TensorboardTracker"),
    /** Folder of the event files, in the run's folder; an absolute path is taken as it is. */
    log_dir: str().default("runs"),
    /** Most seconds until an event is in its file. Here each is there at once. */
    flush_secs: int({ ge: 0 }).default(60),
  },
});
export type TensorboardTrackerSchema = z.output<typeof TensorboardTrackerSchema>;

/**
 * Writes metrics as TensorBoard event files: numbers as scalars, strings as texts, pictures, by update; the configuration and the summary as
 * texts. `tensorboard --logdir <run>/runs` shows them.
 *
 * A run that continues in its folder begins another file, and TensorBoard drops what the last one has of later updates.
 */
export class TensorboardTracker extends BaseTracker {
  static readonly schema: FieldType = TensorboardTrackerSchema;
  #file: EventFile | null = null;
  #isStarted = false;
  /** Step after the last one. */
  #nextStep = 0;
  /** Keys whose values are of no use here, told once. */
  readonly #refused = new Set<string>();

  constructor(
    readonly config: TensorboardTrackerSchema,
    dependencies: TrackerDependencies,
  ) {
    super(dependencies);
  }

  protected override initBackend({ outputUri }: TrackerInit, config: Readonly<Record<string, unknown>>): void {
    this.#file = new EventFile(resolve(outputUri, this.config.log_dir));
    this.#file.add({ Configuration: markdownList("Run Configuration", config) }, 0);
    this.logger.info(`TensorBoard events: ${this.#file.path}`);
  }

  protected override logBackend({ step, global_step, ...data }: Readonly<Record<string, unknown>>): void {
    const file = this.#open();
    const given = [step, global_step, data["update"]].find((value) => typeof value === "number");
    const at = given ?? this.#nextStep;
    if (!this.#isStarted && at > 0) file.start(at);
    this.#isStarted = true;
    const values: Record<string, number | string> = {};
    for (const [key, value] of Object.entries(data)) {
      if (typeof value === "number" || typeof value === "string") values[key] = value;
      else if (typeof value === "boolean" || typeof value === "bigint") values[key] = Number(value);
      else this.#refuse(key, value);
    }
    file.add(values, at);
    this.#nextStep = Math.max(this.#nextStep, at + 1);
  }

  protected override logPicturesBackend(pictures: Readonly<Record<string, Buffer>>, update: number): void {
    const file = this.#open();
    if (!this.#isStarted && update > 0) file.start(update);
    this.#isStarted = true;
    for (const [name, png] of Object.entries(pictures)) file.addPicture(name, png, update);
  }

  #refuse(key: string, value: unknown): void {
    if (this.#refused.has(key)) return;
    this.#refused.add(key);
    const type = value === null ? "null" : ((value as object | undefined)?.constructor?.name ?? typeof value);
    this.logger.warning(`TensorBoard takes numbers, booleans and strings; "${key}" (${type}) is not written`);
  }

  /** The summary goes into the file when the tracker is closed. */
  protected override updateSummaryBackend(): void {}

  protected override closeBackend(): void {
    const file = this.#file;
    this.#file = null;
    if (file === null || Object.keys(this.summary).length === 0) return;
    file.add({ "Summary Metrics": markdownList("Final Summary Metrics", this.summary) }, this.#nextStep);
  }

  #open(): EventFile {
    if (this.#file === null) throw new Error("TensorboardTracker: call init() before log(), and not after close()");
    return this.#file;
  }
}

/** A heading and a bullet for each item. */
function markdownList(heading: string, items: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(items).map(
    ([key, value]) => `- **${key}**: \`${typeof value === "object" ? JSON.stringify(value) : String(value)}\``,
  );
  return [`# ${heading}`, "", ...lines].join("\n");
}

register("noether.core.trackers.TensorboardTracker", {
  class: TensorboardTracker,
  aliases: ["noether.core.trackers.tensorboard.TensorboardTracker"],
});
