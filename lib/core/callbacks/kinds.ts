/** Registers the callbacks under the names that configurations use. */
import type { z } from "zod";

import { type KindClass, register } from "../../config/registry";
import * as schemas from "./configs";
import { BestCheckpointCallback } from "./checkpoint/best-checkpoint";
import { CheckpointCallback } from "./checkpoint/checkpoint";
import { EmaCallback } from "./checkpoint/ema";
import { DatasetStatsCallback } from "./default/dataset-stats";
import { EtaCallback } from "./default/eta";
import { LrCallback } from "./default/lr";
import { OnlineLossCallback } from "./default/online-loss";
import { ParamCountCallback } from "./default/param-count";
import { PeakMemoryCallback } from "./default/peak-memory";
import { ProgressCallback } from "./default/progress";
import { TrainTimeCallback } from "./default/train-time";
import { FixedEarlyStopper } from "./early-stoppers/fixed";
import { MetricEarlyStopper } from "./early-stoppers/metric";
import { BestMetricCallback } from "./online/best-metric";
import { TrackAdditionalOutputsCallback } from "./online/track-outputs";

const callbacks: readonly [module: string, name: string, type: KindClass, schema: z.ZodType][] = [
  ["checkpoint.checkpoint", "CheckpointCallback", CheckpointCallback, schemas.CheckpointCallbackConfig],
  [
    "checkpoint.best_checkpoint",
    "BestCheckpointCallback",
    BestCheckpointCallback,
    schemas.BestCheckpointCallbackConfig,
  ],
  ["checkpoint.ema", "EmaCallback", EmaCallback, schemas.EmaCallbackConfig],
  ["online.best_metric", "BestMetricCallback", BestMetricCallback, schemas.BestMetricCallbackConfig],
  [
    "online.track_outputs",
    "TrackAdditionalOutputsCallback",
    TrackAdditionalOutputsCallback,
    schemas.TrackAdditionalOutputsCallbackConfig,
  ],
  ["early_stoppers.fixed", "FixedEarlyStopper", FixedEarlyStopper, schemas.FixedEarlyStopperConfig],
  ["early_stoppers.metric", "MetricEarlyStopper", MetricEarlyStopper, schemas.MetricEarlyStopperConfig],
  ["default.online_loss", "OnlineLossCallback", OnlineLossCallback, schemas.OnlineLossCallbackConfig],
  ["default.progress", "ProgressCallback", ProgressCallback, schemas.CallBackBaseConfig],
  ["default.train_time", "TrainTimeCallback", TrainTimeCallback, schemas.CallBackBaseConfig],
  ["default.peak_memory", "PeakMemoryCallback", PeakMemoryCallback, schemas.CallBackBaseConfig],
  ["default.eta", "EtaCallback", EtaCallback, schemas.CallBackBaseConfig],
  ["default.lr", "LrCallback", LrCallback, schemas.CallBackBaseConfig],
  ["default.dataset_stats", "DatasetStatsCallback", DatasetStatsCallback, schemas.CallBackBaseConfig],
  ["default.param_count", "ParamCountCallback", ParamCountCallback, schemas.CallBackBaseConfig],
];

for (const [module, name, type, schema] of callbacks) {
  const group = module.split(".")[0] as string;
  register(`noether.core.callbacks.${name}`, {
    class: type,
    schema,
    aliases: [`noether.core.callbacks.${group}.${name}`, `noether.core.callbacks.${module}.${name}`],
  });
}
