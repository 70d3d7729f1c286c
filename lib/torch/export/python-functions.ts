/** Functions of Python that exported programs call with sizes: arithmetic of symbols. */
import { TorchError } from "../errors";

type Value = number | bigint | boolean;
/** A function of numbers. */
export type PythonFunction = (...values: unknown[]) => unknown;

const isWhole = (value: unknown): boolean => typeof value === "bigint" || Number.isInteger(value);

/** As exact as Python: whole numbers that leave the exact range of numbers go on as bigints. */
function arithmetic(
  small: (a: number, b: number) => number,
  wide: (a: bigint, b: bigint) => bigint,
): (a: Value, b: Value) => number | bigint {
  return (a, b) => {
    const result = small(Number(a), Number(b));
    if (Number.isSafeInteger(result) || !isWhole(a) || !isWhole(b)) return result;
    const exact = wide(BigInt(a), BigInt(b));
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  };
}

function divisor(b: Value): number {
  const value = Number(b);
  if (value === 0) throw new TorchError("division by zero");
  return value;
}

const compare =
  (test: (a: number, b: number) => boolean) =>
  (a: Value, b: Value): boolean =>
    test(Number(a), Number(b));

const FUNCTIONS: Readonly<Record<string, (a: Value, b: Value) => unknown>> = {
  add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  // Python rounds down, and its remainder has the sign of the divisor
  floordiv: (a, b) => Math.floor(Number(a) / divisor(b)),
  mod: (a, b) => Number(a) - divisor(b) * Math.floor(Number(a) / Number(b)),
  truediv: (a, b) => Number(a) / divisor(b),
  pow: (a, b) => Number(a) ** Number(b),
  eq: compare((a, b) => a === b),
  ne: compare((a, b) => a !== b),
  lt: compare((a, b) => a < b),
  le: compare((a, b) => a <= b),
  gt: compare((a, b) => a > b),
  ge: compare((a, b) => a >= b),
  and_: (a, b) => (typeof a === "boolean" ? a && Boolean(b) : Number(a) & Number(b)),
  or_: (a, b) => (typeof a === "boolean" ? a || Boolean(b) : Number(a) | Number(b)),
  neg: (a) => (typeof a === "bigint" ? -a : -Number(a)),
  not_: (a) => !a,
};

/** To the nearest; halves to the even one. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

const BY_NAME: Readonly<Record<string, (a: Value, b: Value) => unknown>> = {
  ...Object.fromEntries(Object.entries(FUNCTIONS).map(([name, run]) => [`_operator.${name}`, run])),
  "math.ceil": (a) => Math.ceil(Number(a)),
  "math.floor": (a) => Math.floor(Number(a)),
  "math.trunc": (a) => Math.trunc(Number(a)),
  "math.sqrt": (a) => Math.sqrt(Number(a)),
  round: (a) => roundHalfEven(Number(a)),
  "torch.sym_int": (a) => Math.trunc(Number(a)),
  "torch.sym_float": (a) => Number(a),
  "torch.sym_max": (a, b) => (Number(a) >= Number(b) ? a : b),
  "torch.sym_min": (a, b) => (Number(a) <= Number(b) ? a : b),
  "torch.sym_not": (a) => !a,
  "torch._sym_sqrt": (a) => Math.sqrt(Number(a)),
};

/** The function of a name in a program; null for another one. */
export function findFunction(target: string): PythonFunction | null {
  const name = target.replace(/^torch\.sym_(int|float|max|min|not)$/, "torch.sym_$1");
  if (!Object.hasOwn(BY_NAME, name)) return null;
  const run = BY_NAME[name]!;
  return (...values) => {
    const numbers = values.flat() as Value[];
    for (const value of numbers)
      if (!["number", "bigint", "boolean"].includes(typeof value))
        throw new TorchError(`expected numbers, got ${typeof value}`);
    return run(numbers[0]!, numbers[1]!);
  };
}
