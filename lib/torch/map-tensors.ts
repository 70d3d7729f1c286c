import { Tensor } from "./tensor";

/** A copy of nested objects and arrays with other tensors. */
export function mapTensors<T>(value: T, change: (tensor: Tensor) => Tensor): T {
  if (value instanceof Tensor) return change(value) as T;
  if (Array.isArray(value)) return value.map((entry: unknown) => mapTensors(entry, change)) as T;
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, mapTensors(entry as unknown, change)]),
    ) as T;
  }
  return value;
}

/** The tensors in nested objects and arrays, in their order. */
export function tensorsIn(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (tensor) => {
    found.push(tensor);
    return tensor;
  });
  return found;
}
