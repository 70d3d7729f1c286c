/** How a call of Python's torch is written here: the rules of docs/torch/spelling.md, applied to recorded calls. */
import * as torch from "../../lib/torch";
import { Tensor } from "../../lib/torch";
import { camelCase } from "../../lib/torch/schema";

type Options = Record<string, unknown>;
type Callable = (...args: unknown[]) => unknown;
export type Spelled = (args: unknown[], options: Options) => unknown;

/** Python's operators, by the methods that stand for them. */
const OPERATORS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["add", "sub", "mul", "matmul", "pow", "eq", "ne", "lt", "le", "gt", "ge", "neg", "abs"].map((name) => [
      `__${name}__`,
      name,
    ]),
  ),
  ...{ __radd__: "add", __rmul__: "mul", __iadd__: "add_", __isub__: "sub_", __imul__: "mul_" },
  ...{ __truediv__: "div", __div__: "div", __itruediv__: "div_", __floordiv__: "floor_divide", __ipow__: "pow_" },
  ...{ __mod__: "remainder", __imod__: "remainder_", __invert__: "bitwise_not", __pos__: "positive" },
  ...Object.fromEntries(
    ["and", "or", "xor", "lshift", "rshift"].flatMap((name) => {
      const word = name === "lshift" ? "left_shift" : name === "rshift" ? "right_shift" : name;
      return [
        [`__${name}__`, `bitwise_${word}`],
        [`__r${name}__`, `bitwise_${word}`],
        [`__i${name}__`, `bitwise_${word}_`],
      ];
    }),
  ),
};

/** Functions whose sizes Python also takes one by one: one array here. */
const SIZES = new Set(
  "view reshape permute expand repeat tile flip new_empty new_zeros new_ones resize_ sum_to_size zeros ones empty rand randn".split(
    " ",
  ),
);
/** Functions whose tensors Python also takes one by one: one array here. */
const TENSORS = new Set("meshgrid block_diag atleast_1d atleast_2d atleast_3d chain_matmul align_tensors".split(" "));
/** Functions of numbers without a dtype: Python's integers are bigints here. */
const NUMBERS = new Set("arange full full_like tensor scalar_tensor range".split(" "));

const withOptions = (args: readonly unknown[], options: Options) =>
  Object.keys(options).length === 0 ? args : [...args, options];
/** Python's `out=None` is no `out`. */
const named = (options: Options) =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([key, value]) => key !== "out" || value !== null)
      .map(([key, value]) => [camelCase(key), value]),
  );

function inOneArray(name: string, args: unknown[]): unknown[] {
  if (SIZES.has(name) && args.length > 0 && args.every((each) => typeof each === "number")) return [args];
  return args;
}

/** Python's `unique` returns as much as was asked for; here it is the operator's three results. */
function ofUnique(results: unknown, options: Options): unknown {
  const [values, inverse, counts] = results as Tensor[];
  const asked = [values, ...(options.returnInverse ? [inverse] : []), ...(options.returnCounts ? [counts] : [])];
  return asked.length === 1 ? values : asked;
}

/** Our function for a recorded name, or null where there is none. */
export function spell(name: string, parameters: readonly string[] | undefined): Spelled | null {
  const path = name.split(".");
  const last = path.at(-1)!;
  if (path[0] === "Tensor") return path[2] === "__get__" ? spellProperty(path[1]!) : spellMethod(last);
  if (path[0] === "ops")
    return (args, options) => torch.ops.call(name.slice("ops.".length), ...withOptions(args, named(options)));
  // where a flag chooses between two functions, the recording names the chosen one
  if (path[0] === "nn" && last.endsWith("_with_indices")) return spell(name.replace("_with_indices", ""), parameters);
  const room = roomOf(path.slice(0, -1).join("."));
  const found = room?.[camelCase(last)];
  if (typeof found !== "function") return null;
  const callable = found as Callable;
  if (last === "unique" || last === "unique_consecutive") {
    return (args, options) => {
      const all = named({ ...options, ...byName(args.slice(1), parameters?.slice(1) ?? []) });
      return ofUnique(callable(...withOptions(args.slice(0, 1), all)), all);
    };
  }
  return (args, options) => {
    let given = inOneArray(last, args);
    if (TENSORS.has(last) && given[0] instanceof Tensor && !(last.startsWith("atleast") && given.length === 1))
      given = [given];
    if (NUMBERS.has(last) && !options.dtype)
      given = given.map((each) =>
        typeof each === "number" && Number.isInteger(each) && last !== "range" ? BigInt(each) : each,
      );
    if (room !== torch.nn.functional || parameters === undefined)
      return callable(...withOptions(given, named(options)));
    return functional(callable, given, options, parameters);
  };
}

function roomOf(path: string): Readonly<Record<string, unknown>> | undefined {
  const rooms: Record<string, unknown> = {
    "": torch,
    "nn.functional": torch.nn.functional,
    linalg: torch.linalg,
    fft: torch.fft,
    special: torch.special,
  };
  return rooms[path] as Readonly<Record<string, unknown>> | undefined;
}

const byName = (args: readonly unknown[], names: readonly string[]): Options =>
  Object.fromEntries(args.map((value, index) => [names[index]!, value]));

/** `nn.functional`: what has a default is by name here. The call with most arguments by position that is taken is the one that is meant. */
function functional(callable: Callable, args: unknown[], options: Options, parameters: readonly string[]): unknown {
  let refused: unknown;
  for (let positions = args.length; positions >= Math.min(1, args.length); positions--) {
    const rest = byName(args.slice(positions), parameters.slice(positions));
    try {
      return callable(...withOptions(args.slice(0, positions), named({ ...rest, ...options })));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      refused ??= error;
    }
  }
  throw refused;
}

function spellProperty(name: string): Spelled | null {
  if (!(name in Tensor.prototype)) return null;
  return ([x]) => (x as Readonly<Record<string, unknown>>)[name];
}

function spellMethod(python: string): Spelled | null {
  if (python === "__getitem__")
    return ([x, index]) => (x as Tensor).index(...((Array.isArray(index) ? index : [index]) as torch.TensorIndex[]));
  if (python === "__setitem__")
    return ([x, index, value]) => {
      (x as Tensor).indexPut_((Array.isArray(index) ? index : [index]) as torch.TensorIndex[], value as Tensor);
    };
  if (python === "__rsub__") return ([x, y]) => torch.rsub(x as Tensor, y as Tensor);
  if (python === "__rmatmul__") return ([x, y]) => (y as Tensor).matmul(x as Tensor);
  if (python === "__rpow__") return ([x, y]) => torch.pow(y as Tensor, x as Tensor);
  if (python === "__rmod__") return ([x, y]) => torch.remainder(y as Tensor, x as Tensor);
  if (python === "__rdiv__" || python === "__rtruediv__")
    return ([x, y]) => (x as Tensor).reciprocal().mul(y as Tensor);
  const name = OPERATORS[python] ?? python;
  const key = camelCase(name);
  if (!(key in Tensor.prototype)) return null;
  return ([x, ...args], options) => {
    if (!(x instanceof Tensor)) throw new TypeError(`${python}: the first argument is no tensor`);
    const method = (x as unknown as Readonly<Record<string, unknown>>)[key];
    if (typeof method !== "function") return method; // a property here
    const result = method.call(x, ...withOptions(inOneArray(name, args), named(options))) as unknown;
    return name === "unique" || name === "unique_consecutive" ? ofUnique(result, named(options)) : result;
  };
}
