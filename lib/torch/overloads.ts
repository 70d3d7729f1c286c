/**
 * Overload choice by the schemas, for the calls that the generated fast paths leave over: options objects, rarer argument
 * kinds, and mistakes, which end in an error that lists what would have been accepted.
 */
import { native } from "./addon";
import {
  dtypeCode,
  dtypeName,
  isDType,
  layoutCode,
  memoryFormatCode,
  type DTypeLike,
  type Layout,
  type MemoryFormat,
} from "./dtype";
import { asTorchError, DisposedError, TorchError } from "./errors";
import { Generator } from "./generator";
import { parseSchema, type Schema, type SchemaArgument } from "./schema";
import { wrap, wrapList } from "./scope";
import { Tensor } from "./tensor";

/** @internal An operator's overloads; the schemas are read on first use. */
export interface OperatorTable {
  readonly name: string;
  readonly texts: readonly string[];
  overloads: readonly Overload[] | null;
}

interface Overload {
  readonly schema: Schema;
  readonly positional: readonly SchemaArgument[];
  /** The variant that writes into `out`. */
  readonly out: Schema | null;
  /** Takes `requiresGrad`, as factories do. */
  readonly factory: boolean;
}

type Options = Readonly<Record<string, unknown>>;

/** @internal */
export function operatorTable(name: string, texts: readonly string[]): OperatorTable {
  return { name, texts, overloads: null };
}

/** @internal Resolves an operator. */
export function operatorId(name: string, overload: string): number {
  return native.operator(name, overload);
}

// ---- conversions that the generated code uses

/** @internal Handle of a `Tensor?` argument. */
export function optionalHandle(tensor: Tensor | null | undefined): number | undefined {
  if (tensor === undefined || tensor === null) return undefined;
  const { handle } = tensor;
  if (!handle)
    throw tensor instanceof Tensor
      ? new DisposedError("tensor")
      : new TypeError(`expected a Tensor, got ${kindName(tensor)}`);
  return handle;
}

/** @internal Handles of a `Tensor[]` argument. */
export function handles(tensors: readonly Tensor[]): number[] {
  requireList(tensors);
  const list = new Array<number>(tensors.length);
  for (let index = 0; index < tensors.length; index++) {
    const tensor = tensors[index]!;
    if (!(tensor instanceof Tensor))
      throw new TypeError(`expected a list of tensors, got ${kindName(tensor)} at position ${index}`);
    if (tensor.handle === 0) throw new DisposedError("tensor");
    list[index] = tensor.handle;
  }
  return list;
}

/** @internal Handles of a `Tensor?[]` argument. */
export function optionalHandles(tensors: readonly (Tensor | null | undefined)[]): number[] {
  requireList(tensors);
  return Array.from(tensors, (tensor) => optionalHandle(tensor) ?? 0);
}

function requireList(value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`expected a list of tensors, got ${kindName(value)}`);
}

/** @internal A list whose entries are tensors (or an empty one). */
export function isTensorList(value: unknown): boolean {
  return Array.isArray(value) && (value.length === 0 || value[0] instanceof Tensor);
}

/** @internal A list whose entries are no tensors. */
export function isPlainList(value: unknown): boolean {
  return Array.isArray(value) && !(value[0] instanceof Tensor);
}

/** @internal A plain object with none but these keys. */
export function takesOnly(options: unknown, keys: ReadonlySet<string>): boolean {
  if (!isOptions(options)) return false;
  for (const key in options) if (!keys.has(key)) return false;
  return true;
}

// ---- choice

/**
 * @internal Calls the first overload that takes the arguments.
 *
 * @throws TypeError when none does.
 */
export function dispatch(table: OperatorTable, given: readonly unknown[]): unknown {
  for (const overload of overloadsOf(table)) {
    const bound = bind(overload, given);
    if (bound) return invoke(bound);
  }
  throw mismatch(table, given);
}

