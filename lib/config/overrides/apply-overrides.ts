import { ConfigError } from "../errors";
import { suggestNames } from "../nearest-names";
import { Interpolator } from "../interpolation/interpolation";
import { mergeNodes } from "../compose/merge";
import {
  childOf,
  cloneNode,
  Float,
  isMissing,
  isNull,
  keysOf,
  listNode,
  mapNode,
  scalarNode,
  toPlain,
  type Node,
} from "../yaml/nodes";
import type { Override } from "./override";
import type { ValueTree } from "./override-value";

/** A parsed override value as nodes whose source is the override. */
export function valueNode(value: ValueTree | undefined, file: string): Node {
  const source = { file };
  if (value === undefined || value === null) return scalarNode(null, source);
  if (Array.isArray(value))
    return listNode(
      value.map((item) => valueNode(item, file)),
      source,
    );
  if (value instanceof Float || typeof value !== "object") return scalarNode(value, source);
  return mapNode(
    Object.entries(value).map(([key, item]) => [key, valueNode(item as ValueTree, file)] as const),
    source,
  );
}

function setChild(container: Node, key: string, value: Node): void {
  if (container.type === "map") container.entries.set(key, value);
  else if (container.type === "list")
    container.items[Number(key) < 0 ? container.items.length + Number(key) : Number(key)] = value;
}

/**
 * Applies one `key=value` of the command line to the composed, unresolved tree (training-inference-config spec 2.6).
 * A path that leads through an interpolation changes what it points to.
 *
 * @throws ConfigError for a key that does not exist (`key=`), exists already (`+key=`), or differs (`~key=value`)
 */
export function applyOverride(root: Node, override: Override): void {
  const file = `override "${override.text}"`;
  const fail = (message: string): never => {
    throw new ConfigError([{ path: override.key, message, location: { file } }]);
  };
  if (root.type !== "map") return fail("expected a mapping at the root of the config");
  const follow = (node: Node, path: readonly string[]) => new Interpolator(root).follow(node, path);
  /** The target of an interpolation; undefined when it leads nowhere, so that it is simply replaced. */
  const tryFollow = (node: Node, path: readonly string[]): Node | undefined => {
    try {
      return follow(node, path).node;
    } catch (error) {
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  };
  const adds = override.type === "add" || override.type === "force";
  const keys = override.key.split(".");
  const last = keys.pop()!;

  let container: Node = root;
  let path: readonly string[] = [];
  for (const key of keys) {
    let child = childOf(container, key);
    if (!child || isNull(child) || (adds && isMissing(child))) {
      if (!adds) return missing(container, key, path);
      child = mapNode([], { file });
      setChild(container, key, child);
    }
    let target = follow(child, [...path, key]);
    if (target.node.type === "scalar" && override.type === "force") {
      target = { node: mapNode([], { file }), path: [...path, key] };
      setChild(container, key, target.node);
    }
    if (target.node.type === "scalar")
      return fail(`expected a mapping or list at "${[...path, key].join(".")}", it is a single value`);
    container = target.node;
    path = target.path;
  }

  const current = childOf(container, last);
  const value = valueNode(override.value, file);
  switch (override.type) {
    case "change":
      if (!current) return missing(container, last, path);
      if (value.type === "map")
        return setChild(
          container,
          last,
          mergeNodes(current, value, (node) => tryFollow(node, [...path, last])),
        );
      return setChild(container, last, value);
    case "add":
      if (current && !isNull(current) && value.type === "scalar") {
        return fail(
          `expected a new key, it is there already; write ${override.text.slice(1)} to change it or ++ to set it either way`,
        );
      }
      return put(current, value);
    case "force":
      return put(current, value);
    case "delete":
      if (!current || isNull(current)) return missing(container, last, path);
      if (override.value !== undefined && JSON.stringify(toPlain(current)) !== JSON.stringify(toPlain(value))) {
        return fail(`expected the value ${JSON.stringify(toPlain(value))}, it is ${JSON.stringify(toPlain(current))}`);
      }
      if (container.type === "map") container.entries.delete(last);
      else if (container.type === "list") container.items.splice(Number(last), 1);
      return;
  }

  function put(existing: Node | undefined, node: Node): void {
    if (container.type === "list" && !existing && Number(last) !== container.items.length)
      return missing(container, last, path);
    if (existing && node.type === "map")
      setChild(
        container,
        last,
        mergeNodes(existing, node, (pointer) => tryFollow(pointer, [...path, last])),
      );
    else setChild(container, last, cloneNode(node));
  }

  function missing(at: Node, key: string, where: readonly string[]): never {
    const place = where.length === 0 ? "the config" : `"${where.join(".")}"`;
    if (at.type === "list")
      return fail(`expected an index below ${at.items.length} of the list ${place}, received ${key}`);
    const add = override.type === "change" ? `; write +${override.text} to add it` : "";
    const hint = suggestNames(key, keysOf(at));
    return fail(`${place} has no key "${key}"; ${hint}${add}`);
  }
}
