import { cloneNode, isInterpolation, isMissing, mapNode, type MapNode, type Node } from "../yaml/nodes";

/**
 * Merges `source` over `target` (training-inference-config spec 2.4): mappings key by key, everything else replaces;
 * `???` leaves an existing value alone; a mapping over an interpolation of a mapping starts from that mapping.
 *
 * @param follow - the node that an interpolation points to, undefined when there is none (yet)
 * @returns the merged node; `target` may have been changed, `source` is copied
 */
export function mergeNodes(target: Node | undefined, source: Node, follow: (node: Node) => Node | undefined): Node {
  if (isMissing(source) && target !== undefined) return target;
  if (source.type !== "map") return cloneNode(source);
  let base: MapNode | undefined = target?.type === "map" ? target : undefined;
  if (target && isInterpolation(target)) {
    const pointed = follow(target);
    if (pointed?.type === "map") base = cloneNode(pointed);
  }
  if (!base) return cloneNode(source);
  for (const [key, value] of source.entries) base.entries.set(key, mergeNodes(base.entries.get(key), value, follow));
  return base;
}

/** Puts a node under a dotted package: `a.b` gives `{ a: { b: node } }`. */
export function wrapInPackage(node: Node, packagePath: string): Node {
  return packagePath
    .split(".")
    .filter((key) => key !== "")
    .reduceRight<Node>((inner, key) => mapNode([[key, inner]], node.source), node);
}
