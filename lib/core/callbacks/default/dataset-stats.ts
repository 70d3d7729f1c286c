import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import { datasetEntries } from "../../interfaces/data";
import { CallbackBase } from "../base";
import { CallBackBaseConfig } from "../base-config";

/** Reports the sizes of all data sets: a log line, and `ds_stats/{key}/len` in the summary. */
export class DatasetStatsCallback extends CallbackBase {
  static readonly schema: FieldType = CallBackBaseConfig;

  override async beforeTraining(): Promise<void> {
    const lengths = datasetEntries(this.dataContainer).map(([key, dataset]) => [key, dataset.length] as const);
    for (const [key, length] of lengths) {
      await this.tracker.setSummary(`ds_stats/${key}/len`, length);
    }
    this.logger.info(`number of samples: ${lengths.map(([key, length]) => `${key}=${length}`).join(" ")}`);
  }
}

register("noether.core.callbacks.DatasetStatsCallback", {
  class: DatasetStatsCallback,
  aliases: [
    "noether.core.callbacks.default.DatasetStatsCallback",
    "noether.core.callbacks.default.dataset_stats.DatasetStatsCallback",
  ],
});
