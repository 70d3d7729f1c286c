import { ConfigError, type SourceLocation } from "../errors";
import { withSuggestion } from "../nearest-names";
import {
  parseElement,
  parseInterpolated,
  splitKey,
  type Expression,
  type Interpolation,
  type ReferenceInterpolation,
  type StringPart,
} from "./grammar";
import {
  childOf,
  cloneNode,
  isInterpolation,
  isMissing,
  isNull,
  keysOf,
  listNode,
  mapNode,
  scalarNode,
  type Node,
} from "../yaml/nodes";
import { pythonText } from "./python-text";
import { checkArguments, findResolver, resolverNames, type JobInfo, type ResolverContext } from "./resolvers";

/** Where a node is: the keys from the root. */
type Path = readonly string[];

const DEFAULT_JOB: JobInfo = { name: "config", overrides: [], choices: new Map(), started: new Date() };

/** Values, and characters of texts, that interpolations may stand for: a few nested ones could ask for all the memory. */
const MAX_COPIED = 1_000_000;
/** Interpolations that refer to one another in a row, and mappings and lists within one another. */
const MAX_DEPTH = 300;

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
  private copied = 0;

  constructor(
    private readonly root: Node,
    private readonly job: JobInfo = DEFAULT_JOB,
  ) {}

  /** The whole tree with every interpolation replaced by (a copy of) what it stands for. */
  resolveAll(): Node {
    return this.resolve(this.root, []);
  }

  /** The value of one node. */
  resolveAt(node: Node, path: Path): Node {
    return this.resolve(node, path);
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

  private parts(node: Node): readonly StringPart[] {
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
    if (active.length >= MAX_DEPTH)
      this.fail(
        node.source,
        `expected interpolations and mappings nested at most ${MAX_DEPTH} deep, received deeper ones`,
      );
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
    if (known) return this.copy(known, node.source);
    const result = this.resolveNew(node, path);
    this.resolved.set(node, result);
    return result;
  }

  /** A copy that shares nothing with the original, as long as there are not too many of them. */
  private copy(node: Node, source: SourceLocation | undefined): Node {
    this.count(sizeOf(node), source);
    return cloneNode(node);
  }

  private count(size: number, source: SourceLocation | undefined): void {
    this.copied += size;
    if (this.copied > MAX_COPIED)
      this.fail(source, `expected interpolations that stand for at most ${MAX_COPIED} values, received more`);
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
    return this.joined(this.parts(node), false, node, path);
  }

  /** Parts in a row: a single interpolation gives its value as it is, unless only its text is wanted. */
  private joined(parts: readonly StringPart[], asText: boolean, node: Node, path: Path): Node {
    const [first] = parts;
    if (parts.length === 1 && !asText && typeof first === "object") return this.value(first, node, path);
    const text = this.text(parts, node, path);
    this.count(text.length, node.source);
    return scalarNode(text, node.source);
  }

  private text(parts: readonly StringPart[], node: Node, path: Path): string {
    return parts.map((part) => (typeof part === "string" ? part : this.textOfValue(part, node, path))).join("");
  }

  /** Containers are shown as they were written, their interpolations unresolved, as in Python. */
  private textOfValue(part: Interpolation, node: Node, path: Path): string {
    if (part.type === "reference") {
      const target = this.locate(part, node, path);
      const { node: container } = this.follow(target.node, target.path);
      if (container.type !== "scalar") return pythonText(container);
    }
    return pythonText(this.value(part, node, path));
  }

  private value(part: Interpolation, node: Node, path: Path): Node {
    if (part.type === "resolver") return this.call(part, node, path);
    const target = this.locate(part, node, path);
    if (isMissing(target.node)) {
      this.fail(
        node.source,
        `expected a value at "${target.path.join(".")}", which ${this.textOf(node)} refers to, but it is still ???`,
      );
    }
    return this.resolve(target.node, target.path);
  }

  /** The value of a resolver's argument. */
  private evaluate(expression: Expression, node: Node, path: Path): Node {
    switch (expression.type) {
      case "literal":
        return scalarNode(expression.value, node.source);
      case "text":
        return this.joined(expression.parts, expression.isQuoted, node, path);
      case "list":
        return listNode(
          expression.items.map((item) => this.evaluate(item, node, path)),
          node.source,
        );
      case "mapping":
        return mapNode(
          expression.entries.map(
            ([key, item]) => [pythonText(this.evaluate(key, node, path)), this.evaluate(item, node, path)] as const,
          ),
          node.source,
        );
    }
  }

  private textOf(node: Node): string {
    return node.type === "scalar" ? `"${String(node.value)}"` : "an interpolation";
  }

  /** The raw node that a reference names, through interpolations on the way. */
  private locate(part: ReferenceInterpolation, node: Node, path: Path): { node: Node; path: Path } {
    const keys = this.absolute(this.text(part.key, node, path), node, path);
    const found = this.walk(keys);
    if ("at" in found) {
      const where = found.at.length === 0 ? "the root" : `"${found.at.join(".")}"`;
      const message = `${this.textOf(node)} refers to the key "${found.key}"`;
      if (found.in.type === "scalar") {
        const what = isNull(found.in) ? "null" : "a single value";
        this.fail(node.source, `${message} of ${where}, which is ${what} and has no keys`);
      }
      this.fail(node.source, withSuggestion(`${message}, which is not in ${where}`, found.key, keysOf(found.in)));
    }
    return found;
  }

  /** Keys from the root. One leading dot is the container that holds the interpolation; each additional one a level up. */
  private absolute(key: string, node: Node, path: Path): string[] {
    const dots = /^\.*/.exec(key)![0].length;
    if (dots > path.length) this.fail(node.source, `${this.textOf(node)} goes above the root of the config`);
    return [...(dots === 0 ? [] : path.slice(0, path.length - dots)), ...splitKey(key.slice(dots))];
  }

  private walk(keys: Path): { node: Node; path: Path } | { at: Path; in: Node; key: string } {
    let current: { node: Node; path: Path } = { node: this.root, path: [] };
    for (const key of keys) {
      const container = this.follow(current.node, current.path);
      const child = childOf(container.node, key);
      if (!child) return { at: container.path, in: container.node, key };
      current = { node: child, path: [...container.path, key] };
    }
    return current;
  }

  private call(part: Interpolation & { type: "resolver" }, node: Node, path: Path): Node {
    const name = this.text(part.name, node, path);
    const resolver = findResolver(name);
    if (!resolver)
      this.fail(
        node.source,
        withSuggestion(`unknown resolver "${name}" in ${this.textOf(node)}`, name, resolverNames()),
      );
    const context: ResolverContext = {
      job: this.job,
      select: (key) => {
        const found = this.walk(this.absolute(key, node, path));
        return "at" in found || isMissing(found.node) ? undefined : this.resolve(found.node, found.path);
      },
      keysAt: (key) => {
        const found = this.walk(this.absolute(key, node, path));
        const target = "at" in found ? undefined : this.follow(found.node, found.path).node;
        return target?.type === "map" ? keysOf(target) : undefined;
      },
      decode: (text) => this.evaluate(parseElement(text), node, path),
    };
    this.at(node.source, () => checkArguments(name, part.args.length));
    const values = part.args.map((arg) => this.evaluate(arg, node, path));
    return this.at(node.source, () => this.copy(resolver(values, context), node.source));
  }
}

/** Values in a node, long texts counted by their length. */
function sizeOf(node: Node): number {
  if (node.type === "scalar") return typeof node.value === "string" ? 1 + node.value.length / 100 : 1;
  const children = node.type === "list" ? node.items : [...node.entries.values()];
  return children.reduce((sum, child) => sum + sizeOf(child), 1);
}
