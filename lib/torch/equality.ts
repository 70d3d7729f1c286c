/** Tensors as values: what makes two of them equal for test frameworks, and the text that tells them apart. */
import { createHash } from "node:crypto";
import { noGrad } from "./autograd";
import { isComplex, isFloatingPoint } from "./dtype";
import { formatExactly, hasElements } from "./print";
import { readTypedArray, type TensorData } from "./read";
import { scope } from "./scope";
import type { Tensor } from "./tensor";

/**
 * True for tensors of one dtype, shape and device whose elements are the same: NaN equals NaN, and -0 equals 0. Gradients and
 * their history do not count.
 */
export function tensorsAreEqual(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.isDisposed || b.isDisposed) return false;
  if (a.dtype !== b.dtype || a.device !== b.device || a.shape.join() !== b.shape.join()) return false;
  if (hasElements(a) !== hasElements(b)) return false;
  const [left, right] = [elements(a), elements(b)];
  for (let index = 0; index < left.length; index++) {
    const [one, other] = [left[index], right[index]];
    if (one !== other && !(Number.isNaN(one) && Number.isNaN(other))) return false;
  }
  return true;
}

/** Dtypes that have a -0 beside 0; adding 0 makes them one. */
const SIGNED_ZEROS: ReadonlySet<string> = new Set([
  "float16",
  "bfloat16",
  "float32",
  "float64",
  "complex64",
  "complex128",
]);

/** What prints of a tensor as a value: its text with all digits, without gradients; `tensor(<disposed>)` for one that is gone. */
export function valueText(tensor: Tensor): string {
  if (tensor.isDisposed) return String(tensor);
  const hasSigns = SIGNED_ZEROS.has(tensor.dtype) && hasElements(tensor);
  return quietly(() => formatExactly(hasSigns ? tensor.detach().add(0) : tensor.detach()));
}

/**
 * A text that differs where the values do: {@link valueText} with dtype, shape, device and a digest of the elements.
 *
 * Node's `assert`, chai and Jest compare objects by this tag (`Symbol.toStringTag`) before their own properties, of which tensors
 * have none that tell them apart.
 */
export function valueTag(tensor: Tensor): string {
  if (tensor.isDisposed) return "tensor(<disposed>)";
  return quietly(() => {
    const digest = createHash("sha1").update(bytesOf(tensor)).digest("hex").slice(0, 16);
    return `${valueText(tensor)} ${tensor.dtype} [${tensor.shape.join(", ")}] ${tensor.device} ${digest}`;
  });
}

function quietly<T>(body: () => T): T {
  return scope(() => noGrad(body));
}

/** The elements in row-major order; none on the device "meta". */
function elements(tensor: Tensor): TensorData {
  if (tensor.device === "meta") return new Uint8Array();
  return quietly(() => readTypedArray(hasElements(tensor) ? tensor.detach() : tensor.detach().toDense()));
}

/** The elements' bytes, with one NaN and one 0. */
function bytesOf(tensor: Tensor): Uint8Array {
  const values = elements(tensor);
  if (isFloatingPoint(tensor.dtype) || isComplex(tensor.dtype))
    for (let index = 0; index < values.length; index++) {
      const value = Number(values[index]);
      (values as Float64Array)[index] = Number.isNaN(value) ? NaN : value + 0;
    }
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Tells Jest or Vitest, where one of them runs, how tensors compare. Both keep their testers under this symbol; `addEqualityTesters`
 * adds to the same list.
 */
export function registerEquality(isTensor: (value: unknown) => value is Tensor): void {
  const framework = (globalThis as Record<symbol, unknown>)[Symbol.for("$$jest-matchers-object")];
  const testers = (framework as { customEqualityTesters?: unknown } | undefined)?.customEqualityTesters;
  if (Array.isArray(testers))
    testers.push((a: unknown, b: unknown): boolean | undefined =>
      isTensor(a) && isTensor(b) ? tensorsAreEqual(a, b) : undefined,
    );
}
