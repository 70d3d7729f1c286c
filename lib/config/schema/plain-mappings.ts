/**
 * The same value with plain objects in place of `Map`s, also inside lists and mappings: the configs that a checkpoint of
 * Python holds have `OrderedDict`s, which are read as maps. Everything else stays the object it is.
 */
export function plainMappings(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), plainMappings(item)]));
  if (Array.isArray(value)) return holdsMaps(value) ? value.map(plainMappings) : value;
  if (!holdsMaps(value)) return value;
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, plainMappings(item)]));
}

/** Whether there is a map in a plain list or mapping. */
function holdsMaps(value: unknown): boolean {
  if (value instanceof Map) return true;
  if (Array.isArray(value)) return value.some(holdsMaps);
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && Object.values(value).some(holdsMaps);
}
