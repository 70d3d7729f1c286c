import type { KindClass } from "../registry";

function isClass(target: unknown): boolean {
  return typeof target === "function" && /^class\b/.test(Function.prototype.toString.call(target));
}

/** Calls a factory function, or constructs a class. */
export function construct(target: KindClass, args: readonly unknown[]): unknown {
  if (isClass(target)) return new (target as new (...args: readonly unknown[]) => unknown)(...args);
  return (target as (...args: readonly unknown[]) => unknown)(...args);
}
