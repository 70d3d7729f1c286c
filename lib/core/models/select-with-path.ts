import { AttributeError, KeyError } from "../../config/python-errors";

/**
 * Follows a dotted path into an object: keys of plain objects and maps, indices of lists, attributes of anything else.
 *
 * @example selectWithPath(model, "encoder.blocks.0")
 */
export function selectWithPath(object: unknown, path: string | null | undefined): unknown {
  if (path === null || path === undefined || path === "") {
    return object;
  }
  let current = object;
  for (const part of path.split(".")) {
    current = select(current, part, path);
  }
  return current;
}

function select(object: unknown, part: string, path: string): unknown {
  if (object instanceof Map) {
    if (!object.has(part))
      throw new KeyError(`'${part}' of path '${path}' is not in the map; its keys: ${[...object.keys()].join(", ")}`);
    return object.get(part);
  }
  if (Array.isArray(object)) {
    const item: unknown = object.at(Number(part));
    if (!/^-?\d+$/.test(part) || item === undefined) {
      throw new KeyError(`'${part}' of path '${path}' is not an index of a list of ${object.length}`);
    }
    return item;
  }
  if (object !== null && typeof object === "object") {
    const container = object as Record<string, unknown> & { children?: unknown; get?: unknown };
    if (part in container) return container[part];
    if (/^\d+$/.test(part) && typeof container.get === "function") {
      return (container.get as (index: number) => unknown)(Number(part));
    }
  }
  throw new AttributeError(`'${part}' of path '${path}' is not an attribute of ${describe(object)}`);
}

function describe(object: unknown): string {
  return object !== null && typeof object === "object"
    ? `an object of class ${object.constructor?.name ?? "Object"}`
    : String(object);
}
