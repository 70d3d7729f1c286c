import { Tensor } from "../../torch";
import { KeyError, NotImplementedError, ValueError } from "../../config/python-errors";
import type { Sample } from "../sample";

/**
 * One step of a pipeline that works on a single sample. `process` returns a new mapping and leaves the one it gets as it
 * is; entries that it does not touch are shared.
 */
export abstract class SampleProcessor {
  abstract process(sample: Sample): Sample;

  /** Undoes the step on one value, e.g. on a prediction. */
  inverse(_key: string, _value: Tensor): Tensor {
    throw new NotImplementedError(`${this.constructor.name} cannot be inverted`);
  }

  /** A copy that may be changed without the original noticing: tensors are cloned, containers copied one level deep. */
  static saveCopy<T>(value: T): T {
    if (value instanceof Tensor) return value.clone() as T;
    if (Array.isArray(value)) return [...(value as unknown[])] as T;
    if (value instanceof Map) return new Map(value as Map<unknown, unknown>) as T;
    if (typeof value === "object" && value !== null) return { ...value };
    return value;
  }
}

/** The tensor under `key` of a sample; errors say who asked and what there is. */
export function tensorOf(sample: Sample, key: string, owner: object): Tensor {
  const value = sample[key];
  if (value instanceof Tensor) return value;
  const name = owner.constructor.name;
  if (!(key in sample))
    throw new KeyError(`${name}: the sample has no "${key}"; it has ${Object.keys(sample).join(", ")}`);
  throw new ValueError(`${name}: expected a tensor under "${key}", received ${value === null ? "null" : typeof value}`);
}

/**
 * The tensor under `key` of a sample, which has to have as many rows as another one: a longer one would be cut off without a word.
 *
 * @param like key of the other tensor
 * @throws ValueError that names both
 */
export function tensorWithRows(sample: Sample, key: string, rows: number, like: string, owner: object): Tensor {
  const value = tensorOf(sample, key, owner);
  if (value.ndim > 0 && value.size(0) === rows) return value;
  throw new ValueError(
    `${owner.constructor.name}: expected as many rows of "${key}" as of "${like}", ${rows}, received (${value.shape.join(", ")}); each of these items has one row a point`,
  );
}
