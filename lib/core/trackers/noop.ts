import { BaseTracker } from "./base";

/** Keeps the local files of a run and sends nothing anywhere. */
export class NoopTracker extends BaseTracker {
  protected override initBackend(): void {
    this.logger.debug("no tracker: metrics are written to the run directory only");
  }

  protected override logBackend(): void {}

  protected override updateSummaryBackend(): void {}

  protected override closeBackend(): void {}
}
