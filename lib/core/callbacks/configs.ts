import { z } from "zod";
import { findKind, unknownKindMessage } from "../../config/registry";
import {
  bool,
  defineConfig,
  describe,
  float,
  forwardIssues,
  int,
  isConfig,
  isConfigClass,
  isMapping,
  list,
  literal,
  literalValues,
  optional,
  report,
  smartUnion,
  str,
  type AnyConfigClass,
  type ConfigClass,
} from "../../config/schema";

/** Callbacks (core-callbacks-trackers spec 2). */

/** The literal that tells callback configs apart; typed as a string so that subclasses can have another. */
const nameOf = (name: string) => literal(name).default(name) as unknown as z.ZodType<string, string | undefined>;

/** Fields of every callback. Unknown keys are errors; exactly one interval is set. */
export const CallBackBaseConfig = defineConfig("CallBackBaseConfig", {
  extra: "forbid",
  fields: {
    /** Names the config class (not the callback); each subclass has its own. */
    name: nameOf("BaseCallbacksConfig"),
    kind: optional(str()),
    /** Key of a stateful callback's state in checkpoints; tells several of one class apart. */
    id: optional(str()),
    every_n_epochs: optional(int({ gt: 0 })),
    every_n_updates: optional(int({ gt: 0 })),
    every_n_samples: optional(int({ gt: 0 })),
    /** Batch size of the callback's own data, per process; null: that of training. */
    batch_size: optional(int({ gt: 0 })),
  },
  check: (config, complain) => {
    if (config.kind !== null && config.kind.trim() === "")
      complain("expected a class name, received a blank string", "kind");
    const intervals = [config.every_n_epochs, config.every_n_updates, config.every_n_samples].filter((n) => n !== null);
    if (intervals.length !== 1) {
      complain(
        `expected exactly one of every_n_epochs, every_n_updates and every_n_samples, received ${intervals.length || "none"}`,
      );
    }
    if (config.every_n_samples !== null && config.batch_size === null) complain("every_n_samples needs batch_size");
  },
});
export type CallBackBaseConfig = z.output<typeof CallBackBaseConfig>;

/** A callback that runs over a data set of its own. */
export const PeriodicDataIteratorCallbackConfig = CallBackBaseConfig.extend("PeriodicDataIteratorCallbackConfig", {
  fields: {
    name: nameOf("PeriodicDataIteratorCallback"),
    /** Name of the data set under `datasets`. */
    dataset_key: str(),
  },
});
export type PeriodicDataIteratorCallbackConfig = z.output<typeof PeriodicDataIteratorCallbackConfig>;

/** Config of {@link OfflineLossCallback}. */
export const OfflineLossCallbackConfig = PeriodicDataIteratorCallbackConfig.extend("OfflineLossCallbackConfig", {
  fields: {
    name: nameOf("OfflineLossCallback"),
    /** Substrings of the additional outputs to log. */
    output_patterns_to_log: optional(list(str())),
  },
});
export type OfflineLossCallbackConfig = z.output<typeof OfflineLossCallbackConfig>;

/** Config of {@link BestCheckpointCallback}. */
export const BestCheckpointCallbackConfig = CallBackBaseConfig.extend("BestCheckpointCallbackConfig", {
  fields: {
    name: nameOf("BestCheckpointCallback"),
    metric_key: str(),
    save_frozen_weights: bool().default(true),
    tolerances: optional(list(int())),
    model_names: optional(list(str())),
  },
});
export type BestCheckpointCallbackConfig = z.output<typeof BestCheckpointCallbackConfig>;

/** Config of {@link CheckpointCallback}. */
export const CheckpointCallbackConfig = CallBackBaseConfig.extend("CheckpointCallbackConfig", {
  fields: {
    name: nameOf("CheckpointCallback"),
    save_weights: bool().default(true),
    save_optim: bool().default(false),
    save_latest_weights: bool().default(true),
    save_latest_optim: bool().default(false),
    model_names: optional(list(str())),
  },
});
export type CheckpointCallbackConfig = z.output<typeof CheckpointCallbackConfig>;

/** Config of {@link EmaCallback}. */
export const EmaCallbackConfig = CallBackBaseConfig.extend("EmaCallbackConfig", {
  fields: {
    name: nameOf("EmaCallback"),
    target_factors: list(float()),
    model_paths: optional(list(str().nullable())),
    save_weights: bool().default(true),
    save_last_weights: bool().default(true),
    save_latest_weights: bool().default(false),
  },
});
export type EmaCallbackConfig = z.output<typeof EmaCallbackConfig>;

/** Config of {@link OnlineLossCallback}. */
export const OnlineLossCallbackConfig = CallBackBaseConfig.extend("OnlineLossCallbackConfig", {
  fields: { name: nameOf("OnlineLossCallback"), verbose: bool().default(true) },
});
export type OnlineLossCallbackConfig = z.output<typeof OnlineLossCallbackConfig>;

