/** Optimizer state between our form (options camelCase, state by parameter) and PyTorch's file layout. */
import { types } from "node:util";
import { TorchError } from "../errors";
import { toCamelCase, toSnakeCase } from "../nn/naming";
import {
  Float,
  copyValue,
  isFloatEntry,
  looksLikeInt,
  markFloatEntry,
  tupleFrom,
} from "../serialization/python-values";
import { tensor } from "../creation";
import { Tensor } from "../tensor";
import type { ParamGroup, ParamState } from "./optimizer";
import { stepsOnDevice } from "./step";

/** What `stateDict()` returns and `torch.save` stores. */
export interface OptimizerStateDict {
  /** State by the parameter's index, in the order of first use. */
  state: Map<number, ParamState>;
  /** Options by PyTorch's names, then `params`: the indices of the group's parameters. */
  param_groups: Record<string, unknown>[];
}

/** Options that are floats in Python, also when their value is integral, and tuples of them. */
const FLOAT_OPTIONS: ReadonlySet<string> = new Set([
  "lr",
  "weightDecay",
  "betas",
  "eps",
  "momentum",
  "momentumDecay",
  "dampening",
  "alpha",
  "rho",
  "lrDecay",
  "initialAccumulatorValue",
  "lambd",
  "t0",
  "etas",
  "stepSizes",
  "beta2Decay",
  "d",
  "nsCoefficients",
]);

/** Per group or tuple: the float options that Python has as an int (`weight_decay=0`), with the value that is one. */
const integers = new WeakMap<object, Map<unknown, number>>();

/** Notes that an option, or an entry of one, is an `int` in Python as long as it has this value. */
export function markInteger(container: object, key: unknown, value: number): void {
  const known = integers.get(container) ?? new Map<unknown, number>();
  integers.set(container, known.set(key, value));
}

/** Marks a number that Python has as a float, wherever it goes from here to a file. */
function markNumber(container: object, key: unknown, value: unknown, from: object, option: unknown): void {
  if (typeof value !== "number") return;
  const isInteger = integers.get(from)?.get(option) === value;
  if (isInteger) markInteger(container, key, value);
  else markFloatEntry(container, key);
}

/** An option as it is written. */
function packOption(packed: object, key: string, group: object, option: string): unknown {
  const value = (group as Record<string, unknown>)[option];
  if (!FLOAT_OPTIONS.has(option)) {
    if (isFloatEntry(group, option)) markFloatEntry(packed, key);
    return copyValue(value);
  }
  if (!Array.isArray(value)) {
    markNumber(packed, key, value, group, option);
    return value;
  }
  const tuple = tupleFrom(value as unknown[]);
  for (const [i, entry] of tuple.entries()) markNumber(tuple, i, entry, value, i);
  return tuple;
}

