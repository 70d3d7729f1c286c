/** PyTorch's subscripts: `x[1, :, None, mask]` as `x.index(1, slice(), null, mask)`. */
import { tensor as tensorOf } from "./creation";
import {
  alias as aliasOperator,
  index as indexOperator,
  indexPut_ as indexPut_Operator,
  select as selectOperator,
  slice as sliceOperator,
  unsqueeze as unsqueezeOperator,
} from "./operators.generated";
import { Tensor } from "./tensor";

/** A range of one dimension, as Python's `start:stop:step`. */
export class Slice {
  constructor(
    readonly start: number | null,
    readonly stop: number | null,
    readonly step: number,
  ) {}
}

/** Nested arrays of integers or booleans as an index. */
export type IndexArray = readonly (number | boolean | IndexArray)[];

/** One entry of a subscript. */
export type TensorIndex = number | boolean | null | "..." | Slice | Tensor | IndexArray;

/**
 * A range along one dimension: `slice()` is `:`, `slice(a, b)` is `a:b`, `slice(null, b)` is `:b`, `slice(a)` is `a:`.
 *
 * @param step at least 1, as in PyTorch.
 */
export function slice(start: number | null = null, stop: number | null = null, step = 1): Slice {
  if (!(Number.isInteger(step) && step > 0))
    throw new RangeError(`slice: expected a positive integer for step, got ${step}`);
  for (const [name, value] of [
    ["start", start],
    ["stop", stop],
  ] as const) {
    if (value !== null && !Number.isInteger(value))
      throw new TypeError(`slice: expected an integer or null for ${name}, got ${String(value)}`);
  }
  return new Slice(start, stop, step);
}

/** @internal `x[indices]`: views for numbers, ranges and null, a copy where tensors index. */
export function indexAt(x: Tensor, indices: readonly TensorIndex[]): Tensor {
  if (indices.length === 1) {
    const [only] = indices;
    if (typeof only === "number") return selectOperator(x, 0, only);
    if (only instanceof Slice) return sliceOperator(x, 0, only.start, only.stop, only.step);
    if (only instanceof Tensor && only.ndim > 0) return indexOperator(x, [only]);
  }
  const { view, tensors } = applyBasic(x, indices);
  if (tensors.length === 0) return view === x ? aliasOperator(x) : view;
  return indexOperator(view, tensors);
}

/** @internal `x[indices] = value`, or `+=` with `accumulate`. */
export function assignAt(
  x: Tensor,
  indices: readonly TensorIndex[],
  value: Tensor | number | bigint | boolean,
  accumulate: boolean,
): void {
  const { view, tensors } = applyBasic(x, indices);
  const source = value instanceof Tensor ? value : tensorOf(value, { dtype: x.dtype, device: x.device });
  if (tensors.length > 0) {
    indexPut_Operator(view, tensors, source.dtype === x.dtype ? source : source.to(x.dtype), accumulate);
  } else if (accumulate) view.add_(dropLeadingOnes(source, view));
  else view.copy_(dropLeadingOnes(source, view));
  x.cachedInfo = null;
}

/** A source may have more dimensions than the view when the extra ones are leading and of length 1. */
function dropLeadingOnes(source: Tensor, view: Tensor): Tensor {
  const extra = source.ndim - view.ndim;
  const { shape } = source;
  return extra > 0 && shape.slice(0, extra).every((length) => length === 1) ? source.view(shape.slice(extra)) : source;
}

/** Applies numbers, ranges, null and the ellipsis, and collects what is left for index tensors. */
function applyBasic(x: Tensor, indices: readonly TensorIndex[]): { view: Tensor; tensors: (Tensor | null)[] } {
  const entries = indices.map((index) =>
    Array.isArray(index) ? tensorFromArray(index as IndexArray, x) : (index as Exclude<TensorIndex, IndexArray>),
  );
  const consumed = entries.reduce<number>((sum, entry) => sum + dimensionsTakenBy(entry), 0);
  if (consumed > x.ndim)
    throw new RangeError(
      `index: expected at most ${x.ndim} indices for a tensor of shape [${x.shape.join(", ")}], got ${consumed}`,
    );
  if (entries.filter((entry) => entry === "...").length > 1) throw new TypeError('index: expected at most one "..."');

  let view = x;
  let dim = 0;
  const tensors: (Tensor | null)[] = [];
  const step = (next: Tensor): void => {
    if (view !== x) view.dispose();
    view = next;
  };
  const record = (index: Tensor): void => {
    while (tensors.length < dim) tensors.push(null);
    tensors.push(index);
    dim++;
  };
  for (const entry of entries) {
    if (typeof entry === "number") {
      checkInteger(entry);
      step(selectOperator(view, dim, entry));
    } else if (entry instanceof Slice) {
      if (entry.start !== null || entry.stop !== null || entry.step !== 1)
        step(sliceOperator(view, dim, entry.start, entry.stop, entry.step));
      dim++;
    } else if (entry === null) {
      step(unsqueezeOperator(view, dim));
      dim++;
    } else if (entry === "...") dim += x.ndim - consumed;
    else if (typeof entry === "boolean") {
      step(unsqueezeOperator(view, dim));
      record(maskTensor(entry, x));
    } else if (entry instanceof Tensor) {
      if (entry.ndim === 0 && isIntegral(entry)) step(selectOperator(view, dim, Number(entry.item())));
      else if (entry.ndim === 0) {
        step(unsqueezeOperator(view, dim));
        record(maskTensor(entry.itemScalar() !== false && entry.itemScalar() !== 0, x));
      } else if (isMask(entry) && entry.ndim > 1) positionsOf(entry, view, dim).forEach(record);
      else record(entry);
    } else throw new TypeError(`index: expected numbers, slice(), null, "...", tensors or arrays, got ${typeof entry}`);
  }
  return { view, tensors };
}

function dimensionsTakenBy(entry: Exclude<TensorIndex, IndexArray>): number {
  if (entry instanceof Tensor) return isMask(entry) ? entry.ndim : 1;
  return typeof entry === "number" || entry instanceof Slice ? 1 : 0;
}

function isMask(index: Tensor): boolean {
  return index.dtype === "bool" || index.dtype === "uint8";
}

/** A mask over several dimensions as one index tensor per dimension, so that what follows it finds its dimension. */
function positionsOf(mask: Tensor, view: Tensor, dim: number): Tensor[] {
  const masked = view.shape.slice(dim, dim + mask.ndim);
  if (masked.join() !== mask.shape.join()) {
    throw new RangeError(
      `index: expected a mask of shape [${masked.join(", ")}] for the dimensions from ${dim} on, got [${mask.shape.join(", ")}]`,
    );
  }
  return mask.nonzero().unbind(1);
}

function isIntegral(index: Tensor): boolean {
  return /^u?int/.test(index.dtype) && index.dtype !== "uint8";
}

function maskTensor(value: boolean, x: Tensor): Tensor {
  return tensorOf(value ? [0] : [], { dtype: "int64", device: x.device });
}

function tensorFromArray(index: IndexArray, x: Tensor): Tensor {
  let first: unknown = index;
  while (Array.isArray(first)) first = first[0];
  return tensorOf(index, { dtype: typeof first === "boolean" ? "bool" : "int64", device: x.device });
}

function checkInteger(index: number): void {
  if (!Number.isInteger(index)) throw new TypeError(`index: expected an integer, got ${index}`);
}
