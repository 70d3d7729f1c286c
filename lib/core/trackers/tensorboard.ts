import type { z } from "zod";
import { register } from "../../config/registry";
import { int, str, tag } from "../../config/schema";
import { TrackerBaseConfig } from "./base";

/** Metrics to TensorBoard event files. */
export const TensorboardTrackerSchema = TrackerBaseConfig.extend("TensorboardTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.TensorboardTracker"),
    log_dir: str().default("runs"),
    /** Seconds between writes. */
    flush_secs: int().default(60),
  },
});
export type TensorboardTrackerSchema = z.output<typeof TensorboardTrackerSchema>;

register("noether.core.trackers.TensorboardTracker", { schema: TensorboardTrackerSchema });