/** A loaded option; what Python had as an int stays one. */
function unpackOption(
  group: Record<string, unknown>,
  option: string,
  loaded: unknown,
  value: unknown,
  key: string,
): void {
  if (value instanceof Float) {
    group[option] = value.value;
    markFloatEntry(group, option);
    return;
  }
  group[option] = copyValue(value);
  const isFloat = isContainer(loaded) && isFloatEntry(loaded, key);
  if (isFloat) markFloatEntry(group, option);
  if (!FLOAT_OPTIONS.has(option)) return;
  if (typeof value === "number" && looksLikeInt(value) && !isFloat) markInteger(group, option, value);
  if (!Array.isArray(value)) return;
  const own = group[option] as unknown[];
  for (const [i, entry] of (value as unknown[]).entries()) {
    if (entry instanceof Float) own[i] = entry.value;
    else if (typeof entry === "number" && looksLikeInt(entry) && !isFloatEntry(value, i)) markInteger(own, i, entry);
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Numbers the parameters through all groups and packs options and state. */
export function writeStateDict(
  groups: readonly ParamGroup[],
  state: ReadonlyMap<Tensor, ParamState>,
): OptimizerStateDict {
  const indices = new Map<Tensor, number>();
  const groupOf = new Map<Tensor, ParamGroup>();
  const paramGroups = groups.map((group) => {
    const packed: Record<string, unknown> = {};
    for (const option of Object.keys(group)) {
      const key = toSnakeCase(option);
      if (option !== "params") packed[key] = packOption(packed, key, group, option);
    }
    packed.params = group.params.map((param) => {
      const index = indices.size;
      indices.set(param, index);
      groupOf.set(param, group);
      return index;
    });
    return packed;
  });
  const packedState = new Map<number, ParamState>();
  for (const [param, values] of state) {
    const index = indices.get(param);
    // SGD without momentum has nothing to remember: PyTorch writes no entry then.
    if (index === undefined || Object.keys(values).length === 0) continue;
    const packed = copyValue(values) as ParamState;
    // where PyTorch's optimizer with these options expects it
    if (packed.step instanceof Tensor && !stepsOnDevice(groupOf.get(param)!)) packed.step = packed.step.to("cpu");
    packedState.set(index, packed);
  }
  return { state: packedState, param_groups: paramGroups };
}

/** Groups and state that a state dict means for the given parameters; nothing is changed yet. */
export function readStateDict(
  optimizer: string,
  stateDict: unknown,
  current: readonly ParamGroup[],
  defaults: object,
  keepsStepOnDevice: (param: Tensor, group: ParamGroup) => boolean = (_param, group) => stepsOnDevice(group),
): { groups: ParamGroup[]; state: Map<Tensor, ParamState> } {
  const top = fields(stateDict);
  const loadedGroups = top?.get("param_groups");
  const loadedState = fields(top?.get("state"));
  if (!Array.isArray(loadedGroups) || loadedState === null) {
    throw new TorchError(
      `${optimizer}.loadStateDict: expected an object with "state" and "param_groups", got ${top === null ? typeof stateDict : `the keys ${[...top.keys()].join(", ")}`}`,
    );
  }
  if (loadedGroups.length !== current.length) {
    throw new TorchError(
      `${optimizer}.loadStateDict: expected ${current.length} parameter groups, got ${loadedGroups.length}`,
    );
  }

  const params = new Map<string, { param: Tensor; group: ParamGroup }>();
  const groups = loadedGroups.map((loaded: unknown, g): ParamGroup => {
    const own = current[g] as ParamGroup;
    const options = fields(loaded);
    const indices = options?.get("params");
    if (options === null || !Array.isArray(indices) || indices.length !== own.params.length) {
      const got = Array.isArray(indices) ? `${indices.length}` : "none";
      throw new TorchError(
        `${optimizer}.loadStateDict: expected ${own.params.length} parameters in group ${g}, got ${got}`,
      );
    }
    const group: Record<string, unknown> = {};
    for (const [option, value] of options) {
      if (option !== "params") unpackOption(group, toCamelCase(option), loaded, value, option);
    }
    for (const [option, value] of Object.entries(defaults)) {
      if (!(option in group)) group[option] = value;
    }
    group.params = own.params;
    for (const [i, index] of indices.entries())
      params.set(String(index), { param: own.params[i] as Tensor, group: group as ParamGroup });
    return group as ParamGroup;
  });

  const state = new Map<Tensor, ParamState>();
  for (const [index, values] of loadedState) {
    const owner = params.get(index);
    const loaded = fields(values);
    if (owner === undefined || loaded === null) continue;
    const own: ParamState = {};
    for (const [name, value] of loaded) {
      own[name] = fit(name, value, owner.param, keepsStepOnDevice(owner.param, owner.group));
      if (isContainer(values) && isFloatEntry(values, name)) markFloatEntry(own, name);
    }
    state.set(owner.param, own);
  }
  return { groups, state };
}

/** A loaded value as it belongs to `param`: PyTorch's rules for dtype and device. */
function fit(name: string, value: unknown, param: Tensor, onDevice: boolean): unknown {
  if (name === "step") {
    const step = value instanceof Tensor ? value : tensor(Number(value), { dtype: "float32" });
    return step.to({ dtype: "float32", device: onDevice ? param.device : "cpu", copy: true });
  }
  if (value instanceof Tensor) {
    return value.to({ dtype: param.isFloatingPoint() ? param.dtype : value.dtype, device: param.device, copy: true });
  }
  if (Array.isArray(value) && value.some((entry) => entry instanceof Tensor))
    return value.map((entry) => fit(name, entry, param, onDevice));
  return copyValue(value);
}

/** Entries of a Map or a plain object, keys as strings; null for anything else. */
function fields(value: unknown): Map<string, unknown> | null {
  if (types.isMap(value)) return new Map([...value].map(([key, entry]) => [String(key), entry]));
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Tensor))
    return new Map(Object.entries(value));
  return null;
}
