import { ConfigError } from "../errors";
import { suggestNames } from "../nearest-names";
import { Interpolator } from "../interpolation/interpolation";
import { mergeNodes } from "../yaml/merge";
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
  type MapNode,
  type Node,
} from "../yaml/nodes";
import type { Override } from "./override";
import { Dictionary, Quoted, isList, isSweepValue, type ValueTree } from "./override-value";

/** A parsed override value as nodes whose source is the override. */
export function valueNode(value: ValueTree | undefined, file: string): Node {
  const source = { file };
  if (value === undefined) return scalarNode(null, source);
  if (value instanceof Quoted) return scalarNode(value.text, source);
  if (value instanceof Dictionary)
    return mapNode(
      [...value.entries].map(([key, item]) => [key, valueNode(item, file)] as const),
      source,
    );
  if (isList(value))
    return listNode(
      value.map((item) => valueNode(item, file)),
      source,
    );
  if (isSweepValue(value))
    throw new ConfigError([{ path: "", message: "expected one value, received a sweep inside it", location: source }]);
  return scalarNode(value, source);
}

/**
 * Applies one `key=value` of the command line to the composed, unresolved tree.
 * A path that leads through an interpolation changes what it points to.
 *
 * @throws ConfigError for a key that does not exist (`key=`), exists already (`+key=`), or differs (`~key=value`)
 */
export function applyOverride(root: Node, override: Override): void {
  const file = `override "${override.text}"`;
  if (root.type !== "map") throw new ConfigError("expected a mapping at the root of the config");
  new Application(root, override, file).run();
}

class Application {
  constructor(
    private readonly root: MapNode,
    private readonly override: Override,
    private readonly file: string,
  ) {}

  run(): void {
    const keys = this.override.key.split(".");
    const last = keys.pop()!;
    const { container, path } = this.descend(keys);
    const current = childOf(container, last);
    const value = valueNode(this.override.value, this.file);
    switch (this.override.type) {
      case "change":
        if (!current) this.missing(container, last, path);
        return this.put(container, last, path, value, true);
      case "add":
        if (
          current &&
          !isMissing(current) &&
          value.type === "scalar" &&
          !isNull(this.resolved(current, [...path, last]))
        )
          this.fail(
            `expected a new key, but it exists already; write ${this.override.text.slice(1)} to change it, or ++ to set it either way`,
          );
        return this.put(container, last, path, value, false);
      case "force":
        return this.put(container, last, path, value, false);
      case "delete":
        return this.delete(container, last, path, value);
    }
  }

  /** The container that holds the last key; `+` and `++` make what is missing on the way. */
  private descend(keys: readonly string[]): { container: Exclude<Node, { type: "scalar" }>; path: readonly string[] } {
    const adds = this.override.type === "add" || this.override.type === "force";
    let container: Exclude<Node, { type: "scalar" }> = this.root;
    let path: readonly string[] = [];
    for (const key of keys) {
      const child = childOf(container, key);
      if (child === undefined && !adds) this.missing(container, key, path);
      const target = child && this.follow(child, [...path, key]);
      if (target === undefined || target.node.type === "scalar") {
        if (!adds) this.below(child!, [...path, key], keys);
        const made = mapNode([], { file: this.file });
        this.set(container, key, path, made);
        [container, path] = [made, [...path, key]];
      } else [container, path] = [target.node, target.path];
    }
    return { container, path };
  }

  private put(container: Node, key: string, path: readonly string[], value: Node, isStrict: boolean): void {
    const current = childOf(container, key);
    // an override replaces an interpolation, whatever it points to
    const isMerged = current !== undefined && current.type !== "scalar" && value.type !== "scalar";
    if (!isMerged) return this.set(container, key, path, cloneNode(value));
    const follow = (node: Node, at: readonly string[]): Node | undefined => {
      try {
        return this.follow(node, at).node;
      } catch (error) {
        if (error instanceof ConfigError) return undefined; // it leads nowhere, so it is simply replaced
        throw error;
      }
    };
    try {
      this.set(container, key, path, mergeNodes(current, value, [...path, key], { follow, isStrict }));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const [{ path: at, message } = { path: "", message: "" }] = error.problems;
      throw new ConfigError([
        {
          path: at,
          message: isStrict ? `${message}; write +${this.override.text} to add it` : message,
          location: { file: this.file },
        },
      ]);
    }
  }

