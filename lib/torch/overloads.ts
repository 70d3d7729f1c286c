/**
 * Overload choice by the schemas, for the calls that the generated fast paths leave over: options objects, rarer argument
 * kinds, and mistakes, which end in an error that lists what would have been accepted.
 */
import { types } from "node:util";
import { native } from "./addon";
import { isPlainObject, show } from "./arguments";
import { bind, overloadsOf, type Bound, type OperatorTable } from "./binding";
import {
  dtypeCode,
  dtypeName,
  layoutCode,
  memoryFormatCode,
  type DTypeLike,
  type Layout,
  type MemoryFormat,
} from "./dtype";
import { asTorchError, DisposedError, TorchError } from "./errors";
import type { Generator } from "./generator";
import { mismatch } from "./mismatch";
import { named, resultNames } from "./named-results";
import { camelCase, parseSchema, type Schema, type SchemaArgument } from "./schema";
import { wrap, wrapList } from "./scope";
import { Tensor } from "./tensor";

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
      : new TypeError(`expected a Tensor, got ${show(tensor)}`);
  return handle;
}

/** @internal Handles of a `Tensor[]` argument. */
export function handles(tensors: readonly Tensor[]): number[] {
  requireList(tensors);
  const list = new Array<number>(tensors.length);
  for (let index = 0; index < tensors.length; index++) {
    const tensor = tensors[index]!;
    if (!(tensor instanceof Tensor))
      throw new TypeError(`expected a list of tensors, got ${show(tensor)} at position ${index}`);
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
  if (!Array.isArray(value)) throw new TypeError(`expected a list of tensors, got ${show(value)}`);
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
  if (!isPlainObject(options)) return false;
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
  const bound = firstThatTakes(table, given);
  if (bound) return invoke(bound);
  throw mismatch(table, given);
}

function firstThatTakes(table: OperatorTable, given: readonly unknown[]): Bound | null {
  for (const overload of overloadsOf(table)) {
    const bound = bind(overload, given);
    if (bound) return bound;
  }
  return null;
}

/**
 * @internal What a call comes to whose fast path failed. A fast path takes the required arguments by position without a look at
 * them: where one is given by name, an options object stands in its place, and the call is made by the schemas instead.
 *
 * @throws TorchError, or a TypeError that lists the overloads.
 */
export function recover(error: unknown, table: OperatorTable, given: readonly unknown[]): unknown {
  if (isAboutArguments(error) && isPlainObject(given.findLast((value) => value !== undefined))) {
    const bound = firstThatTakes(table, given);
    if (bound) {
      try {
        return invoke(bound);
      } catch (second) {
        throw operatorError(second, table, given);
      }
    }
  }
  throw operatorError(error, table, given);
}

function operatorError(error: unknown, table: OperatorTable, given: readonly unknown[]): unknown {
  if (error instanceof DisposedError) return new DisposedError(table.name);
  if (error instanceof TorchError || !types.isNativeError(error)) return error;
  if (isAboutArguments(error) && !firstThatTakes(table, given)) return mismatch(table, given);
  return asTorchError(error, table.name);
}

function isAboutArguments(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === "ERR_ARGUMENT" || code === "ERR_DISPOSED" || error instanceof TypeError;
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
  exact ??= allTables();
  const table = exact.get(name);
  if (!table)
    throw new TorchError(
      `ops.call: expected the full name of an operator overload ("aten::add.Tensor"), got ${JSON.stringify(name)}`,
      { code: "ERR_OPERATOR" },
    );
  return table;
}

const schemas = new Map<string, Schema>();

/** @internal The schema of an overload, `aten::add.Tensor`; null where there is none. */
export function schemaOf(name: string): Schema | null {
  const known = schemas.get(name);
  if (known !== undefined) return known;
  exact ??= allTables();
  const table = exact.get(name);
  if (table === undefined) return null;
  const schema = parseSchema(table.texts[0]!);
  schemas.set(name, schema);
  return schema;
}

function allTables(): Map<string, OperatorTable> {
  return new Map(native.schemas().map(({ name: full, schema }) => [full, operatorTable(full, [schema])]));
}

/** All operators of the dispatcher. */
export const ops = {
  call,
  /** Full names of all overloads. */
  names: (): string[] => native.schemas().map(({ name }) => name),
};

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
  if (returns.length === 1) return convert(0, result);
  const parts = returns.map((_, index) => convert(index, (result as unknown[])[index]));
  if (returns.some(({ name }) => name === "")) return parts;
  return named(resultNames(...returns.map(({ name }) => camelCase(name))), parts);
}