/** @internal The error to throw after a call failed: a {@link TorchError}, or a TypeError that lists the overloads. */
export function operatorError(error: unknown, table: OperatorTable, given: readonly unknown[]): unknown {
  if (error instanceof DisposedError) return new DisposedError(table.name);
  if (error instanceof TorchError || !(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  const aboutArguments = code === "ERR_ARGUMENT" || code === "ERR_DISPOSED" || error instanceof TypeError;
  if (aboutArguments && !overloadsOf(table).some((overload) => bind(overload, given))) return mismatch(table, given);
  return asTorchError(error, table.name);
}

/**
 * Calls any operator of the dispatcher by its exact overload.
 *
 * @param name e.g. `"aten::add.Tensor"`, `"aten::mm"`.
 * @param args by position, with an options object last for those to be named.
 * @returns what the schema says: a tensor, a list, a tuple, a number, …
 * @throws TorchError `ERR_OPERATOR` for an unknown name, TypeError when the arguments do not fit.
 * @example
 * ops.call("aten::add.Tensor", a, b, { alpha: 2 });
 */
function call(name: string, ...args: unknown[]): unknown {
  const table = exactTable(name);
  try {
    return dispatch(table, args);
  } catch (error) {
    throw operatorError(error, table, args);
  }
}

let exact: Map<string, OperatorTable> | null = null;

function exactTable(name: string): OperatorTable {
  exact ??= new Map(native.schemas().map(({ name: full, schema }) => [full, operatorTable(full, [schema])]));
  const table = exact.get(name);
  if (!table)
    throw new TorchError(
      `ops.call: expected the full name of an operator overload ("aten::add.Tensor"), got ${JSON.stringify(name)}`,
      { code: "ERR_OPERATOR" },
    );
  return table;
}

/** All operators of the dispatcher. */
export const ops = {
  call,
  /** Full names of all overloads. */
  names: (): string[] => native.schemas().map(({ name }) => name),
};

function overloadsOf(table: OperatorTable): readonly Overload[] {
  if (table.overloads) return table.overloads;
  const list: Overload[] = [];
  for (const text of table.texts) {
    const schema = parseSchema(text);
    const previous = list.at(-1);
    // The generator writes an out variant right behind its functional twin.
    if (previous && isOut(schema) && !isOut(previous.schema)) list[list.length - 1] = { ...previous, out: schema };
    else
      list.push({
        schema,
        positional: schema.arguments.filter((argument) => !argument.kwargOnly),
        out: null,
        factory: isFactory(schema),
      });
  }
  return (table.overloads = list);
}

function isOut(schema: Schema): boolean {
  return schema.arguments.some((argument) => argument.mutable && argument.kwargOnly);
}

function isFactory(schema: Schema): boolean {
  return ["dtype", "layout", "device", "pin_memory"].every((name) =>
    schema.arguments.some((argument) => argument.kwargOnly && argument.name === name),
  );
}

interface Bound {
  readonly schema: Schema;
  /** By the schema's arguments; `undefined` takes the default. */
  readonly values: readonly unknown[];
  readonly requiresGrad: boolean;
}

/** Assigns what was given to the arguments of one overload; null when it does not fit. */
function bind({ schema, positional, out, factory }: Overload, given: readonly unknown[]): Bound | null {
  let count = given.length;
  while (count > 0 && given[count - 1] === undefined) count--;
  const last = given[count - 1];
  const options = isOptions(last) && !(isComplex(last) && positional[count - 1]?.type === "Scalar") ? last : null;
  if (options) count--;
  if (count > positional.length) return null;

  // By the schema's arguments, of which the positional ones come first.
  const values = new Array<unknown>(schema.arguments.length);
  for (let index = 0; index < count; index++) values[index] = given[index];
  let written: unknown;
  let requiresGrad = false;
  for (const key in options) {
    const value = options[key];
    if (value === undefined) continue;
    if (key === "out" && out !== null) written = value;
    else if (key === "requiresGrad" && factory) {
      if (typeof value !== "boolean") return null;
      requiresGrad = value;
    } else {
      const index = schema.arguments.findIndex((argument) => argument.key === key || argument.name === key);
      if (index < 0 || values[index] !== undefined) return null;
      values[index] = value;
    }
  }
  if (written !== undefined) {
    const bound = bindOut(schema, values, out!, written);
    return bound && { schema: out!, values: bound, requiresGrad };
  }
  return fits(schema, values) ? { schema, values, requiresGrad } : null;
}

/** True when every argument has a value that it takes, or needs none. */
function fits(schema: Schema, values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const argument = schema.arguments[index]!;
    const value = values[index];
    if (value === undefined) {
      if (!argument.hasDefault && !(argument.kwargOnly && argument.optional)) return false;
    } else if (!accepts(argument, value)) return false;
  }
  return true;
}

/**
 * Values for the out variant, from those for its functional twin; null when they do not fit. It has no dtype, device, …: the
 * tensor that is written has its own.
 */
function bindOut(schema: Schema, values: readonly unknown[], out: Schema, written: unknown): unknown[] | null {
  const targets = out.arguments.filter((argument) => argument.mutable && argument.kwargOnly);
  const tensors = targets.length === 1 ? [written] : written;
  if (!Array.isArray(tensors) || tensors.length !== targets.length) return null;
  const byName = new Map(schema.arguments.map((argument, index) => [argument.name, values[index]]));
  targets.forEach((argument, index) => byName.set(argument.name, (tensors as unknown[])[index]));
  const bound = out.arguments.map(({ name }) => byName.get(name));
  const names = new Set(out.arguments.map(({ name }) => name));
  const lost = [...byName].some(([name, value]) => value !== undefined && !names.has(name));
  return !lost && fits(out, bound) ? bound : null;
}

function isOptions(value: unknown): value is Options {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isComplex(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { re?: unknown }).re === "number" &&
    typeof (value as { im?: unknown }).im === "number"
  );
}

