import { z } from "zod";
import {
  defineConfig,
  forwardIssues,
  int,
  isMapping,
  literal,
  optional,
  report,
  str,
  taggedUnion,
  type AnyConfigClass,
} from "../../config/schema";

/** Experiment trackers (training-inference-config spec 3.5). Unknown keys are ignored. */

/** What every tracker has. Unknown keys are ignored. */
export const TrackerBaseConfig = defineConfig("TrackerBaseConfig", { extra: "ignore", fields: { kind: str() } });
export type TrackerBaseConfig = z.output<typeof TrackerBaseConfig>;

/** Metrics to Weights & Biases. */
export const WandBTrackerSchema = TrackerBaseConfig.extend("WandBTrackerSchema", {
  fields: {
    kind: literal("noether.core.trackers.WandBTracker").default("noether.core.trackers.WandBTracker"),
    entity: optional(str()),
    project: optional(str()),
    mode: optional(literal("disabled", "online", "offline")).default("online"),
  },
});
export type WandBTrackerSchema = z.output<typeof WandBTrackerSchema>;

/** Metrics to Trackio. */
export const TrackioTrackerSchema = TrackerBaseConfig.extend("TrackioTrackerSchema", {
  fields: {
    kind: literal("noether.core.trackers.TrackioTracker").default("noether.core.trackers.TrackioTracker"),
    project: str(),
    space_id: optional(str()),
  },
});
export type TrackioTrackerSchema = z.output<typeof TrackioTrackerSchema>;

/** Metrics to TensorBoard event files. */
export const TensorboardTrackerSchema = TrackerBaseConfig.extend("TensorboardTrackerSchema", {
  fields: {
    kind: literal("noether.core.trackers.TensorboardTracker").default("noether.core.trackers.TensorboardTracker"),
    log_dir: str().default("runs"),
    /** Seconds between writes. */
    flush_secs: int().default(60),
  },
});
export type TensorboardTrackerSchema = z.output<typeof TensorboardTrackerSchema>;

const byKind = taggedUnion("kind", [WandBTrackerSchema, TrackioTrackerSchema, TensorboardTrackerSchema], {
  open: TrackerBaseConfig as unknown as AnyConfigClass,
});

/** `tracker` of the root: null, `{}` and the word `disabled` (any case) mean none. */
export const AnyTracker = z.transform<unknown, unknown>((input, context) => {
  if (input === undefined || input === null) return null;
  if (isMapping(input) && Object.keys(input).length === 0) return null;
  if (typeof input === "string") {
    if (input.toLowerCase() === "disabled") return null;
    report(context, input, `expected a mapping with "kind" or the word disabled, received ${JSON.stringify(input)}`);
    return z.NEVER;
  }
  const result = byKind.safeParse(input);
  if (result.success) return result.data;
  forwardIssues(context, result.error, input, []);
  return z.NEVER;
}) as unknown as z.ZodType<TrackerBaseConfig | null, unknown>;
