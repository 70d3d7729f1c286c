/** State dicts of modules: collecting them, and loading them with all checks before the first write. */
import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import { OrderedDict } from "../serialization/python-values";
import { Tensor } from "../tensor";
import type { ModuleHooks } from "./hooks";
import type { Module } from "./module";
import { takeData } from "./placement";

/** What `loadStateDict` found beside the keys that match. */
export interface LoadResult {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Missing and unexpected keys are errors (default true). */
  strict?: boolean;
  /** Take the tensors of the state dict, with their dtype and device, instead of copying their values (default false). */
  assign?: boolean;
}

/** State dicts come as ordered maps from `stateDict()` and `load()`; plain objects are taken too. */
export type StateDict = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Key of what `getExtraState` gives. */
const EXTRA_STATE = "_extra_state";

/** One module's part of a state dict. */
export interface StatePart {
  readonly module: Module;
  /** The module's path with a dot at its end, or "". */
  readonly prefix: string;
  readonly version: number;
  readonly hooks: ModuleHooks | null;
  /** Parameters, then persistent buffers, by their full names. */
  tensors(): [name: string, tensor: Tensor][];
  children(): StatePart[];
}

/** Writes the state of a module and of its children. */
export function collectState(part: StatePart, into: OrderedDict<string, Tensor>, keepVars: boolean): void {
  const { module, prefix, hooks } = part;
  for (const { hook } of hooks?.stateDictPre.entries ?? []) hook(module, prefix, keepVars);
  const metadata = { version: part.version };
  (into.attributes._metadata as Map<string, object> | undefined)?.set(prefix.slice(0, -1), metadata);
  for (const [name, tensor] of part.tensors()) into.set(name, keepVars ? tensor : tensor.detach());
  if (module.getExtraState !== undefined) into.set(prefix + EXTRA_STATE, module.getExtraState() as Tensor);
  for (const child of part.children()) collectState(child, into, keepVars);
  for (const { hook } of hooks?.stateDictPost.entries ?? []) hook(module, into, prefix, metadata);
}

/** Every part: parents before children, or children first. */
function flat(part: StatePart, childrenFirst = false): StatePart[] {
  const below = part.children().flatMap((child) => flat(child, childrenFirst));
  return childrenFirst ? [...below, part] : [part, ...below];
}

/**
 * Loads a state dict.
 *
 * @throws TorchError with everything that is wrong; the module is untouched then.
 */
export function loadState(
  root: StatePart,
  given: ReadonlyMap<string, Tensor>,
  { strict = true, assign = false }: LoadOptions,
): LoadResult {
  const state = new OrderedDict(given);
  const metadata = (given as Partial<OrderedDict>).attributes?._metadata as Map<string, object> | undefined;
  const [missingKeys, unexpectedKeys, problems]: [string[], string[], string[]] = [[], [], []];
  for (const { module, prefix, hooks } of hooked(root, "loadPre")) {
    const local = (metadata?.get(prefix.slice(0, -1)) ?? {}) as Readonly<Record<string, unknown>>;
    for (const { hook } of hooks!.loadPre.entries)
      hook(module, state, prefix, local, strict, missingKeys, unexpectedKeys, problems);
  }

  const parts = flat(root);
  const targets = new Map(parts.flatMap((part) => part.tensors()));
  const extra = new Map(
    parts.filter(({ module }) => "setExtraState" in module).map(({ module, prefix }) => [prefix + EXTRA_STATE, module]),
  );
  missingKeys.push(...[...targets.keys(), ...extra.keys()].filter((name) => !state.has(name)));
  unexpectedKeys.push(...[...state.keys()].filter((name) => !targets.has(name) && !extra.has(name)));
  for (const [name, target] of targets)
    if (state.has(name)) problems.push(...mismatch(name, target, state.get(name), assign));

  const where = `Error(s) in loading state_dict for ${root.module.constructor.name}`;
  const posts = hooked(root, "loadPost");
  // hooks may take keys out of the lists, once the rest is loaded
  const mayForgive = posts.length > 0 && problems.length === 0;
  if (!mayForgive) refuse(where, problems, strict ? { missingKeys, unexpectedKeys } : null);
  const write = (): void => {
    noGrad(() => {
      for (const [name, target] of targets) {
        const source = state.get(name);
        if (source === undefined) continue;
        if (assign) takeData(target, source);
        else target.copy_(source);
      }
    });
    for (const [name, module] of extra) if (state.has(name)) module.setExtraState!(state.get(name));
    for (const { module, hooks } of posts)
      for (const { hook } of hooks!.loadPost.entries) {
        const returned: unknown = hook(module, { missingKeys, unexpectedKeys });
        if (returned !== undefined)
          throw new TypeError(`${where}: expected a hook to change the lists of keys and to return nothing`);
      }
    if (mayForgive) refuse(where, [], strict ? { missingKeys, unexpectedKeys } : null);
  };
  if (posts.length > 0) orRestore([...targets.values()], assign, write);
  else write();
  return { missingKeys, unexpectedKeys };
}

/** The parts with hooks of one kind, in the order in which they run. */
function hooked(root: StatePart, kind: "loadPre" | "loadPost"): StatePart[] {
  return flat(root, kind === "loadPost").filter(({ hooks }) => hooks !== null && hooks[kind].entries.length > 0);
}

/** Runs `write`; where it throws, the tensors hold what they held before. */
function orRestore(tensors: readonly Tensor[], assign: boolean, write: () => void): void {
  const before = noGrad(() => tensors.map((tensor) => (assign ? tensor.detach() : tensor.detach().clone())));
  try {
    write();
  } catch (error) {
    noGrad(() => tensors.forEach((tensor, i) => (assign ? takeData(tensor, before[i]!) : tensor.copy_(before[i]!))));
    throw error;
  } finally {
    for (const tensor of before) tensor.dispose();
  }
}

function refuse(where: string, problems: readonly string[], keys: LoadResult | null): void {
  const list = [...problems];
  if (keys !== null) {
    const { missingKeys, unexpectedKeys } = keys;
    if (unexpectedKeys.length > 0) list.unshift(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}.`);
    if (missingKeys.length > 0) list.unshift(`Missing key(s) in state_dict: ${quoted(missingKeys)}.`);
  }
  if (list.length > 0) throw new TorchError(`${where}:\n\t${list.join("\n\t")}`);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** What stands against putting `source` into `target`: nothing, or one sentence. */
function mismatch(name: string, target: Tensor, source: unknown, assign: boolean): string[] {
  if (!(source instanceof Tensor)) {
    const got =
      source === null ? "null" : typeof source === "object" ? (source.constructor?.name ?? "object") : typeof source;
    return [`While copying the parameter named "${name}", expected a Tensor from the checkpoint but received ${got}.`];
  }
  const [given, own] = [source.shape, target.shape];
  if (given.length !== own.length || !given.every((size, d) => size === own[d]))
    return [
      `size mismatch for ${name}: copying a param with shape [${given.join(", ")}] from checkpoint, ` +
        `the shape in current model is [${own.join(", ")}].`,
    ];
  if (assign && target.requiresGrad && !source.isFloatingPoint() && !source.isComplex())
    return [`While assigning the parameter named "${name}", expected floating point numbers, got ${source.dtype}.`];
  return [];
}
