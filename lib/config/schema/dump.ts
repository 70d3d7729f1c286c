import type { FieldType } from "./custom-type";
import { Float } from "../yaml/nodes";
import { configClassOf, isGiven, type Fields } from "./config-class";
import { elementType, isFloat, literalValues, tupleTypes } from "./fields";
import { unwrap } from "./unwrap";

/** Keys that tell a reader which class a mapping belongs to; written even when they were defaulted. */
function isTag(key: string, type: FieldType | undefined): boolean {
  return (key === "kind" || key === "name") && type !== undefined && literalValues(type) !== undefined;
}

function dump(value: unknown, fieldType: FieldType | undefined, onlyGiven: boolean): unknown {
  const type = unwrap(fieldType);
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return type && isFloat(type) ? new Float(value) : value;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const entries = type && tupleTypes(type);
    const element = type && elementType(type);
    return value.map((item, index) => dump(item, entries?.[index] ?? element, onlyGiven));
  }
  if (value instanceof Set) return [...(value as Set<unknown>)].map((item) => dump(item, undefined, onlyGiven));
  const array = (value as { toArray?: () => unknown }).toArray;
  if (typeof array === "function") return array.call(value); // a tensor
  return dumpMapping(value as Record<string, unknown>, type, onlyGiven);
}

function dumpMapping(
  value: Record<string, unknown>,
  type: FieldType | undefined,
  onlyGiven: boolean,
): Record<string, unknown> {
  const fields = configClassOf(value)?.fields as Fields | undefined;
  const element = type && elementType(type);
  const names = fields
    ? [...Object.keys(fields), ...Object.keys(value).filter((key) => !(key in fields))]
    : Object.keys(value);
  // a field that is undefined was left out and has no default: there is nothing to write
  const present = names.filter((key) => value[key] !== undefined);
  const written =
    onlyGiven && fields ? present.filter((key) => isGiven(value, key) || isTag(key, fields[key])) : present;
  return Object.fromEntries(written.map((key) => [key, dump(value[key], fields?.[key] ?? element, onlyGiven)]));
}

/**
 * A validated config as plain values in schema order; floats are {@link Float}s, tensors and sets lists.
 *
 * @param options.onlyGiven - leave out keys that were defaulted (tags such as `kind` stay)
 */
export function dumpConfig(
  config: object,
  { onlyGiven = false }: { onlyGiven?: boolean } = {},
): Record<string, unknown> {
  return dump(config, undefined, onlyGiven) as Record<string, unknown>;
}
