import { stack, Tensor, tensor } from "../../torch";
import { KeyError, ValueError } from "../../config/python-errors";

/**
 * Joins the values of one key over the samples of a batch, as PyTorch's `default_collate` does: tensors are
 * stacked on a new first dimension; numbers become a float64 vector, bigints and the sample number `index` an int64 one,
 * booleans a bool one; strings stay a list; mappings and lists are collated entry by entry.
 *
 * @param key sample key, for messages and to tell `index` from a measured number
 */
export function collateValues(values: readonly unknown[], key = ""): unknown {
  const first = values[0];
  if (first instanceof Tensor) return stackTensors(values, key);
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
      ),
    );
  }
  if (typeof first === "object" && first !== null) return defaultCollate(values as Record<string, unknown>[]);
  throw new TypeError(
    `expected a tensor, number, string, list or mapping under "${key}" to collate, received ${String(first)}`,
  );
}

function stackTensors(values: readonly unknown[], key: string): Tensor {
  const shape = (values[0] as Tensor).shape.join(", ");
  values.forEach((value, position) => {
    if (!(value instanceof Tensor)) throw new TypeError(`expected tensors under "${key}" in all samples of a batch`);
    if (value.shape.join(", ") !== shape)
      throw new ValueError(
        `expected tensors of equal shape under "${key}" to stack, received (${shape}) and, in sample ${position} of the batch, (${value.shape.join(", ")})`,
      );
  });
  return stack(values as Tensor[]);
}

/** Collates samples key by key, by the keys of the first sample; additional keys of other samples are left out. */
export function defaultCollate(samples: readonly Record<string, unknown>[]): Record<string, unknown> {
  const first = samples[0];
  if (first === undefined) throw new ValueError("expected at least one sample to collate, received none");
  return Object.fromEntries(Object.keys(first).map((key) => [key, collateValues(pick(samples, key), key)]));
}

/** The values of one key in all samples. */
export function pick(samples: readonly Record<string, unknown>[], key: string): unknown[] {
  return samples.map((sample, position) => {
    if (!(key in sample))
      throw new KeyError(
        `expected "${key}" in every sample of a batch; sample ${position} has ${Object.keys(sample).join(", ")}`,
      );
    return sample[key];
  });
}

/** The tensors of one key in all samples. */
export function pickTensors(samples: readonly Record<string, unknown>[], key: string): Tensor[] {
  return pick(samples, key).map((value) => {
    if (!(value instanceof Tensor)) throw new TypeError(`expected a tensor under "${key}", received ${typeof value}`);
    return value;
  });
}
