import { Float, type Node } from "../../lib/config";
import { pyFloatRepr } from "../../lib/config/python-format";

/**
 * Values as the generators of test vectors write them to JSON, so that types, order and all digits are kept: integers `{ i: text }`,
 * floats `{ f: repr }`, mappings `{ m: [[key, value], …] }`, lists `{ l: […] }`.
 */
export function markExactly(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Float) return { f: pyFloatRepr(value.value) };
  if (typeof value === "number") {
    return Number.isInteger(value) && !Object.is(value, -0) ? { i: String(BigInt(value)) } : { f: pyFloatRepr(value) };
  }
  if (typeof value === "bigint") return { i: String(value) };
  if (Array.isArray(value)) return { l: value.map(markExactly) };
  if (typeof value !== "object") return value;
  const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  return { m: entries.map(([key, item]) => [key, markExactly(item)]) };
}

/** {@link markExactly} for a tree of a config. */
export function markNodeExactly(node: Node): unknown {
  if (node.type === "list") return { l: node.items.map(markNodeExactly) };
  if (node.type === "map") return { m: [...node.entries].map(([key, item]) => [key, markNodeExactly(item)]) };
  return markExactly(node.value);
}
