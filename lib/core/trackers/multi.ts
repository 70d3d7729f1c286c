import type { z } from "zod";
import { Factory } from "../../config/factory/factory";
import { register } from "../../config/registry";
import { list, registered, tag, type FieldType } from "../../config/schema";
import { isTrackerOff } from "./any-tracker";
import { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";

/** Config of {@link MultiTracker}. */
export const MultiTrackerConfig = TrackerBaseConfig.extend("MultiTrackerConfig", {
  fields: {
    kind: tag("noether.core.trackers.MultiTracker"),
    /** One config each, by `kind`. */
    trackers: list(registered(TrackerBaseConfig, { withoutKind: null, withoutSchema: null })),
  },
});
export type MultiTrackerConfig = z.output<typeof MultiTrackerConfig>;

/** Several trackers at once. One that fails does not keep metrics from the others; its error is thrown when all have theirs. */
export class MultiTracker extends BaseTracker {
  static readonly schema: FieldType = MultiTrackerConfig;
  readonly trackers: readonly BaseTracker[];

  constructor(config: MultiTrackerConfig, dependencies: TrackerDependencies) {
    super(dependencies);
    this.trackers = config.trackers
      .filter((tracker) => !isTrackerOff(tracker))
      .map((tracker) => new Factory().create(tracker, { ...dependencies, keepsFiles: false }) as BaseTracker);
  }

  protected override async initBackend(run: TrackerInit): Promise<void> {
    await this.#all((tracker) => tracker.init(run));
  }

  protected override async logBackend(data: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#all((tracker) => tracker.log(data));
  }

  protected override async logPicturesBackend(
    pictures: Readonly<Record<string, Buffer>>,
    update: number,
  ): Promise<void> {
    await this.#all((tracker) => tracker.logPictures(pictures, update));
  }

  protected override async updateSummaryBackend(values: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#all((tracker) => tracker.updateSummary(values));
  }

  protected override async closeBackend(failed: boolean): Promise<void> {
    await this.#all((tracker) => tracker.close(failed));
  }

  async #all(work: (tracker: BaseTracker) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.trackers.map(work));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}

register("noether.core.trackers.MultiTracker", { class: MultiTracker });
