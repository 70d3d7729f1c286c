/** Several parameters that lie one after the other in one storage, so that an operator can read them as one tensor without a copy. */
import { noGrad } from "./autograd";
import { native } from "./addon";
import { asStrided, cat } from "./operators.generated";
import { keep, scope } from "./scope";
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

/** A view that was found, and what the tensors were then: their shapes are other objects once their data was replaced or written. */
interface Found {
  readonly view: Tensor;
  readonly shapes: readonly (readonly number[])[];
}

const found = new WeakMap<Tensor, Found>();

/**
 * The tensor over all of `tensors`, a view of their storage, if they lie there one after the other; else null.
 *
 * Gradients of the view would not reach the tensors: it is meant for when none are recorded. It is remembered with the first of the
 * tensors, as every forward of an attention asks for it.
 */
export function joinedView(tensors: readonly Tensor[]): Tensor | null {
  const [first] = tensors as [Tensor];
  const last = found.get(first);
  if (last?.shapes.length === tensors.length && tensors.every(({ shape }, i) => shape === last.shapes[i]))
    return last.view;
  last?.view.dispose();
  found.delete(first);
  const view = makeView(tensors);
  if (view !== null) found.set(first, { view: keep(view), shapes: tensors.map(({ shape }) => shape) });
  return view;
}

function makeView(tensors: readonly Tensor[]): Tensor | null {
  const [first] = tensors as [Tensor];
  const { shape, dtype } = first;
  const storage = native.storageId(first.handle);
  const start = native.storageOffset(first.handle);
  let [end, rows] = [start, 0];
  for (const tensor of tensors) {
    const { handle } = tensor;
    if (native.storageId(handle) !== storage || native.storageOffset(handle) !== end) return null;
    const isAlike =
      tensor.shape.length === shape.length && shape.every((size, d) => d === 0 || size === tensor.shape[d]);
    if (!isAlike || tensor.dtype !== dtype || !native.isContiguous(handle)) return null;
    rows += tensor.shape[0]!;
    end += tensor.numel();
  }
  return asStrided(first, [rows, ...shape.slice(1)], native.strides(first.handle), start);
}
