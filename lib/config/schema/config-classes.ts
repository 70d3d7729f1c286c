import type { z } from "zod";

/** Which zod types are config classes; apart from these, so that who asks does not wait for zod. */
const classes = new WeakSet<object>();

/** Notes a config class. */
export function noteConfigClass(type: z.ZodType): void {
  classes.add(type);
}

/** Whether a value is a config class. */
export function isKnownConfigClass(type: unknown): type is z.ZodType {
  return typeof type === "object" && type !== null && classes.has(type);
}
