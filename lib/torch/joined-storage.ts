/** Several parameters that lie one after the other in one storage, so that an operator can read them as one tensor without a copy. */
import { noGrad } from "./autograd";
import { native } from "./addon";
import { asStrided, cat } from "./operators.generated";
import { scope } from "./scope";
import type { Tensor } from "./tensor";

/**
 * Moves the data of `tensors` (equal shapes but for the first dimension, equal dtype and device) into one storage, one after the other.
 * They stay the same objects with the same values, so that optimizers and state dicts notice nothing. What later replaces the data of
 * one of them, as `Module.to` does, takes it out of the storage.
 */
export function joinStorage(tensors: readonly Tensor[]): void {
  scope(() =>
    noGrad(() => {
      const joined = cat([...tensors], 0);
      let start = 0;
      for (const tensor of tensors) {
        tensor.setData(joined.narrow(0, start, tensor.size(0)));
        start += tensor.size(0);
      }
    }),
  );
}

/**
 * The tensor over all of `tensors`, a view of their storage, if they lie there one after the other; else null.
 *
 * Gradients of the view would not reach the tensors: it is meant for when none are recorded.
 */
export function joinedView(tensors: readonly Tensor[]): Tensor | null {
  const [first] = tensors as [Tensor];
  const storage = native.storageId(first.handle);
  const [, ...inner] = first.shape;
  const start = first.storageOffset();
  let [end, rows] = [start, 0];
  for (const tensor of tensors) {
    const [size, ...rest] = tensor.shape as [number, ...number[]];
    const follows = native.storageId(tensor.handle) === storage && tensor.storageOffset() === end;
    if (!follows || tensor.dtype !== first.dtype || !tensor.isContiguous() || rest.join() !== inner.join()) return null;
    rows += size;
    end += tensor.numel();
  }
  return asStrided(first, [rows, ...inner], first.stride() as number[], start);
}
