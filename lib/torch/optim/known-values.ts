/**
 * Numbers in 0-dim tensors of a device that are known without reading them, because they were read or written before: step counts
 * and learning rates. To read one from a device means to wait for all of its work.
 */
import { graphWork } from "../cuda/graph-work";
import { _foreachAdd_, _foreachMul_, stack } from "../operators.generated";
import type { Tensor } from "../tensor";

/** A value, and what would have changed if the tensor had. */
interface Known {
  readonly value: number;
  readonly version: number;
  /** A graph that is launched writes without a new version. */
  readonly graphs: number;
}

const known = new WeakMap<Tensor, Known>();

/** Numbers as they are after rounding to the dtype; absent where that is not simply done. */
const ROUNDING: Readonly<Record<string, (value: number) => number>> = {
  float32: Math.fround,
  float64: (value) => value,
};

function knownValue(tensor: Tensor): number | undefined {
  const entry = known.get(tensor);
  return entry?.version === tensor.version && entry.graphs === graphWork.count ? entry.value : undefined;
}

function remember(tensor: Tensor, value: number): void {
  known.set(tensor, { value, version: tensor.version, graphs: graphWork.count });
}

/** What is known of tensors, all of it or nothing. */
function knownValues(tensors: readonly Tensor[]): number[] | null {
  const values: number[] = [];
  for (const tensor of tensors) {
    const value = knownValue(tensor);
    if (value === undefined) return null;
    values.push(value);
  }
  return values;
}

const onHost = (tensor: Tensor): boolean => tensor.device === "cpu";

/** The values of 0-dim tensors; those of a device that are not known are read, of one device at once. */
export function valuesOf(tensors: readonly Tensor[]): number[] {
  const read = (): number[] => tensors.map((tensor) => Number(tensor.item()));
  if (tensors.every(onHost)) return read();
  const before = knownValues(tensors);
  if (before !== null) return before;
  const together = tensors.every((tensor) => tensor.device === tensors[0]!.device);
  const values = together ? (stack(tensors).toArray() as number[]).map(Number) : read();
  for (const [i, tensor] of tensors.entries()) remember(tensor, values[i]!);
  return values;
}

/** The value of a 0-dim tensor, read only where it is not known. */
export function valueOf(tensor: Tensor): number {
  return valuesOf([tensor])[0]!;
}

/** Changes tensors by `write` and returns what they hold then, which `next` computes from what is known. */
function change(
  tensors: readonly Tensor[],
  write: () => void,
  next: (value: number, index: number) => number,
): number[] {
  const simple = tensors.every((tensor) => !onHost(tensor) && tensor.dtype in ROUNDING);
  const before = simple ? knownValues(tensors) : null;
  write();
  if (before === null) return valuesOf(tensors);
  return tensors.map((tensor, i) => {
    const value = ROUNDING[tensor.dtype]!(next(before[i]!, i));
    remember(tensor, value);
    return value;
  });
}

/** Adds one to each. */
export function increment(tensors: readonly Tensor[]): number[] {
  return change(
    tensors,
    () => _foreachAdd_(tensors, 1),
    (value) => value + 1,
  );
}

/** Multiplies each by a number of its own. */
export function multiply(tensors: readonly Tensor[], factors: readonly number[]): number[] {
  return change(
    tensors,
    () => _foreachMul_(tensors, factors),
    // the factor is rounded first, as kernels do
    (value, i) => value * ROUNDING[tensors[i]!.dtype]!(factors[i]!),
  );
}

/** Writes a number into a 0-dim tensor. */
export function write(tensor: Tensor, value: number): void {
  tensor.fill_(value);
  const round = ROUNDING[tensor.dtype];
  if (!onHost(tensor) && round !== undefined) remember(tensor, round(value));
}
