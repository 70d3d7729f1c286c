/** Class name of an object, or the type of anything else; for messages. */
export function describeObject(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : `a ${typeof value}`;
  return (value as { constructor?: { name?: string } }).constructor?.name ?? "an object";
}