/** Config of {@link BestMetricCallback}. */
export const BestMetricCallbackConfig = CallBackBaseConfig.extend("BestMetricCallbackConfig", {
  fields: {
    name: nameOf("BestMetricCallback"),
    source_metric_key: str(),
    target_metric_keys: optional(list(str())),
    optional_target_metric_keys: optional(list(str())),
  },
});
export type BestMetricCallbackConfig = z.output<typeof BestMetricCallbackConfig>;

/** Config of {@link TrackAdditionalOutputsCallback}. */
export const TrackAdditionalOutputsCallbackConfig = CallBackBaseConfig.extend("TrackAdditionalOutputsCallbackConfig", {
  fields: {
    name: nameOf("TrackAdditionalOutputsCallback"),
    keys: optional(list(str())),
    patterns: optional(list(str())),
    verbose: bool().default(false),
    reduce: literal("mean", "last").default("mean"),
    log_output: bool().default(true),
    save_output: bool().default(false),
  },
});
export type TrackAdditionalOutputsCallbackConfig = z.output<typeof TrackAdditionalOutputsCallbackConfig>;

/** Config of {@link MetricEarlyStopper}. */
export const MetricEarlyStopperConfig = CallBackBaseConfig.extend("MetricEarlyStopperConfig", {
  fields: {
    name: nameOf("MetricEarlyStopper"),
    metric_key: str(),
    tolerance: int({ ge: 1 }),
  },
});
export type MetricEarlyStopperConfig = z.output<typeof MetricEarlyStopperConfig>;

/** Not a {@link CallBackBaseConfig}: own fields only, unknown keys (intervals too) are dropped. */
export const FixedEarlyStopperConfig = defineConfig("FixedEarlyStopperConfig", {
  extra: "ignore",
  fields: {
    name: nameOf("FixedEarlyStopper"),
    kind: optional(str()),
    stop_at_sample: optional(int()),
    stop_at_update: optional(int()),
    stop_at_epoch: optional(int()),
  },
  check: (config, complain) => {
    const given = [config.stop_at_sample, config.stop_at_update, config.stop_at_epoch].filter((n) => n !== null);
    if (given.length !== 1) complain("expected exactly one of stop_at_sample, stop_at_update and stop_at_epoch");
  },
});
export type FixedEarlyStopperConfig = z.output<typeof FixedEarlyStopperConfig>;

/** Members of the callback union, in the order that breaks ties. */
export const callbackConfigs = [
  CallBackBaseConfig,
  BestCheckpointCallbackConfig,
  CheckpointCallbackConfig,
  EmaCallbackConfig,
  OnlineLossCallbackConfig,
  BestMetricCallbackConfig,
  TrackAdditionalOutputsCallbackConfig,
  OfflineLossCallbackConfig,
  MetricEarlyStopperConfig,
  FixedEarlyStopperConfig,
  PeriodicDataIteratorCallbackConfig,
] as unknown as readonly AnyConfigClass[];

const untagged = smartUnion(callbackConfigs);

/** Member with this literal `name`, if any. */
function memberNamed(name: unknown): AnyConfigClass | undefined {
  return callbackConfigs.find((member) =>
    literalValues((member.fields as Record<string, z.ZodType>)["name"]!)?.includes(name as string),
  );
}

/**
 * One entry of `trainer.callbacks`. The schema is the one registered for `kind`; where `name` says another one, that;
 * without either, the member that takes the most keys. (The Python framework looks at `name` and keys only, so that a
 * `CheckpointCallback` without options validates as the base class and fails later.)
 */
export const CallbacksConfig = z.transform<unknown, unknown>((input, context) => {
  if (isConfig(input)) return input;
  if (!isMapping(input)) {
    report(context, input, `expected a mapping (a callback), received ${describe(input)}`);
    return z.NEVER;
  }
  const kind = input["kind"];
  const entry = typeof kind === "string" ? findKind(kind) : undefined;
  if (typeof kind === "string" && kind.trim() !== "" && !entry) {
    report(context, kind, unknownKindMessage(kind), ["kind"]);
    return z.NEVER;
  }
  const ofKind = entry?.schema;
  const accepts = (schema: z.ZodType) => {
    if (input["name"] === undefined || !isConfigClass(schema)) return true;
    return (
      literalValues((schema.fields as Record<string, z.ZodType>)["name"]!)?.includes(input["name"] as string) ?? true
    );
  };
  const schema = ofKind && accepts(ofKind) ? ofKind : (memberNamed(input["name"]) ?? untagged);
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  forwardIssues(context, result.error, input, []);
  return z.NEVER;
}) as unknown as ConfigClass<typeof CallBackBaseConfig.fields>;
export type CallbacksConfig = CallBackBaseConfig;
