import { notImplementedMessage } from "../../config/registry";
import { type AnyConfigClass, isMapping } from "../../config/schema";
import { isTrackerOff } from "../../core/trackers";

/**
 * Every kind in a config that the Python framework has and this one does not have yet: where it is, and what there is
 * instead. A tracker that is switched off (debug, `mode: disabled`) is not needed; keys that are not fields of the root are
 * helpers.
 */
export function missingKinds(
  plain: Readonly<Record<string, unknown>>,
  schema: AnyConfigClass,
): { path: PropertyKey[]; message: string }[] {
  const { tracker } = plain;
  const isUntracked = plain["debug"] === true || !isMapping(tracker) || isTrackerOff(tracker as never);
  const fields = Object.entries(plain).filter(
    ([key]) => key in (schema.fields as object) && !(isUntracked && key === "tracker"),
  );
  return [...kindsIn(Object.fromEntries(fields))];
}

function* kindsIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
): Generator<{ path: PropertyKey[]; message: string }> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* kindsIn(item, [...path, index]);
  } else if (isMapping(value)) {
    const { kind } = value;
    const message = typeof kind === "string" ? notImplementedMessage(kind) : undefined;
    if (message !== undefined) yield { path: [...path, "kind"], message };
    for (const [key, item] of Object.entries(value)) yield* kindsIn(item, [...path, key]);
  }
}
