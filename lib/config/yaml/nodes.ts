import type { SourceLocation } from "../errors";

/**
 * The tree that configs are composed in. Every node knows where it was written, so that an error found much later can
 * name file and line; numbers keep YAML's difference between `1` and `1.0`.
 */

/** A YAML float. Integers are plain JavaScript numbers, beyond 2^53 bigints. */
export class Float {
  constructor(readonly value: number) {}
}

/** What a YAML scalar stands for. */
export type ScalarValue = string | number | bigint | boolean | null | Float;

/** One value. */
export interface ScalarNode {
  readonly type: "scalar";
  readonly value: ScalarValue;
  readonly source?: SourceLocation;
}

/** Items in order. */
export interface ListNode {
  readonly type: "list";
  readonly items: Node[];
  readonly source?: SourceLocation;
}

/** Keys in order of first appearance. */
export interface MapNode {
  readonly type: "map";
  readonly entries: Map<string, Node>;
  readonly source?: SourceLocation;
}

/** A part of the tree. */
export type Node = ScalarNode | ListNode | MapNode;

/** Makes a {@link ScalarNode}. */
export const scalarNode = (value: ScalarValue, source?: SourceLocation): ScalarNode => ({
  type: "scalar",
  value,
  source,
});
/** Makes a {@link ListNode}. */
export const listNode = (items: Node[] = [], source?: SourceLocation): ListNode => ({ type: "list", items, source });
/** Makes a {@link MapNode}. */
export const mapNode = (entries: Iterable<readonly [string, Node]> = [], source?: SourceLocation): MapNode => ({
  type: "map",
  entries: new Map(entries),
  source,
});

/** A copy that shares nothing with the original. */
export function cloneNode<N extends Node>(node: N): N {
  if (node.type === "scalar") return { ...node };
  if (node.type === "list") return { ...node, items: node.items.map((item) => cloneNode(item)) };
  return { ...node, entries: new Map([...node.entries].map(([key, value]) => [key, cloneNode(value)])) };
}

/** The value that has to be supplied elsewhere: `???`. */
export function isMissing(node: Node | undefined): boolean {
  return node?.type === "scalar" && node.value === "???";
}

/** Whether a node is an explicit null. */
export function isNull(node: Node | undefined): boolean {
  return node?.type === "scalar" && node.value === null;
}

/** Whether a node is a string with an unescaped `${`. */
export function isInterpolation(node: Node | undefined): boolean {
  return node?.type === "scalar" && typeof node.value === "string" && hasInterpolation(node.value);
}

/** Whether a text holds a `${` that no odd number of backslashes escapes. */
export function hasInterpolation(text: string): boolean {
  for (let at = text.indexOf("${"); at >= 0; at = text.indexOf("${", at + 2)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return true;
  }
  return false;
}

/** A child by key or list index. */
export function childOf(node: Node, key: string): Node | undefined {
  if (node.type === "map") return node.entries.get(key);
  if (node.type === "list" && /^\d+$/.test(key)) return node.items.at(Number(key));
  return undefined;
}

/** Keys of a mapping, indices of a list. */
export function keysOf(node: Node): string[] {
  if (node.type === "map") return [...node.entries.keys()];
  return node.type === "list" ? node.items.map((_, index) => String(index)) : [];
}

/** The node as plain objects, arrays, strings, numbers (integers beyond 2^53: bigints), booleans and null. */
export function toPlain(node: Node): unknown {
  if (node.type === "list") return node.items.map(toPlain);
  if (node.type === "map") return Object.fromEntries([...node.entries].map(([key, value]) => [key, toPlain(value)]));
  return node.value instanceof Float ? node.value.value : node.value;
}

/** Plain values as nodes; `source` goes to every node. Integral numbers become integers. */
export function fromPlain(value: unknown, source?: SourceLocation): Node {
  if (Array.isArray(value))
    return listNode(
      value.map((item) => fromPlain(item, source)),
      source,
    );
  if (value instanceof Float) return scalarNode(value, source);
  if (value instanceof Set) return fromPlain([...(value as Set<unknown>)], source);
  if (typeof value === "object" && value !== null) {
    return mapNode(
      Object.entries(value).map(([key, item]) => [key, fromPlain(item, source)] as const),
      source,
    );
  }
  if (typeof value === "number") return scalarNode(Number.isInteger(value) ? value : new Float(value), source);
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint")
    return scalarNode(value, source);
  return scalarNode(null, source);
}
