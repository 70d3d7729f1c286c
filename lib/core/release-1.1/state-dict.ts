import { cat, type nn, scope, type Tensor } from "../../torch";
import { isPlainObject } from "../../torch/arguments";
import { OrderedDict } from "../../torch/serialization/python-values";
import { currentKeys, oldKeys } from "./keys";

/** Weights by state-dict key, in order. */
type State = ReadonlyMap<string, Tensor>;

/**
 * Weights of either release as a model with the keys `target` takes them; the tensors are views of the given ones.
 *
 * Keys that already are in the form of the model win over those that would become them.
 */
export function toCurrentState(state: State, target: Iterable<string>): Map<string, Tensor> {
  const current = new Map<string, Tensor>();
  for (const [key, names] of currentKeys(state.keys(), new Set(target))) {
    const parts = cut(state.get(key)!, names.length);
    if (parts === null) current.set(key, state.get(key)!);
    else names.forEach((name, i) => (name === key || !state.has(name)) && current.set(name, parts[i]!));
  }
  return current;
}

/** For `loadStateDict` of a module: hands weights of either release to `load` as the module takes them. */
export function loadEitherRelease(
  module: nn.Module,
  state: nn.StateDict,
  load: (state: nn.StateDict) => nn.LoadResult,
): nn.LoadResult {
  if (!(state instanceof Map) && !isPlainObject(state)) return load(state); // says what is wrong
  const given: State = state instanceof Map ? (state as State) : new Map(Object.entries(state));
  return scope(() => load(toCurrentState(given, module.stateDict().keys())));
}

/** Equal parts along dim 0; null if it cannot be cut. */
export function cut(tensor: Tensor, count: number): Tensor[] | null {
  if (count <= 1) return [tensor];
  const rows = tensor.ndim > 0 ? tensor.size(0) : 1;
  return rows % count === 0 ? tensor.split(rows / count, 0) : null;
}

/**
 * Weights in the form of release 1.1, keys in its order.
 *
 * @param state in the order of the model: it tells perceivers from other attentions
 * @throws ValueError as {@link oldKeys}
 */
export function toRelease11State(state: State): OrderedDict<string, Tensor> {
  const old = new OrderedDict<string, Tensor>();
  for (const { key, parts } of oldKeys([...state.keys()])) old.set(key, joined(parts.map((part) => state.get(part)!)));
  const metadata = state instanceof OrderedDict ? (state.attributes["_metadata"] as Metadata | undefined) : undefined;
  if (metadata !== undefined) old.attributes["_metadata"] = versions(old.keys(), metadata);
  return old;
}

/** Versions of modules by their path, as PyTorch stores them with a state dict. */
type Metadata = ReadonlyMap<string, { readonly version?: number }>;

/** The versions of all modules with keys; those of 1.1 alone are of the first. */
function versions(keys: Iterable<string>, metadata: Metadata): OrderedDict<string, { version?: number }> {
  const found = new OrderedDict<string, { version?: number }>();
  for (const key of keys) {
    const path = key.split(".");
    for (let depth = 0; depth < path.length; depth++) {
      const module = path.slice(0, depth).join(".");
      found.set(module, metadata.get(module) ?? { version: 1 });
    }
  }
  return found;
}

/** Rows one after the other. */
export function joined(parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? parts[0]! : cat([...parts], 0);
}
