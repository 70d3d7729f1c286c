/** Comparing tensors within tolerances, as `torch.testing.assert_close` does. */
import { checkOptions, flag, nonNegative, show, type KindsOf } from "../torch/arguments";
import { noGrad } from "../torch/autograd";
import { asTensor, type TensorLike } from "../torch/creation";
import type { DType } from "../torch/dtype";
import { valueText } from "../torch/equality";
import { hasElements } from "../torch/print";
import { readTypedArray } from "../torch/read";
import { scope } from "../torch/scope";
import { Tensor } from "../torch/tensor";

/** How {@link assertClose} compares. */
export interface CloseOptions {
  /** Largest difference relative to the expected value; with `atol`, else both are {@link defaultTolerances}. */
  readonly rtol?: number;
  /** Largest absolute difference; with `rtol`. */
  readonly atol?: number;
  /** NaN equals NaN (default false). */
  readonly equalNan?: boolean;
  /** The dtypes must agree (default true); otherwise the larger of their tolerances hold. */
  readonly checkDtype?: boolean;
  /** The devices must agree (default true). */
  readonly checkDevice?: boolean;
}

const OPTIONS = {
  rtol: nonNegative,
  atol: nonNegative,
  equalNan: flag,
  checkDtype: flag,
  checkDevice: flag,
} satisfies KindsOf<CloseOptions>;

/** PyTorch's tolerances by dtype; 0 for all others. */
const TOLERANCES: Readonly<Partial<Record<DType, readonly [rtol: number, atol: number]>>> = {
  float16: [1e-3, 1e-5],
  bfloat16: [1.6e-2, 1e-5],
  float32: [1.3e-6, 1e-5],
  float64: [1e-7, 1e-7],
  complex32: [1e-3, 1e-5],
  complex64: [1.3e-6, 1e-5],
  complex128: [1e-7, 1e-7],
};

/** The tolerances of {@link assertClose} for a dtype: those of `torch.testing.assert_close`. */
export function defaultTolerances(dtype: DType): { readonly rtol: number; readonly atol: number } {
  const [rtol, atol] = TOLERANCES[dtype] ?? [0, 0];
  return { rtol, atol };
}

/** The outcome of a comparison, and the words for it. */
export interface Comparison {
  readonly pass: boolean;
  /** Says what differs, or (when it passes) what was compared. */
  readonly message: string;
}

/**
 * Throws unless every element fulfils |actual − expected| ≤ atol + rtol · |expected|, in tensors of one shape, dtype and device.
 *
 * @param expected a tensor, or numbers, nested arrays or a TypedArray, which take the dtype and device of `actual`.
 * @throws Error with the share of elements that differ and the greatest absolute and relative difference with their places.
 * @example
 * assertClose(model.forward(x), expected, { rtol: 1e-4, atol: 1e-6 });
 */
export function assertClose(actual: Tensor, expected: Tensor | TensorLike, options: CloseOptions = {}): void {
  const { pass, message } = compareClose("assertClose", actual, expected, options);
  if (!pass) throw new Error(message);
}

/** @internal {@link assertClose} with its outcome as a value. */
export function compareClose(
  where: string,
  actual: unknown,
  expected: unknown,
  options: CloseOptions = {},
): Comparison {
  checkOptions(where, options, OPTIONS);
  if ((options.rtol === undefined) !== (options.atol === undefined))
    throw new TypeError(`${where}: expected both rtol and atol, or neither, got ${show(options)}`);
  if (!(actual instanceof Tensor)) throw new TypeError(`${where}: expected a tensor to compare, got ${show(actual)}`);
  return scope(() => noGrad(() => compare(actual, expected as Tensor | TensorLike, options)));
}

function compare(actual: Tensor, given: Tensor | TensorLike, options: CloseOptions): Comparison {
  if (actual.isDisposed || (given instanceof Tensor && given.isDisposed))
    return { pass: false, message: `expected live tensors, got ${[actual, given].map(String).join(" and ")}` };
  const expected = given instanceof Tensor ? given : asTensor(given, { dtype: actual.dtype, device: actual.device });
  const attributes = differingAttributes(actual, expected, options);
  if (attributes !== undefined) return { pass: false, message: attributes };
  const defaults = [actual.dtype, expected.dtype].map(defaultTolerances);
  const rtol = options.rtol ?? Math.max(...defaults.map((each) => each.rtol));
  const atol = options.atol ?? Math.max(...defaults.map((each) => each.atol));
  const differences = measure(actual, expected, rtol, atol, options.equalNan ?? false);
  if (differences.count === 0)
    return { pass: true, message: `expected tensors that differ, got two that are close (rtol ${rtol}, atol ${atol})` };
  return { pass: false, message: describe(actual, expected, differences, rtol, atol) };
}

