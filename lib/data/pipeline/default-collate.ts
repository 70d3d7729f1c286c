import { fromTypedArray, stack, Tensor, tensor } from "../../torch";
import { KeyError, ValueError } from "../../config/python-errors";
import type { Sample } from "../sample";
import { requireAlike, sampleName } from "./alike";

/**
 * Joins the values of one key over the samples of a batch, as PyTorch's `default_collate` does: tensors and
 * typed arrays are stacked on a new first dimension; numbers become a float64 vector, bigints and the sample number `index` an int64 one,
 * booleans a bool one; strings stay a list; mappings and lists are collated entry by entry.
 *
 * @param key sample key, for messages and to tell `index` from a measured number
 * @param samples where the values are from, for messages
 */
export function collateValues(values: readonly unknown[], key = "", samples: readonly Sample[] = []): unknown {
  const first = values[0];
  if (first instanceof Tensor || isArray(first))
    return stackTensors(
      values.map((value) => (isArray(value) ? fromTypedArray(value) : value)),
      key,
      samples,
    );
  const other = values.findIndex((value) => typeof value !== typeof first || value instanceof Tensor);
  if (other > 0 && first !== null)
    throw new TypeError(
      `expected values of one type under "${key}" to collate, received a ${typeof first} in ${sampleName(samples, 0)} and a ${describe(values[other])} in ${sampleName(samples, other)}`,
    );
  if (typeof first === "number") {
    if (key !== "index") return tensor(values as number[], { dtype: "float64" });
    return tensor((values as number[]).map(BigInt), { dtype: "int64" });
  }
  if (typeof first === "bigint") return tensor(values as bigint[], { dtype: "int64" });
  if (typeof first === "boolean") return tensor(values as boolean[], { dtype: "bool" });
  if (typeof first === "string") return [...values];
  if (Array.isArray(first)) {
    const lists = values as unknown[][];
    if (lists.some((list) => list.length !== first.length))
      throw new ValueError(`expected lists of equal length under "${key}" in all samples of a batch`);
    return first.map((_, position) =>
      collateValues(
        lists.map((list) => list[position]),
        key,
        samples,
      ),
    );
  }
  if (typeof first === "object" && first !== null) return defaultCollate(values as Record<string, unknown>[]);
  throw new TypeError(
    `expected a tensor, number, string, list or mapping under "${key}" to collate, received ${String(first)}`,
  );
}

function stackTensors(values: readonly unknown[], key: string, samples: readonly Sample[]): Tensor {
  const tensors = values.map((value, position) => {
    if (value instanceof Tensor) return value;
    throw new TypeError(
      `expected a tensor under "${key}" in ${sampleName(samples, position)} as in ${sampleName(samples, 0)}, received ${describe(value)}`,
    );
  });
  requireAlike(tensors, key, samples, "stack");
  return stack(tensors);
}

/** A typed array, which is a tensor of its type. */
function isArray(value: unknown): value is ArrayBufferView {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function describe(value: unknown): string {
  return value === null ? "null" : value instanceof Tensor ? "tensor" : typeof value;
}

/** Collates samples key by key, by the keys of the first sample; additional keys of other samples are left out. */
export function defaultCollate(samples: readonly Record<string, unknown>[]): Record<string, unknown> {
  const first = samples[0];
  if (first === undefined) throw new ValueError("expected at least one sample to collate, received none");
  return Object.fromEntries(Object.keys(first).map((key) => [key, collateValues(pick(samples, key), key, samples)]));
}

/** The values of one key in all samples. */
export function pick(samples: readonly Record<string, unknown>[], key: string): unknown[] {
  return samples.map((sample, position) => {
    if (!(key in sample))
      throw new KeyError(
        `expected "${key}" in every sample of a batch; ${sampleName(samples, position)} has ${Object.keys(sample).join(", ")}`,
      );
    return sample[key];
  });
}

/** The tensors of one key in all samples. */
export function pickTensors(samples: readonly Record<string, unknown>[], key: string): Tensor[] {
  return pick(samples, key).map((value, position) => {
    if (value instanceof Tensor) return value;
    throw new TypeError(
      `expected a tensor under "${key}" in ${sampleName(samples, position)}, received ${describe(value)}`,
    );
  });
}
