import type { FieldType } from "./custom-type";

/** Which zod types are config classes; apart from these, so that who asks does not wait for zod. */
const classes = new WeakSet<object>();

/** Notes a config class. */
export function noteConfigClass(type: FieldType): void {
  classes.add(type);
}

/** Whether a value is a config class. */
export function isKnownConfigClass(type: unknown): type is FieldType {
  return typeof type === "object" && type !== null && classes.has(type);
}
