import type { ComposedConfig } from "../../config";
import { ConfigError } from "../../config/errors";
import { notImplementedMessage } from "../../config/registry";
import { isMapping } from "../../config/schema";
import { isTrackerOff } from "../../core/trackers";
import type { ConfigSchema } from "./config-schema";

/**
 * Refuses a valid config that names classes of the Python framework which are not there yet, before anything of the run
 * exists. A tracker that is switched off (debug, `mode: disabled`) is not needed.
 *
 * @throws ConfigError with every such kind, its place, and what there is instead
 */
export function refuseMissingKinds(config: ConfigSchema, composed: Pick<ComposedConfig, "locate">): void {
  const isUntracked = config.debug || isTrackerOff(config.tracker);
  const problems = [...missingKinds(isUntracked ? { ...config, tracker: null } : config)].map(([message, path]) => ({
    path: path.join("."),
    message,
    location: composed.locate(path),
  }));
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Every kind below a value that has no class yet: what to say, and where it stands. */
function* missingKinds(value: unknown, path: readonly PropertyKey[] = []): Generator<[string, PropertyKey[]]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* missingKinds(item, [...path, index]);
  } else if (isMapping(value)) {
    const { kind } = value;
    const message = typeof kind === "string" ? notImplementedMessage(kind) : undefined;
    if (message !== undefined) yield [message, [...path, "kind"]];
    for (const [key, item] of Object.entries(value)) yield* missingKinds(item, [...path, key]);
  }
}