  private set(container: Node, key: string, path: readonly string[], value: Node): void {
    if (container.type === "map") container.entries.set(key, value);
    else if (container.type === "list") {
      const index = /^-?\d+$/.test(key) ? Number(key) : NaN;
      const at = index < 0 ? container.items.length + index : index;
      if (!(at >= 0 && at <= container.items.length)) this.missing(container, key, path);
      container.items[at] = value;
    }
  }

  private delete(container: Node, key: string, path: readonly string[], value: Node): void {
    const current = childOf(container, key);
    if (!current || isNull(current) || isMissing(current)) return this.missing(container, key, path);
    const found = this.resolved(current, [...path, key]);
    if (this.override.value !== undefined && !isSame(found, value))
      this.fail(`expected the value ${shown(value)}, but it is ${shown(found)}`);
    if (container.type === "map") container.entries.delete(key);
    else if (container.type === "list") container.items.splice(Number(key), 1);
  }

  private follow(node: Node, path: readonly string[]): { node: Node; path: readonly string[] } {
    return new Interpolator(this.root).follow(node, path);
  }

  private resolved(node: Node, path: readonly string[]): Node {
    return new Interpolator(this.root).resolveAt(node, path);
  }

  private fail(message: string): never {
    throw new ConfigError([{ path: this.override.key, message, location: { file: this.file } }]);
  }

  /** There is a single value where the path continues. */
  private below(node: Node, path: readonly string[], keys: readonly string[]): never {
    const next = [...keys, this.override.key.split(".").at(-1)!][path.length]!;
    const what = isNull(node) ? "null" : isMissing(node) ? "???" : "a single value";
    const add = this.override.type === "change" ? `; write +${this.override.text} to make it a mapping` : "";
    return this.fail(`"${path.join(".")}" is ${what}, so it has no key "${next}"${add}`);
  }

  private missing(at: Node, key: string, where: readonly string[]): never {
    const place = where.length === 0 ? "the config" : `"${where.join(".")}"`;
    if (at.type === "list")
      return this.fail(
        `expected an index below ${at.items.length} of the list ${place}, received ${JSON.stringify(key)}`,
      );
    const child = childOf(at, key);
    if (child !== undefined)
      return this.fail(
        `expected a value to delete, but "${[...where, key].join(".")}" is ${isNull(child) ? "null" : "???"}`,
      );
    const add = this.override.type === "change" ? `write +${this.override.text} to add it` : "";
    const hint = [suggestNames(key, keysOf(at)), add].filter((part) => part !== "").join("; ");
    return this.fail(`${place} has no key "${key}"${hint === "" ? "" : `; ${hint}`}`);
  }
}

function shown(node: Node): string {
  return JSON.stringify(toPlain(node), (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

/** As Python compares: `1 == 1.0`. */
function isSame(a: Node, b: Node): boolean {
  if (a.type === "list" && b.type === "list")
    return a.items.length === b.items.length && a.items.every((item, i) => isSame(item, b.items[i]!));
  if (a.type === "map" && b.type === "map")
    return (
      a.entries.size === b.entries.size &&
      [...a.entries].every(([key, item]) => b.entries.has(key) && isSame(item, b.entries.get(key)!))
    );
  if (a.type !== "scalar" || b.type !== "scalar") return false;
  const number = (value: unknown): unknown =>
    value instanceof Float ? value.value : typeof value === "boolean" ? Number(value) : value;
  return number(a.value) === number(b.value);
}
