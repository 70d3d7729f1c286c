import { types } from "node:util";
import { adoptTensor, scope, Tensor, type SharedTensor } from "../../torch";
import { shareTensorOf } from "../../torch/sharing";

/**
 * Batches on their way between threads. Tensors stay where they are in memory: only a ticket travels. Everything else is copied
 * as `structuredClone` copies it.
 */

/** Stands for a tensor. No mapping of a user's has this key. */
const TENSOR = "noether-ts:tensor";

/**
 * What `postMessage` can send in place of a value. Containers are arrays, plain objects, maps and sets.
 *
 * @param owner - who shares, for `abandonTensors`
 * @throws TypeError that names the entry for what would arrive as something else: functions, objects of a class
 */
export function encode(value: unknown, owner: number, path = "the batch"): unknown {
  if (value instanceof Tensor) return { [TENSOR]: shareTensorOf(owner, value) };
  const type = typeof value;
  if (type === "function" || type === "symbol")
    throw new TypeError(
      `${path}: a ${type} cannot go to another thread; use numWorkers: 0, or leave it out of the batch`,
    );
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => encode(item, owner, `${path}[${index}]`));
  if (types.isMap(value)) {
    const entries = [...(value as Map<unknown, unknown>)];
    return new Map(entries.map(([key, item]) => [key, encode(item, owner, `${path}.get(${String(key)})`)]));
  }
  if (types.isSet(value)) return new Set([...(value as Set<unknown>)].map((item) => encode(item, owner, path)));
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isDate(value) || types.isRegExp(value))
    return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new TypeError(
      `${path}: an object of the class ${value.constructor.name} cannot go to another thread; put tensors and plain data into batches, or use numWorkers: 0`,
    );
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item, owner, `${path}.${key}`)]));
}

/** The value again; its tensors belong to the open scope. */
export function decode(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  if (types.isMap(value))
    return new Map([...(value as Map<unknown, unknown>)].map(([key, item]) => [key, decode(item)]));
  if (types.isSet(value)) return new Set([...(value as Set<unknown>)].map(decode));
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isDate(value) || types.isRegExp(value))
    return value;
  if (TENSOR in value) return adoptTensor(value[TENSOR] as SharedTensor);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
}

/** Frees the tensors of a value that nobody wants any more. */
export function discard(value: unknown): void {
  scope(() => void decode(value));
}
