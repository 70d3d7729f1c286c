import { ValueError } from "../../config/python-errors";
import type { NdArray, TypedArray } from "../../data";
import { scope, Tensor, tensor, type TensorLike } from "../../torch";
import type { Precision } from "../predict/run-fields";
import type { CaseInputs, InputValue } from "../predict/inputs";

/** Inputs as numbers with their shapes, which can go to another thread. */
export function plainInputs(inputs: CaseInputs, dtype: Precision = "float32"): Record<string, NdArray> {
  return scope(() =>
    Object.fromEntries(
      Object.entries(inputs)
        .filter(([, value]) => value !== undefined && value !== null)
        .map(([name, value]) => [name, plain(name, value, dtype)]),
    ),
  );
}

function plain(name: string, value: InputValue, dtype: Precision): NdArray {
  // a copy of a view would take all that its buffer holds along
  if (ArrayBuffer.isView(value)) {
    const values = value as TypedArray;
    return { values: values.byteLength === values.buffer.byteLength ? values : values.slice(), shape: [values.length] };
  }
  if (!(value instanceof Tensor) && typeof value === "object" && "shape" in value) return value as NdArray;
  try {
    const given = value instanceof Tensor ? value.detach() : tensor(value as TensorLike, { dtype });
    const numbers = given.to({ dtype, device: "cpu" }).contiguous();
    return { values: numbers.dataSync() as Float32Array | Float64Array, shape: numbers.shape };
  } catch (error) {
    throw new ValueError(`input "${name}": expected numbers, got ${(error as Error).message}`, { cause: error });
  }
}
