import { Float } from "../../torch";
import { Float as ConfigFloat } from "../../config/yaml/nodes";
import { toRelease11 } from "../../config/migration";
import { findKind, registeredKinds } from "../../config/registry";
import { configClassOf, dumpConfig } from "../../config/schema";
import type { CheckpointFormat } from "../checkpoint-format";

/**
 * A configuration as a checkpoint stores it: plain data with every default; floats stay floats when they are integral.
 *
 * @param format - release of the Python framework whose keys it has
 */
export function checkpointConfig(config: object, format: CheckpointFormat = "2026.4"): Record<string, unknown> {
  const type = configClassOf(config);
  const dump = dumpConfig(config);
  return convert(format === "1.1" && type ? toRelease11(dump, type).plain : dump) as Record<string, unknown>;
}

function convert(value: unknown): unknown {
  if (value instanceof ConfigFloat) {
    return new Float(value.value);
  }
  if (Array.isArray(value)) {
    return value.map(convert);
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(item)]));
  }
  return value;
}

/**
 * Dotted name of a configuration's class: the one under which it is registered (as in the Python framework), else its own;
 * null for a plain object.
 */
export function configKindOf(config: object): string | null {
  const type = configClassOf(config);
  if (type === undefined) {
    return null;
  }
  const registered = registeredKinds().find((kind) => {
    const entry = findKind(kind);
    return entry?.schema === type && entry.class === undefined;
  });
  return registered ?? type.configName;
}
