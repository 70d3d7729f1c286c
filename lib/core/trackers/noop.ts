import { register } from "../../config/registry";
import { BaseTracker, TrackerBaseConfig, type TrackerDependencies } from "./base";

/** Keeps the local files of a run and sends nothing anywhere. */
export class NoopTracker extends BaseTracker {
  protected override initBackend(): void {
    this.logger.debug("no tracker: metrics are written to the run directory only");
  }

  protected override logBackend(): void {}

  protected override updateSummaryBackend(): void {}

  protected override closeBackend(): void {}
}

register("noether.core.trackers.NoopTracker", {
  class: (_config: TrackerBaseConfig, dependencies: TrackerDependencies) => new NoopTracker(dependencies),
  schema: TrackerBaseConfig,
  aliases: ["noether.core.trackers.noop.NoopTracker"],
});
