import type { Node } from "./nodes";

/** A tree as values that `writeYaml` writes as they were written: floats stay floats. */
export function toWritable(node: Node): unknown {
  if (node.type === "list") return node.items.map(toWritable);
  if (node.type === "map") return Object.fromEntries([...node.entries].map(([key, value]) => [key, toWritable(value)]));
  return node.value;
}
