import { isMapping } from "../../config/schema";

/** A tree of mappings and lists as one level: `{ "hp/model/depth": 2, "hp/dims/0": 1 }`. */
export function flatten(tree: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  const visit = (value: unknown, path: string): void => {
    const children = Array.isArray(value) ? [...value.entries()] : isMapping(value) ? Object.entries(value) : null;
    if (children === null || children.length === 0)
      flat[path] = children === null ? value : Array.isArray(value) ? "[]" : "{}";
    else for (const [key, child] of children) visit(child, `${path}/${key}`);
  };
  for (const [key, value] of Object.entries(tree)) visit(value, key);
  return flat;
}
