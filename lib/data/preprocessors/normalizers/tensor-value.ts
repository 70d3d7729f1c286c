import type { z } from "zod";
import { customType, refuse, type Report } from "../../../config/schema";

/** A number, or a rectangular (nested) list of numbers: what becomes a float32 tensor. */
export type TensorValue = number | TensorValue[];

/** Shape of a tensor value; undefined when it is ragged or holds something else than numbers. */
export function shapeOf(value: unknown): number[] | undefined {
  if (typeof value === "number") return [];
  if (!Array.isArray(value)) return undefined;
  if (value.length === 0) return [0];
  const shapes = value.map(shapeOf);
  const first = shapes[0];
  if (!first || shapes.some((shape) => !shape || shape.join() !== first.join())) return undefined;
  return [value.length, ...first];
}

/** The numbers of a tensor value, row-major. */
export function flatten(value: TensorValue): number[] {
  return typeof value === "number" ? [value] : value.flatMap(flatten);
}

function toPlain(input: unknown): unknown {
  if (ArrayBuffer.isView(input)) return Array.from(input as Float32Array | BigInt64Array, Number);
  if (typeof input === "object" && input !== null && "toArray" in input && typeof input.toArray === "function")
    return (input.toArray as () => unknown)();
  return input;
}

/**
 * A field that holds a tensor: numbers and lists of numbers as YAML has them, typed arrays, tensors. It is kept as plain
 * numbers, so that a config can be written out again; whoever uses it builds a float32 tensor.
 */
export function tensorValue(): z.ZodType<TensorValue, unknown> {
  return customType<TensorValue, unknown>((input, context) => {
    const value = toPlain(input);
    if (!shapeOf(value)) return refuse(context, input, "a number or a rectangular list of numbers");
    // such a statistic would make NaN of every value
    const bad = flatten(value as TensorValue).find((number) => !Number.isFinite(number));
    return bad === undefined ? (value as TensorValue) : refuse(context, bad, "finite numbers");
  });
}

/** Reports two fields of different shapes; true when they are the same. */
export function sameShape(a: TensorValue, b: TensorValue, names: string, complain: Report): boolean {
  const [left, right] = [shapeOf(a)!.join(", "), shapeOf(b)!.join(", ")];
  if (left !== right) complain(`expected ${names} of the same shape, received (${left}) and (${right})`);
  return left === right;
}
