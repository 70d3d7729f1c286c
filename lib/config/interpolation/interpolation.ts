import { ConfigError, type SourceLocation } from "../errors";
import { pyFloatRepr } from "../python-format";
import { suggestNames } from "../nearest-names";
import { parseInterpolated, splitKey, type Interpolation, type StringPart } from "./grammar";
import {
  childOf,
  cloneNode,
  Float,
  fromPlain,
  isInterpolation,
  isMissing,
  keysOf,
  listNode,
  mapNode,
  scalarNode,
  type Node,
} from "../yaml/nodes";
import { Sweep, type ValueTree } from "../overrides/override-value";
import { findResolver, resolverNames, type JobInfo, type ResolverContext } from "./resolvers";

/** Where a node stands: the keys from the root. */
type Path = readonly string[];

const DEFAULT_JOB: JobInfo = { name: "config", overrides: [], started: new Date() };

/**
 * Resolves `${…}` in a composed tree. References are absolute from the root (or relative with leading dots) and lazy,
 * so that values overridden on the command line reach everything that refers to them.
 */
export class Interpolator {
  private readonly resolved = new Map<Node, Node>();
  /** Nodes whose value is being computed. Meeting one again is a cycle. */
  private readonly resolving: Node[] = [];
  /**
   * Interpolations on the way of a path. Not the same as the above: `${model.optimizer_config.lr}` may lead through
   * `optimizer_config: ${optimizer}` while that is being resolved.
   */
  private readonly following: Node[] = [];

  constructor(
    private readonly root: Node,
    private readonly job: JobInfo = DEFAULT_JOB,
  ) {}

  /** The whole tree with every interpolation replaced by (a copy of) what it stands for. */
  resolveAll(): Node {
    return this.resolve(this.root, []);
  }

  /**
   * The node that a node stands for: itself, or what its chain of interpolations leads to, unresolved below.
   * Changing it changes the target.
   */
  follow(node: Node, path: Path): { node: Node; path: Path } {
    if (!isInterpolation(node)) return { node, path };
    return this.guard(this.following, node, () => {
      const parts = this.parts(node);
      const only = parts.length === 1 ? parts[0]! : "";
      if (typeof only === "string" || only.type === "resolver") return { node: this.interpolate(node, path), path };
      const target = this.locate(only, node, path);
      return this.follow(target.node, target.path);
    });
  }

  private parts(node: Node): StringPart[] {
    const value = node.type === "scalar" ? node.value : "";
    return this.at(node.source, () => parseInterpolated(String(value)));
  }

  /** Runs with the node on a list of active ones; meeting it again is a cycle. */
  private guard<T>(active: Node[], node: Node, run: () => T): T {
    if (active.includes(node)) {
      const chain = [...active.slice(active.indexOf(node)), node].map((step) =>
        step.type === "scalar" ? String(step.value) : "{…}",
      );
      this.fail(node.source, `interpolations refer to each other in a circle: ${chain.join(" → ")}`);
    }
    active.push(node);
    try {
      return run();
    } finally {
      active.pop();
    }
  }

  private fail(source: SourceLocation | undefined, message: string): never {
    throw new ConfigError([{ path: "", message, location: source }]);
  }

