/** PyTorch's text of a tensor. */
import { readValues } from "./read";
import type { Tensor } from "./tensor";

/** @internal */
export function formatTensor(tensor: Tensor): string {
  return `tensor(${JSON.stringify(readValues(tensor))}, dtype=${tensor.dtype})`;
}
