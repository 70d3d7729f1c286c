/**
 * Names that people write on a tensor and that JavaScript would answer with `undefined`: subscripts (`x[0]`), Python's spelling
 * (`x.requires_grad`) and `x.length`. They end in an error that says what to write.
 *
 * A proxy stands at the far end of the prototype chain. Properties and methods that exist are found before it, so they cost what
 * they did.
 */
import { camelCase } from "./schema";

/**
 * Puts the proxy behind a class whose prototype is the last of its own.
 *
 * @param shown properties by which Jest copies an object before it prints a difference; without them it reads every getter.
 */
export function refuseForeignNames(prototype: object, shown: readonly symbol[]): void {
  const target: object = Object.create(Object.prototype, {
    [Symbol.for("@jest/serializableProperties")]: { value: shown },
  }) as object;
  Object.setPrototypeOf(
    prototype,
    new Proxy(target, {
      get(end, key, receiver) {
        refuse(key, receiver as object, false);
        return Reflect.get(end, key, receiver) as unknown;
      },
      set(end, key, value, receiver) {
        refuse(key, receiver as object, true);
        return Reflect.set(end, key, value, receiver);
      },
    }),
  );
}

function refuse(key: string | symbol, tensor: object, written: boolean): void {
  const advice = typeof key === "string" ? adviceOn(key, tensor, written) : undefined;
  if (advice === undefined) return;
  const name = /^-?\d/.test(String(key)) ? `x[${String(key)}]` : `x.${String(key)}`;
  throw new TypeError(`${name}${written ? " = …" : ""}: tensors have no such property; write ${advice}`);
}

function adviceOn(key: string, tensor: object, written: boolean): string | undefined {
  if (/^-?\d+$/.test(key)) return written ? `x.indexPut_([${key}], value)` : `x.index(${key})`;
  if (key === "length") return "x.size(0) for the length of the first dimension, x.numel() for the number of elements";
  if (!key.includes("_")) return undefined;
  const name = camelCase(key);
  return name !== key && name in tensor ? `x.${name}` : undefined;
}