/** What makes a comparison of the elements pointless. */
function differingAttributes(actual: Tensor, expected: Tensor, options: CloseOptions): string | undefined {
  const rows: [string, string, string, boolean][] = [
    ["shape", `[${expected.shape.join(", ")}]`, `[${actual.shape.join(", ")}]`, true],
    ["dtype", expected.dtype, actual.dtype, options.checkDtype ?? true],
    ["device", expected.device, actual.device, options.checkDevice ?? true],
  ];
  const row = rows.find(([, wanted, got, matters]) => matters && wanted !== got);
  return row && `expected a tensor of ${row[0]} ${row[1]}, got ${row[0]} ${row[2]}`;
}

interface Place {
  readonly value: number;
  readonly index: number;
}

interface Differences {
  /** Elements that are not close. */
  readonly count: number;
  readonly absolute: Place;
  readonly relative: Place;
}

function measure(actual: Tensor, expected: Tensor, rtol: number, atol: number, equalNan: boolean): Differences {
  const [left, right] = [components(actual), components(expected)];
  let count = 0;
  let absolute: Place = { value: -1, index: 0 };
  let relative: Place = { value: -1, index: 0 };
  for (let index = 0; index < left.length; index++) {
    const [a, b] = [left[index]!, right[index]!];
    if (isSame(a, b, equalNan)) continue;
    const difference = distance(a, b);
    const size = distance(b, ZERO);
    if (difference <= atol + rtol * size && Number.isFinite(difference)) continue;
    count++;
    if (!(difference <= absolute.value)) absolute = { value: difference, index };
    if (!(difference / size <= relative.value)) relative = { value: difference / size, index };
  }
  return { count, absolute, relative };
}

/** Real and imaginary part. */
type Component = readonly [re: number | bigint, im: number];
const ZERO: Component = [0, 0];

function components(tensor: Tensor): Component[] {
  const dense = hasElements(tensor) ? tensor.detach() : tensor.detach().toDense();
  const data = readTypedArray(dense) as ArrayLike<number | bigint>;
  if (!tensor.dtype.startsWith("complex")) return Array.from(data, (value): Component => [value, 0]);
  return Array.from({ length: data.length / 2 }, (_, i): Component => [data[2 * i]!, Number(data[2 * i + 1])]);
}

function isSame(a: Component, b: Component, equalNan: boolean): boolean {
  return a.every((part, at) => part === b[at] || (equalNan && Number.isNaN(part) && Number.isNaN(b[at])));
}

function distance(a: Component, b: Component): number {
  const re = typeof a[0] === "bigint" && typeof b[0] === "bigint" ? Number(a[0] - b[0]) : Number(a[0]) - Number(b[0]);
  return a[1] === 0 && b[1] === 0 ? Math.abs(re) : Math.hypot(re, a[1] - b[1]);
}

function describe(actual: Tensor, expected: Tensor, found: Differences, rtol: number, atol: number): string {
  const total = actual.numel();
  const at = (index: number): string => (actual.ndim === 0 ? "" : ` at [${unravel(index, actual.shape).join(", ")}]`);
  return [
    "expected tensors that are close, got differences:",
    `  mismatched elements: ${found.count} of ${total} (${((100 * found.count) / total).toFixed(1)} %)`,
    `  greatest absolute difference: ${found.absolute.value}${at(found.absolute.index)} (up to ${atol} allowed)`,
    `  greatest relative difference: ${found.relative.value}${at(found.relative.index)} (up to ${rtol} allowed)`,
    `expected: ${valueText(expected)}`,
    `     got: ${valueText(actual)}`,
  ].join("\n");
}

function unravel(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return [...shape]
    .reverse()
    .map((length) => {
      const at = rest % length;
      rest = Math.floor(rest / length);
      return at;
    })
    .reverse();
}
