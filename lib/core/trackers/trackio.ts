import type { z } from "zod";
import { register } from "../../config/registry";
import { optional, str, tag } from "../../config/schema";
import { TrackerBaseConfig } from "./base";

/** Config of the tracker of Trackio. No class yet: `lib/config/missing-kinds.ts` says so before a run. */
export const TrackioTrackerSchema = TrackerBaseConfig.extend("TrackioTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.TrackioTracker"),
    project: str(),
    space_id: optional(str()),
  },
});
export type TrackioTrackerSchema = z.output<typeof TrackioTrackerSchema>;

register("noether.core.trackers.TrackioTracker", { schema: TrackioTrackerSchema });
