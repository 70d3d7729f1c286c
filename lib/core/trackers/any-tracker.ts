import { z } from "zod";
import { customType, delegate, isMapping, registered, report } from "../../config/schema";
import { TrackerBaseConfig } from "./base";

const byKind = registered(TrackerBaseConfig, { withoutKind: null, withoutSchema: null });

/** `tracker` of the root config: null, `{}` and the word `disabled` (any case) mean none. */
export const AnyTracker = customType<TrackerBaseConfig | null, unknown>((input, context) => {
  if (input === undefined || input === null) return null;
  if (isMapping(input) && Object.keys(input).length === 0) return null;
  if (typeof input !== "string") return delegate(byKind, input, context);
  if (input.toLowerCase() === "disabled") return null;
  report(context, input, `expected a mapping with "kind" or the word disabled, received ${JSON.stringify(input)}`);
  return z.NEVER;
});

/** Whether a tracker's config asks for no tracking: there is none, or Weights & Biases with `mode: disabled`. */
export function isTrackerOff(tracker: TrackerBaseConfig | null): boolean {
  if (tracker === null) return true;
  const { kind, mode } = tracker as TrackerBaseConfig & { mode?: unknown };
  return kind === "noether.core.trackers.WandBTracker" && mode === "disabled";
}
