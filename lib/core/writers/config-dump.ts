import { Float } from "../../torch";
import { Float as ConfigFloat } from "../../config/yaml/nodes";
import { findKind, registeredKinds } from "../../config/registry";
import { configClassOf, dumpConfig } from "../../config/schema";

/** A configuration as a checkpoint stores it: plain data with every default; floats stay floats when they are integral. */
export function checkpointConfig(config: object): Record<string, unknown> {
  return convert(dumpConfig(config)) as Record<string, unknown>;
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
