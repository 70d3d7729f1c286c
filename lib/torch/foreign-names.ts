/**
 * Names that people write on a tensor and that JavaScript would answer with `undefined`: subscripts (`x[0]`), Python's spelling
 * (`x.requires_grad`) and `x.length`. They end in an error that says what to write.
 *
 * A proxy stands at the far end of the prototype chain. Properties and methods that exist are found before it, so they cost what
 * they did.
 */
import { camelCase } from "./schema";

/**
 * Puts the proxy at the end of the prototype chain of a class.
 *
 * @param classes the class and the ones that it extends, down to the last of its own.
 * @param shown properties by which Jest copies an object before it prints a difference.
 * @param moved accessors of the class that move behind the proxy: Jest before 30 reads every getter that it sees, and these make
 *   tensors with the same getters, without end.
 */
export function refuseForeignNames(
  classes: readonly [own: object, ...extended: object[]],
  shown: readonly symbol[],
  moved: readonly string[],
): void {
  const [own] = classes;
  const end = Object.create(Object.prototype, {
    [Symbol.for("@jest/serializableProperties")]: { value: shown, configurable: true },
  }) as object;
  for (const name of moved) {
    Object.defineProperty(end, name, Object.getOwnPropertyDescriptor(own, name)!);
    Reflect.deleteProperty(own, name);
  }
  Object.setPrototypeOf(
    classes.at(-1)!,
    new Proxy(end, {
      get(target, key, receiver) {
        if (typeof key === "string" && !Object.hasOwn(target, key)) refuse(key, receiver as object, false);
        return Reflect.get(target, key, receiver) as unknown;
      },
      set(target, key, value, receiver) {
        if (typeof key === "string" && !Object.hasOwn(target, key)) refuse(key, receiver as object, true);
        return Reflect.set(target, key, value, receiver);
      },
      ownKeys: () => [],
    }),
  );
}

function refuse(key: string, tensor: object, written: boolean): void {
  const advice = adviceOn(key, tensor, written);
  if (advice === undefined) return;
  const name = /^-?\d/.test(key) ? `x[${key}]` : `x.${key}`;
  throw new TypeError(`${name}${written ? " = …" : ""}: tensors have no such property; write ${advice}`);
}

function adviceOn(key: string, tensor: object, written: boolean): string | undefined {
  if (/^-?\d+$/.test(key)) return written ? `x.indexPut_([${key}], value)` : `x.index(${key})`;
  if (key === "length") return "x.size(0) for the length of the first dimension, x.numel() for the number of elements";
  if (!key.includes("_")) return undefined;
  const name = camelCase(key);
  return name !== key && name in tensor ? `x.${name}` : undefined;
}
