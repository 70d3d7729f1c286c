/** Compares a result with PyTorch's: dtype, shape, then every element. */
import { fromBytes, Tensor, viewAsReal } from "../../lib/torch";
import { fromRecorded, type RecordedOutput, type RecordedResult, type SampleBytes } from "./trace";

/** Relative to the element, and relative to the largest element: what another order of summation and other vector widths may change. */
const TOLERANCE: Readonly<Record<string, readonly [number, number]>> = {
  float32: [1e-5, 1e-6],
  complex64: [1e-5, 1e-6],
  float64: [1e-9, 1e-11],
  complex128: [1e-9, 1e-11],
  float16: [2e-3, 1e-3],
  bfloat16: [1.6e-2, 8e-3],
};

/** Elements as numbers: two each where they are complex. */
function numbers(tensor: Tensor): Float64Array {
  const flat = tensor.detach().resolveConj().resolveNeg().reshape([-1]);
  const real = flat.isComplex() ? viewAsReal(flat.to("complex128")).reshape([-1]) : flat.to("float64");
  return real.dataSync() as Float64Array;
}

/** What differs, or null. Tensors of `uninitialized` functions only have to have the dtype and shape. */
export function difference(
  got: unknown,
  wanted: RecordedOutput,
  bytes: SampleBytes,
  tensors: Tensor[],
  uninitialized = false,
): string | null {
  if ("dtype" in wanted) {
    if (!(got instanceof Tensor)) return `a tensor was expected, got ${describe(got)}`;
    if (wanted.reference !== undefined) tensors[wanted.reference] = got;
    return tensorDifference(got, wanted, bytes, uninitialized);
  }
  if ("list" in wanted) {
    if (!Array.isArray(got)) return `an array of ${wanted.list.length} was expected, got ${describe(got)}`;
    if (got.length !== wanted.list.length) return `an array of ${wanted.list.length} was expected, got ${got.length}`;
    for (const [index, each] of wanted.list.entries()) {
      const found = difference(got[index], each, bytes, tensors, uninitialized);
      if (found !== null) return `[${index}]: ${found}`;
    }
    return null;
  }
  const value = fromRecorded(wanted.value, tensors);
  if (value === null) return null; // Python's None: nothing is returned
  if (typeof value === "number" && typeof got === "number") {
    return Object.is(got, value) || Math.abs(got - value) <= 1e-6 * Math.abs(value)
      ? null
      : `got ${got}, expected ${value}`;
  }
  const text = (each: unknown) => JSON.stringify(each, (_, part) => (typeof part === "bigint" ? Number(part) : part));
  return text(got) === text(value) ? null : `got ${text(got)}, expected ${text(value)}`;
}

function tensorDifference(got: Tensor, wanted: RecordedResult, bytes: SampleBytes, uninitialized: boolean) {
  if (got.dtype !== wanted.dtype || got.shape.join() !== wanted.shape.join()) {
    return `got ${got.dtype} (${got.shape.join(", ")}), expected ${wanted.dtype} (${wanted.shape.join(", ")})`;
  }
  if (uninitialized) return null;
  const expectedBytes = bytes.get(wanted);
  if (Buffer.compare(got.bytes(), expectedBytes) === 0) return null;
  const expected = fromBytes(expectedBytes, wanted.shape, wanted.dtype);
  const [a, b] = [numbers(got), numbers(expected)];
  const [relative, ofLargest] = TOLERANCE[wanted.dtype] ?? [0, 0];
  const largest = b.reduce((most, each) => (Number.isFinite(each) ? Math.max(most, Math.abs(each)) : most), 1);
  const at = a.findIndex((x, index) => {
    const y = b[index]!;
    return !(
      Object.is(x, y) ||
      x === y ||
      Math.abs(x - y) <= relative * Math.abs(y) + ofLargest * largest ||
      (Number.isNaN(x) && Number.isNaN(y))
    );
  });
  return at < 0 ? null : `element ${at} of ${a.length}: got ${a[at]}, expected ${b[at]}`;
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return "a tensor";
  return Array.isArray(value) ? `an array of ${value.length}` : value === null ? "null" : typeof value;
}
