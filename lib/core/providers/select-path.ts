import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { AttributeError, FileExistsError, FileNotFoundError, KeyError, ValueError } from "../../config/python-errors";

/** What {@link validatePath} checks. */
export interface ValidatePathOptions {
  /** Whether something has to be, or must not be, at the path. */
  readonly exists?: "must" | "must_not" | "any";
  /** Text that the path has to end with. */
  readonly suffix?: string | null;
  /** Creates the directory (and its parents) first. */
  readonly mkdir?: boolean;
}

/** Expands `~` at the beginning of a path. */
export function expandUser(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

/** Checks a path and returns it with `~` expanded. */
export function validatePath(
  path: string,
  { exists = "must", suffix = null, mkdir = false }: ValidatePathOptions = {},
): string {
  const expanded = expandUser(path);
  if (mkdir) {
    mkdirSync(expanded, { recursive: true });
  }
  if (exists === "must" && !existsSync(expanded)) {
    throw new FileNotFoundError(`path '${expanded}' does not exist`);
  }
  if (exists === "must_not" && existsSync(expanded)) {
    throw new FileExistsError(`path '${expanded}' exists already`);
  }
  if (suffix !== null && !expanded.endsWith(suffix)) {
    throw new ValueError(`path '${expanded}' should end with '${suffix}'`);
  }
  return expanded;
}

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
