/** How arguments and results nest: PyTorch's pytree specs, as exported programs store them. */
import { isPlainObject, show } from "../arguments";
import { TorchError } from "../errors";
import { damaged, printable, unsupported } from "../serialization/errors";
import { list, object, own, parseJson, string, type JsonObject } from "./json";

/** The form of a value: a leaf, a list, or entries by name. */
export type TreeSpec =
  | { readonly kind: "leaf" }
  | { readonly kind: "list"; readonly entries: readonly TreeSpec[] }
  | { readonly kind: "record"; readonly keys: readonly string[]; readonly entries: readonly TreeSpec[] };

const MAX_DEPTH = 64;

/**
 * Reads a spec, `[1, { type, context, children_spec }]`.
 *
 * @param fields names of the fields of named tuples, by their class
 * @throws CheckpointError for a spec that is broken, or of classes without a counterpart
 */
export function parseTreeSpec(text: string, fields: ReadonlyMap<string, readonly string[]>): TreeSpec {
  const [version, root] = list(parseJson("a tree spec", text), "a tree spec");
  if (version !== 1)
    throw unsupported(`a tree spec of version ${printable(show(version))}`, "export it with another PyTorch");
  return read(object(root, "a tree spec"), fields, 0);
}

function read(node: JsonObject, fields: ReadonlyMap<string, readonly string[]>, depth: number): TreeSpec {
  if (depth > MAX_DEPTH) throw damaged("a tree spec that is nested too deep");
  const type = own(node, "type") ?? null;
  if (type === null) return { kind: "leaf" };
  const name = string(type, "the type of a tree spec");
  const entries = list(own(node, "children_spec"), "children of a tree spec").map((child) =>
    read(object(child, "a tree spec"), fields, depth + 1),
  );
  if (name === "builtins.list" || name === "builtins.tuple" || name === "collections.deque")
    return { kind: "list", entries };
  const text = own(node, "context");
  const context = typeof text === "string" ? parseJson("the context of a tree spec", text) : text;
  const keys = keysOf(name, context, fields);
  if (keys === null || keys.length !== entries.length)
    throw unsupported(
      `a program with arguments or results of the class ${printable(name)}`,
      "export a model that takes and returns tensors, lists, tuples and dicts",
    );
  return { kind: "record", keys, entries };
}

/** Names of the entries: keys of a dict, fields of a tuple or of a class that is a dict with fields. */
function keysOf(
  name: string,
  context: unknown,
  fields: ReadonlyMap<string, readonly string[]>,
): readonly string[] | null {
  if (name === "collections.namedtuple") return (typeof context === "string" && fields.get(context)) || null;
  if (name === "collections.defaultdict" && Array.isArray(context) && context.length === 2)
    return textKeys(object(context[1], "the context of a tree spec")["dict_context"] ?? context[1]);
  return textKeys(context);
}

function textKeys(keys: unknown): readonly string[] | null {
  if (!Array.isArray(keys)) return null;
  const texts = keys.map((key: unknown) => (typeof key === "number" ? String(key) : key));
  return texts.every((key) => typeof key === "string") ? texts : null;
}

/** How many leaves a value of this form has. */
export function countLeaves(spec: TreeSpec): number {
  return spec.kind === "leaf" ? 1 : spec.entries.reduce((sum, entry) => sum + countLeaves(entry), 0);
}

/**
 * The leaves of a value of this form.
 *
 * @throws TypeError where the value has another form
 */
export function flatten(spec: TreeSpec, value: unknown, name: string): unknown[] {
  if (spec.kind === "leaf") return [value];
  if (spec.kind === "list") {
    if (!Array.isArray(value) || value.length !== spec.entries.length)
      throw new TypeError(`expected a list of ${spec.entries.length} for ${name}, got ${show(value)}`);
    return spec.entries.flatMap((entry, index) => flatten(entry, value[index] as unknown, `${name}[${index}]`));
  }
  const given = value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value;
  if (!isPlainObject(given))
    throw new TypeError(`expected an object with ${spec.keys.join(", ")} for ${name}, got ${show(value)}`);
  const foreign = Object.keys(given).find((key) => !spec.keys.includes(key));
  if (foreign !== undefined)
    throw new TypeError(
      `expected entries ${spec.keys.join(", ") || "(none)"} for ${name}, got ${JSON.stringify(foreign)}`,
    );
  return spec.entries.flatMap((entry, index) => {
    const key = spec.keys[index]!;
    if (!Object.hasOwn(given, key))
      throw new TypeError(`expected entries ${spec.keys.join(", ")} for ${name}, got none for ${key}`);
    return flatten(entry, given[key], `${name}.${key}`);
  });
}

/** The way back. */
export function unflatten(spec: TreeSpec, leaves: readonly unknown[]): unknown {
  if (leaves.length !== countLeaves(spec))
    throw new TorchError(`internal: expected ${countLeaves(spec)} leaves, got ${leaves.length}`);
  let next = 0;
  const build = (form: TreeSpec): unknown => {
    if (form.kind === "leaf") return leaves[next++];
    if (form.kind === "list") return form.entries.map(build);
    const result: Record<string, unknown> = {};
    for (const [index, entry] of form.entries.entries())
      Object.defineProperty(result, form.keys[index]!, {
        value: build(entry),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    return result;
  };
  return build(spec);
}
