/** TypeScript types, run-time checks and conversions of operator arguments and results, by their schema type. */
import type { SchemaArgument, SchemaReturn } from "../../lib/torch/schema";

/** The type that a caller writes for an argument. */
export function argumentType(argument: SchemaArgument): string {
  let type = baseType(argument);
  if (argument.list) {
    const entry = argument.optionalEntries ? `(${type} | null)` : type;
    type =
      argument.size === null ? `readonly ${parenthesised(entry)}[]` : `${type} | readonly ${parenthesised(entry)}[]`;
  }
  return argument.optional ? `${type} | null` : type;
}

function parenthesised(type: string): string {
  return type.includes("|") && !type.startsWith("(") ? `(${type})` : type;
}

function baseType({ type }: SchemaArgument): string {
  switch (type) {
    case "int":
    case "float":
      return "number";
    case "bool":
      return "boolean";
    case "str":
      return "string";
    case "ScalarType":
      return "DTypeLike";
    default:
      return type;
  }
}

/** The type of one result. */
export function returnType({ type, list }: SchemaReturn): string {
  const base = { int: "number", float: "number", bool: "boolean", str: "string", ScalarType: "DType" }[type] ?? type;
  return list ? `${base}[]` : base;
}

/** A quick test that `name` holds a value for the argument. It may refuse rarer spellings: those take the slow path. */
export function quickCheck(argument: SchemaArgument, name: string, tellListsApart: boolean): string {
  const check = quickCheckOfType(argument, name, tellListsApart);
  return argument.optional ? `(${name} === null || ${check})` : check;
}

function quickCheckOfType({ type, list, size }: SchemaArgument, name: string, tellListsApart: boolean): string {
  if (list) {
    if (type === "Tensor") return tellListsApart ? `isTensorList(${name})` : `Array.isArray(${name})`;
    const array = tellListsApart ? `isPlainList(${name})` : `Array.isArray(${name})`;
    if (size === null) return array;
    return `(typeof ${name} === "${type === "bool" ? "boolean" : "number"}" || ${array})`;
  }
  switch (type) {
    case "Tensor":
      return `${name} instanceof Tensor`;
    case "int":
    case "float":
    case "Scalar":
      return `typeof ${name} === "number"`;
    case "bool":
      return `typeof ${name} === "boolean"`;
    case "Generator":
      return `${name} instanceof Generator`;
    default:
      return `typeof ${name} === "string"`;
  }
}

/** What overload choice can tell apart: arguments of one kind need no check against each other. */
export function kindOf({ type, list, size }: SchemaArgument): string {
  if (list) return type === "Tensor" ? "tensors" : size === null ? "list" : "list or number";
  if (type === "Tensor" || type === "Generator" || type === "bool") return type;
  return type === "int" || type === "float" || type === "Scalar" ? "number" : "string";
}

/** The expression that the native side takes for the argument held in `name`. */
export function toNative({ type, list, optional, optionalEntries, hasDefault }: SchemaArgument, name: string): string {
  const absent = optional || hasDefault;
  if (type === "Tensor") {
    if (list)
      return optionalEntries
        ? `optionalHandles(${name})`
        : absent
          ? `(${name} == null ? undefined : handles(${name}))`
          : `handles(${name})`;
    return absent ? `optionalHandle(${name})` : `${name}.handle`;
  }
  if (list) return name;
  switch (type) {
    case "ScalarType":
      return `dtypeCode(${name} as DTypeLike | undefined)`;
    case "Layout":
      return `layoutCode(${name})`;
    case "MemoryFormat":
      return `memoryFormatCode(${name})`;
    case "Generator":
      return `generatorId(${name})`;
    default:
      return name;
  }
}

/** The expression that turns the native result `value` into what the caller gets. */
export function fromNative({ type, list }: SchemaReturn, value: string): string {
  if (type === "Tensor") return list ? `wrapList(${value} as number[])` : `wrap(${value} as number)`;
  if (type === "ScalarType") return `dtypeName(${value} as number)`;
  return `${value} as ${returnType({ type, list } as SchemaReturn)}`;
}
