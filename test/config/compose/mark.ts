import { Float, type Node } from "../../../lib/config/yaml/nodes";
import { pyFloatRepr } from "../../../lib/config/python-format";

/** Floats as `{ float: repr }`, the way `fixtures/generate.py` marks them. */
export function mark(value: unknown): unknown {
  if (value instanceof Float) return { float: pyFloatRepr(value.value) };
  if (Array.isArray(value)) return value.map(mark);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mark(item)]));
  return value;
}

/** {@link mark} for a composed tree. */
export function markNode(node: Node): unknown {
  if (node.type === "list") return node.items.map(markNode);
  if (node.type === "map") return Object.fromEntries([...node.entries].map(([key, value]) => [key, markNode(value)]));
  return mark(node.value);
}
