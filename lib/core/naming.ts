/**
 * Names as the framework writes them to logs, metric keys and files.
 */

/** `MyFunctionName` -> `my_function_name`, `XMLParser` -> `xml_parser`. */
export function pascalToSnake(name: string): string {
  return name
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/**
 * Names under which a class goes in metric keys and checkpoints, where they differ from its own: minifiers change class
 * names, and some acronyms have a spelling of their own (`KoLeoLoss` in module `koleo_loss`).
 */
const registeredNames = new WeakMap<object, { className: string; module: string }>();

/**
 * Fixes a class's name, and optionally the last part of the module that defines it.
 *
 * @example registerTypeName(ABUPT, "ABUPT", "ab_upt"); // snakeTypeName(new ABUPT()) === "ab_upt"
 */
export function registerTypeName(type: object, className: string, module = ""): void {
  registeredNames.set(type, { className, module });
}

function typeOf(object: object): { className: string; module: string } {
  const type = (typeof object === "function" ? object : object.constructor) as { name: string };
  return registeredNames.get(type) ?? { className: type.name, module: "" };
}

/** Name of an object's class. */
export function typeName(object: object): string {
  return typeOf(object).className;
}

/** Class name in snake case; the module's name where both agree apart from underscores. */
export function snakeTypeName(object: object): string {
  const { className, module } = typeOf(object);
  const last = module.slice(module.lastIndexOf(".") + 1);
  return last !== "" && last.replaceAll("_", "") === className.toLowerCase() ? last : pascalToSnake(className);
}