function accepts(argument: SchemaArgument, value: unknown): boolean {
  if (value === null) return argument.optional;
  if (!argument.list) return acceptsOne(argument.type, value);
  if (argument.size !== null && acceptsOne(argument.type, value)) return true;
  if (!Array.isArray(value)) return false;
  for (const entry of value as unknown[]) {
    if (!(argument.optionalEntries && (entry === null || entry === undefined)) && !acceptsOne(argument.type, entry))
      return false;
  }
  return true;
}

function acceptsOne(type: string, value: unknown): boolean {
  switch (type) {
    case "Tensor":
      return value instanceof Tensor;
    case "int":
      return typeof value === "bigint" || Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "Scalar":
      return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || isComplex(value);
    case "bool":
      return typeof value === "boolean";
    case "ScalarType":
      return isDType(value);
    case "Generator":
      return value instanceof Generator;
    case "str":
    case "Device":
    case "Layout":
    case "MemoryFormat":
      return typeof value === "string";
    default:
      return false;
  }
}

// ---- call

const ids = new Map<Schema, number>();

function idOf(schema: Schema): number {
  let id = ids.get(schema);
  if (id === undefined) ids.set(schema, (id = operatorId(schema.name, schema.overload)));
  return id;
}

function invoke({ schema, values, requiresGrad }: Bound): unknown {
  const converted = values.map((value, index) => toNative(schema.arguments[index]!, value));
  while (converted.length > 0 && converted.at(-1) === undefined) converted.pop();
  const result = native.call(idOf(schema), ...converted);
  const written = schema.arguments.flatMap((argument, index) => (argument.mutable ? [values[index]] : []));
  for (const tensor of written) if (tensor instanceof Tensor) tensor.cachedInfo = null;
  const output = finish(schema, result, written);
  if (requiresGrad) (output as Tensor).requiresGrad = true;
  return output;
}

function toNative(argument: SchemaArgument, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  if (argument.type === "Tensor") {
    if (!argument.list) return optionalHandle(value as Tensor);
    return argument.optionalEntries ? optionalHandles(value as Tensor[]) : handles(value as Tensor[]);
  }
  if (argument.list) return value;
  switch (argument.type) {
    case "ScalarType":
      return dtypeCode(value as DTypeLike);
    case "Layout":
      return layoutCode(value as Layout);
    case "MemoryFormat":
      return memoryFormatCode(value as MemoryFormat);
    case "Generator":
      return (value as Generator).id;
    default:
      return value;
  }
}

function finish({ returns }: Schema, result: unknown, written: readonly unknown[]): unknown {
  if (returns.length === 0) return undefined;
  let next = 0;
  const convert = (index: number, value: unknown): unknown => {
    const { type, list, mutable } = returns[index]!;
    if (mutable) return written[next++];
    if (type === "Tensor") return list ? wrapList(value as number[]) : wrap(value as number);
    return type === "ScalarType" ? dtypeName(value as number) : value;
  };
  return returns.length === 1
    ? convert(0, result)
    : returns.map((_, index) => convert(index, (result as unknown[])[index]));
}

// ---- errors

function mismatch(table: OperatorTable, given: readonly unknown[]): TypeError {
  let count = given.length;
  while (count > 0 && given[count - 1] === undefined) count--;
  const got = given.slice(0, count).map(kindName).join(", ");
  const accepted = overloadsOf(table).map((overload) => `  ${usage(overload)}`);
  return new TypeError(
    `${table.name}: expected arguments that fit ${accepted.length === 1 ? "its signature" : "one of its overloads"}, got (${got}). It takes:\n${accepted.join("\n")}`,
  );
}

function usage({ schema, out, factory }: Overload): string {
  const show = ({ key, type, list, size, optional, hasDefault, default: value }: SchemaArgument): string =>
    `${key}: ${type}${list ? `[${size ?? ""}]` : ""}${optional ? "?" : ""}${hasDefault && value !== "None" ? ` = ${value}` : ""}`;
  const positional = schema.arguments.filter((argument) => !argument.kwargOnly).map(show);
  const named = schema.arguments.filter((argument) => argument.kwargOnly).map(show);
  if (factory) named.push("requiresGrad: bool = False");
  if (out) named.push("out: Tensor");
  return `(${[...positional, ...(named.length > 0 ? [`{ ${named.join(", ")} }`] : [])].join(", ")})`;
}

function kindName(value: unknown): string {
  if (value === null) return "null";
  if (value instanceof Tensor) return "Tensor";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `${kindName(value[0])}[]`;
  if (typeof value === "object")
    return isOptions(value)
      ? `{ ${Object.entries(value)
          .map(([key, entry]) => `${key}: ${kindName(entry)}`)
          .join(", ")} }`
      : (value.constructor?.name ?? "object");
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "number" ? String(value) : typeof value;
}
