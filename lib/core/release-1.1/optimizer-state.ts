import { isFloatEntry, markFloatEntry, Tensor, toMap } from "../../torch";
import { currentKeys, oldKeys } from "./keys";
import { cut, joined } from "./state-dict";

/** A parameter group: `params` holds the indices. */
type Group = Record<string, unknown> & { readonly params: readonly number[] };

/** The file of an optimizer: PyTorch's state, and the parameters' names by index. */
interface OptimizerState {
  readonly state: ReadonlyMap<number, ReadonlyMap<string, unknown>>;
  readonly groups: readonly Group[];
  readonly names: ReadonlyMap<number, string>;
}

/** What stands in the place of a parameter. */
interface Replacement {
  readonly name: string;
  readonly state: ReadonlyMap<string, unknown> | undefined;
}

/**
 * The state of an optimizer of either release as a model with the parameters `target` takes it: the state of a fused weight is cut
 * along dim 0 like the weight, what has another shape (step counts) is copied to each part.
 *
 * @param content `state`, `param_groups` and `param_idx_to_name`; without names it is returned as it is
 */
export function toCurrentOptimizerState(
  content: ReadonlyMap<string, unknown>,
  target: Iterable<string>,
): ReadonlyMap<string, unknown> {
  const old = readOptimizerState(content);
  if (old === null) return content;
  const changes = currentKeys(old.names.values(), new Set(target));
  if ([...changes].every(([key, names]) => names.length === 1 && names[0] === key)) return content;
  return renumbered(content, old, (index) => {
    const names = changes.get(old.names.get(index)!)!;
    const state = old.state.get(index);
    return names.map((name, i) => ({ name, state: state && cutState(state, names.length, i) }));
  });
}

/**
 * The state of an optimizer in the form of release 1.1. A fused weight has the state of its parts one after the other; step counts are
 * those of the first part.
 *
 * @param keys of the model's state dict, in its order
 * @throws ValueError as {@link oldKeys}
 */
export function toRelease11OptimizerState(
  content: ReadonlyMap<string, unknown>,
  keys: readonly string[],
): ReadonlyMap<string, unknown> {
  const now = readOptimizerState(content);
  if (now === null) return content;
  const indices = new Map([...now.names].map(([index, name]) => [name, index]));
  const inOrder = oldKeys(keys);
  const whole = new Map(inOrder.map((old) => [old.parts[0]!, old]));
  const rank = new Map(inOrder.map(({ key }, i) => [key, i]));
  const later = new Set([...whole.values()].flatMap(({ parts }) => parts.slice(1)));
  const replace = (index: number): Replacement[] => {
    const name = now.names.get(index)!;
    if (later.has(name)) return [];
    const { key, parts } = whole.get(name) ?? { key: name, parts: [name] };
    const states = parts.flatMap((part) => now.state.get(indices.get(part) ?? -1) ?? []);
    return [{ name: key, state: states.length === parts.length ? joinedState(states) : states[0] }];
  };
  return renumbered(content, now, replace, (a, b) => (rank.get(a.name) ?? 0) - (rank.get(b.name) ?? 0));
}

function readOptimizerState(content: ReadonlyMap<string, unknown>): OptimizerState | null {
  const names = content.get("param_idx_to_name");
  if (names === undefined || names === null) return null;
  const byIndex = <T>(value: unknown) => new Map([...toMap(value)].map(([key, item]) => [Number(key), item as T]));
  const state = byIndex<unknown>(content.get("state") ?? new Map());
  return {
    state: new Map([...state].map(([index, item]) => [index, toMap(item) as Map<string, unknown>])),
    groups: content.get("param_groups") as Group[],
    names: byIndex<string>(names),
  };
}

/**
 * The file with others in place of each parameter, in its group; indices count through the groups.
 *
 * @param order of the parameters of a group; else they keep their places
 */
function renumbered(
  content: ReadonlyMap<string, unknown>,
  { groups }: OptimizerState,
  replace: (index: number) => Replacement[],
  order: (a: Replacement, b: Replacement) => number = () => 0,
): ReadonlyMap<string, unknown> {
  const state = new Map<number, ReadonlyMap<string, unknown>>();
  const names = new Map<number, string>();
  const param_groups = groups.map((group) => {
    const parameters = [...group.params].flatMap((index) => replace(Number(index))).sort(order);
    const params = parameters.map((parameter) => {
      const position = names.size;
      names.set(position, parameter.name);
      if (parameter.state) state.set(position, parameter.state);
      return position;
    });
    const copy = { ...group, params };
    for (const option of Object.keys(group)) if (isFloatEntry(group, option)) markFloatEntry(copy, option);
    return copy;
  });
  return new Map<string, unknown>([
    ...content,
    ["state", state],
    ["param_groups", param_groups],
    ["param_idx_to_name", names],
  ]);
}

/** The `i`-th of `count` parts of a parameter's state. */
function cutState(state: ReadonlyMap<string, unknown>, count: number, i: number): Map<string, unknown> {
  return new Map(
    [...state].map(([key, value]) => [key, isPerRow(key, value) ? (cut(value, count)?.[i] ?? value) : copied(value)]),
  );
}

function joinedState(states: readonly ReadonlyMap<string, unknown>[]): Map<string, unknown> {
  return new Map(
    [...states[0]!].map(([key, value]) => [
      key,
      isPerRow(key, value) ? joined(states.map((state) => state.get(key) as Tensor)) : value,
    ]),
  );
}

/** Whether a value has a row for each row of the weight; step counts have not. */
function isPerRow(key: string, value: unknown): value is Tensor {
  return value instanceof Tensor && key !== "step" && value.ndim > 0;
}

function copied(value: unknown): unknown {
  return value instanceof Tensor ? value.clone() : value;
}
