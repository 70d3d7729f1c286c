/** Nested arrays, plain objects and maps with tensors in them: arguments and results of transformed functions. */
import { types } from "node:util";
import { isPlainObject, show } from "../arguments";
import { DisposedError } from "../errors";
import { Tensor } from "../tensor";

/** A tensor, or tensors in arrays, plain objects and maps, beside anything else. */
export type Tree = unknown;

/** The leaves of a tree in their order. */
export function leavesOf(tree: Tree): unknown[] {
  if (Array.isArray(tree)) return tree.flatMap(leavesOf);
  if (types.isMap(tree)) return [...tree.values()].flatMap(leavesOf);
  return isPlainObject(tree) ? Object.values(tree).flatMap(leavesOf) : [tree];
}

/** A tree of the same form with other leaves. */
export function mapLeaves(tree: Tree, change: (leaf: unknown, index: number) => unknown): Tree {
  let next = 0;
  const visit = (node: Tree): Tree => {
    if (Array.isArray(node)) return node.map(visit);
    if (types.isMap(node)) return new Map([...node].map(([key, entry]) => [key, visit(entry)]));
    if (isPlainObject(node)) return Object.fromEntries(Object.entries(node).map(([key, entry]) => [key, visit(entry)]));
    return change(node, next++);
  };
  return visit(tree);
}

/** A tree of the form of `tree` with these leaves. */
export function withLeaves(tree: Tree, leaves: readonly unknown[]): Tree {
  return mapLeaves(tree, (_, index) => leaves[index]);
}

/** The leaves, all of which have to be tensors. */
export function tensorsOf(where: string, name: string, tree: Tree): Tensor[] {
  const leaves = leavesOf(tree);
  for (const leaf of leaves) {
    if (!(leaf instanceof Tensor))
      throw new TypeError(
        `${where}: expected tensors (also in arrays and plain objects) for ${name}, got ${show(leaf)}`,
      );
    if (leaf.handle === 0) throw new DisposedError(where);
  }
  return leaves as Tensor[];
}

/**
 * For each leaf of `tree` the entry of `prefix` above it: `[0, null]` says something of each of two arguments, whatever they hold.
 *
 * @returns null where the forms do not go together.
 */
export function broadcastPrefix(prefix: Tree, tree: Tree): unknown[] | null {
  if (types.isMap(tree) && isPlainObject(prefix)) return broadcastPrefix(prefix, Object.fromEntries(tree));
  if (Array.isArray(prefix)) {
    if (!Array.isArray(tree) || tree.length !== prefix.length) return null;
    return joined(prefix.map((entry: Tree, index) => broadcastPrefix(entry, tree[index])));
  }
  if (isPlainObject(prefix)) {
    if (!isPlainObject(tree)) return null;
    const keys = Object.keys(tree);
    if (keys.length !== Object.keys(prefix).length || keys.some((key) => !Object.hasOwn(prefix, key))) return null;
    return joined(keys.map((key) => broadcastPrefix(prefix[key], tree[key])));
  }
  return leavesOf(tree).map(() => prefix);
}

function joined(parts: readonly (unknown[] | null)[]): unknown[] | null {
  return parts.some((part) => part === null) ? null : (parts as unknown[][]).flat();
}
