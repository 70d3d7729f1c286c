import { Tensor, tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { shapeOf } from "./normalizers/tensor-value";

/** A tensor as it is; numbers and (nested) lists of numbers as a float32 tensor. */
export function toTensor(value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  if (typeof value !== "number" && !Array.isArray(value))
    throw new TypeError(
      `expected a tensor, a number or a list of numbers, received ${value === null ? "null" : typeof value}`,
    );
  if (!shapeOf(value)) throw new ValueError("expected a rectangular list of numbers, received a ragged one");
  return tensor(value as number[], { dtype: "float32" });
}
