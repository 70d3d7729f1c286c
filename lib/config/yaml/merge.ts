import { ConfigError, type SourceLocation } from "../errors";
import { cloneNode, isInterpolation, isMissing, mapNode, type Node } from "./nodes";

/** Keys from the root. */
type Path = readonly string[];

/** How {@link mergeNodes} merges. */
export interface MergeOptions {
  /** The node that an interpolation at a path of the target points to, undefined when there is none (yet). */
  readonly follow: (node: Node, path: Path) => Node | undefined;
  /** Refuses keys that a mapping of the target lacks. */
  readonly isStrict?: boolean;
}

/**
 * Merges `source` over `target` as OmegaConf does: mappings key by key, everything else replaces; `???` leaves an existing value
 * alone; an interpolation of a mapping is that mapping when another is merged over it.
 *
 * @param path - where the target is
 * @returns the merged node; `target` may have been changed, `source` is copied
 * @throws ConfigError for a list over a mapping or the other way round, and for unknown keys in a strict merge
 */
export function mergeNodes(target: Node | undefined, source: Node, path: Path, options: MergeOptions): Node {
  if (target === undefined) return cloneNode(source);
  if (isMissing(source)) return target;
  if (source.type === "scalar") return cloneNode(source);
  let base = target;
  if (isInterpolation(target)) {
    const pointed = options.follow(target, path);
    if (pointed !== undefined && pointed.type !== "scalar") base = cloneNode(pointed);
  }
  if (base.type === "scalar") return cloneNode(source);
  if (base.type === "list" && source.type === "list") return cloneNode(source);
  if (base.type !== "map" || source.type !== "map")
    throw problem(
      path,
      `expected a ${NAMES[base.type]} to merge into the one there, received a ${NAMES[source.type]}`,
      source.source,
    );
  for (const [key, value] of source.entries) {
    const current = base.entries.get(key);
    if (current === undefined && options.isStrict)
      throw problem([...path, key], "expected a key that is there already", value.source);
    base.entries.set(key, mergeNodes(current, value, [...path, key], options));
  }
  return base;
}

const NAMES = { list: "list", map: "mapping" } as const;

function problem(path: Path, message: string, location: SourceLocation | undefined): ConfigError {
  return new ConfigError([{ path: path.join("."), message, location }]);
}

/** Puts a node under a dotted package: `a.b` gives `{ a: { b: node } }`. */
export function wrapInPackage(node: Node, packagePath: string): Node {
  return packagePath
    .split(".")
    .filter((key) => key !== "")
    .reduceRight<Node>((inner, key) => mapNode([[key, inner]], node.source), node);
}
