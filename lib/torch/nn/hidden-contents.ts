/** Modules and parameters that a module holds where nobody finds them by name. */
import { isPlainObject, show } from "../arguments";
import { Tensor } from "../tensor";
import type { Module } from "./module";
import { Parameter } from "./parameter";

/** What a module holds by name. */
type ContentsOf = (module: Module) => readonly [name: string, value: unknown][];

/** How deep arrays in arrays are searched. */
const DEPTH = 4;

/**
 * Refuses modules and parameters in arrays, maps, sets and objects that are properties of a module: they would have no name in the
 * state dict, would not be trained, and would not move with the module. What is also held in the usual way is not lost and
 * passes.
 *
 * @throws TypeError that names the property and the container to use.
 */
export function refuseHidden(owner: Module, members: ReturnType<ContentsOf>, contentsOf: ContentsOf): void {
  for (const [name, value] of members) {
    if (typeof value !== "object" || value === null || isContent(value)) continue;
    const found = search(value, DEPTH);
    if (found.length === 0) continue;
    const named = reachable(owner, contentsOf);
    const lost = found.find((content) => !named.has(content));
    if (lost === undefined) continue;
    const property = Object.entries(owner).find(([, held]) => held === value)?.[0] ?? name;
    const isList = Array.isArray(value) || value instanceof Set;
    const kind = isParameter(lost) ? "parameters" : "modules";
    const container = `${isParameter(lost) ? "Parameter" : "Module"}${isList ? "List" : "Dict"}`;
    const came = Array.isArray(value) ? "an array" : isPlainObject(value) ? "an object" : `a ${show(value)}`;
    throw new TypeError(
      `${owner.constructor.name}.${property}: expected ${kind} as properties or in an nn.${container}, got ${came} of them. ` +
        `Write new nn.${container}(${isList ? "[…]" : "{ … }"}), or hide them on purpose in a #private field`,
    );
  }
}

/** A module is told by `forward` and `namedModules`: the class imports this file. */
function isContent(value: object): value is Module | Parameter {
  return value instanceof Tensor || typeof (value as Partial<Module>).namedModules === "function";
}

function isParameter(value: object): boolean {
  return value instanceof Parameter;
}

/** The modules and parameters in a container. */
function search(value: unknown, depth: number): object[] {
  const entries =
    value instanceof Map
      ? value.values()
      : Array.isArray(value) || value instanceof Set
        ? (value as Iterable<unknown>)
        : isPlainObject(value)
          ? Object.values(value)
          : [];
  const found: object[] = [];
  for (const entry of entries as Iterable<unknown>) {
    if (typeof entry !== "object" || entry === null) continue;
    if (isContent(entry)) {
      if (!(entry instanceof Tensor) || isParameter(entry)) found.push(entry);
    } else if (depth > 1) found.push(...search(entry, depth - 1));
  }
  return found;
}

/** Everything that is found by name from a module on. */
function reachable(owner: Module, contentsOf: ContentsOf): Set<object> {
  const seen = new Set<object>([owner]);
  const visit = (module: Module): void => {
    for (const [, value] of contentsOf(module)) {
      if (typeof value !== "object" || value === null || !isContent(value) || seen.has(value)) continue;
      seen.add(value);
      if (!(value instanceof Tensor)) visit(value);
    }
  };
  visit(owner);
  return seen;
}
