import type { z } from "zod";
import { register } from "../../config/registry";
import { int, str, tag } from "../../config/schema";
import { TrackerBaseConfig } from "./base";

/** Config of the tracker that writes TensorBoard event files. No class yet: `lib/config/missing-kinds.ts` says so before a run. */
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