  /** Adds the place to errors that do not know it. */
  private at<T>(source: SourceLocation | undefined, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof ConfigError) || error.problems[0]?.location || !source) throw error;
      return this.fail(source, error.problems[0]!.message);
    }
  }

  private resolve(node: Node, path: Path): Node {
    const known = this.resolved.get(node);
    if (known) return cloneNode(known);
    const result = this.resolveNew(node, path);
    this.resolved.set(node, result);
    return result;
  }

  private resolveNew(node: Node, path: Path): Node {
    if (node.type === "list") {
      return this.guard(this.resolving, node, () =>
        listNode(
          node.items.map((item, index) => this.resolve(item, [...path, String(index)])),
          node.source,
        ),
      );
    }
    if (node.type === "map") {
      return this.guard(this.resolving, node, () =>
        mapNode(
          [...node.entries].map(([key, value]) => [key, this.resolve(value, [...path, key])] as const),
          node.source,
        ),
      );
    }
    if (typeof node.value !== "string" || !node.value.includes("${")) return node;
    // a whole-value reference keeps the place where it was written; what it contains keeps its own
    return this.guard(this.resolving, node, () => ({ ...this.interpolate(node, path), source: node.source }));
  }

  /** The value of a string node with interpolations. */
  private interpolate(node: Node, path: Path): Node {
    const parts = this.parts(node);
    if (parts.length === 1 && typeof parts[0] !== "string") return this.value(parts[0]!, node, path);
    const texts = parts.map((part) => (typeof part === "string" ? part : pythonText(this.value(part, node, path))));
    return scalarNode(texts.join(""), node.source);
  }

  private value(part: Interpolation, node: Node, path: Path): Node {
    if (part.type === "resolver") return this.call(part.name, part.args, node, path);
    const target = this.locate(part, node, path);
    if (isMissing(target.node)) {
      this.fail(
        node.source,
        `expected a value at "${target.path.join(".")}", which ${this.textOf(node)} refers to, but it is still ???`,
      );
    }
    return this.resolve(target.node, target.path);
  }

  private textOf(node: Node): string {
    return node.type === "scalar" ? `"${String(node.value)}"` : "an interpolation";
  }

  /** The raw node that a reference names, through interpolations on the way. */
  private locate(part: Interpolation & { type: "reference" }, node: Node, path: Path): { node: Node; path: Path } {
    const key = part.key
      .map((piece) => (typeof piece === "string" ? piece : pythonText(this.value(piece, node, path))))
      .join("");
    // one dot: the container that holds the interpolation; each further one level up
    if (part.dots > path.length) this.fail(node.source, `${this.textOf(node)} goes above the root of the config`);
    const start = part.dots === 0 ? [] : path.slice(0, path.length - part.dots);
    const found = this.walk([...start, ...splitKey(key)]);
    if ("at" in found) {
      const where = found.at.length === 0 ? "the root" : `"${found.at.join(".")}"`;
      this.fail(
        node.source,
        `${this.textOf(node)} refers to the key "${found.key}", which is not in ${where}; ${suggestNames(found.key, found.names)}`,
      );
    }
    return found;
  }

  private walk(keys: Path): { node: Node; path: Path } | { at: Path; key: string; names: string[] } {
    let current: { node: Node; path: Path } = { node: this.root, path: [] };
    for (const key of keys) {
      const container = this.follow(current.node, current.path);
      const child = childOf(container.node, key);
      if (!child) return { at: container.path, key, names: keysOf(container.node) };
      current = { node: child, path: [...container.path, key] };
    }
    return current;
  }

  private call(name: string, args: readonly ValueTree[], node: Node, path: Path): Node {
    const resolver = findResolver(name);
    if (!resolver)
      this.fail(
        node.source,
        `unknown resolver "${name}" in ${this.textOf(node)}; ${suggestNames(name, resolverNames())}`,
      );
    const context: ResolverContext = {
      job: this.job,
      select: (key) => {
        const dots = /^\.*/.exec(key)![0].length;
        const found = this.walk([
          ...(dots === 0 ? [] : path.slice(0, path.length - dots)),
          ...splitKey(key.slice(dots)),
        ]);
        return "at" in found || isMissing(found.node) ? undefined : this.resolve(found.node, found.path);
      },
    };
    const values = args.map((arg) => this.resolve(fromPlain(floats(arg), node.source), path));
    return this.at(node.source, () => cloneNode(resolver(values, context)));
  }
}

/** A parsed argument as plain values, its floats kept. */
function floats(value: ValueTree): unknown {
  if (value instanceof Float || value instanceof Sweep || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(floats);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, floats(item)]));
}

/** The text of a value inside a larger string: Python's `str`. */
function pythonText(node: Node): string {
  if (node.type === "list") return `[${node.items.map(pythonRepr).join(", ")}]`;
  if (node.type === "map")
    return `{${[...node.entries].map(([key, value]) => `'${key}': ${pythonRepr(value)}`).join(", ")}}`;
  const { value } = node;
  if (value instanceof Float) return pyFloatRepr(value.value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return String(value);
}

function pythonRepr(node: Node): string {
  return node.type === "scalar" && typeof node.value === "string" ? `'${node.value}'` : pythonText(node);
}
