/** Which overload of an operator takes the given arguments, by the schemas. */
import { isPlainObject } from "./arguments";
import { dtypeCode, isDType } from "./dtype";
import { Generator } from "./generator";
import { parseSchema, type Schema, type SchemaArgument } from "./schema";
import { Tensor } from "./tensor";

/** @internal An operator's overloads; the schemas are read on first use. */
export interface OperatorTable {
  readonly name: string;
  readonly texts: readonly string[];
  overloads: readonly Overload[] | null;
}

/** @internal */
export interface Overload {
  readonly schema: Schema;
  readonly positional: readonly SchemaArgument[];
  /** The variant that writes into `out`. */
  readonly out: Schema | null;
  /** Takes `requiresGrad`, as factories do. */
  readonly factory: boolean;
}

/** @internal The overloads of an operator, read from their schemas on first use. */
export function overloadsOf(table: OperatorTable): readonly Overload[] {
  if (table.overloads) return table.overloads;
  const list: Overload[] = [];
  for (const text of table.texts) {
    const schema = parseSchema(text);
    const previous = list.at(-1);
    // The generator writes an out variant right after its functional twin.
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

/** @internal Values for the arguments of an overload. */
export interface Bound {
  readonly schema: Schema;
  /** By the schema's arguments; `undefined` takes the default. */
  readonly values: readonly unknown[];
  readonly requiresGrad: boolean;
}

/** @internal Why an overload does not take what was given. */
export interface Misfit {
  /** How far the overload agreed: its arguments that fit. */
  readonly fitting: number;
  /** The argument or option that does not fit; null: too many arguments. */
  readonly name: string | null;
  /** The option is none of the overload's. */
  readonly unknown: boolean;
  readonly expected: SchemaArgument | null;
  readonly value: unknown;
}

/** @internal Assigns what was given to the arguments of one overload; null when it does not fit, and why, when `misfits` asks for it. */
export function bind(
  { schema, positional, out, factory }: Overload,
  given: readonly unknown[],
  misfits?: Misfit[],
): Bound | null {
  const refuse = (misfit: Partial<Misfit>): null => {
    misfits?.push({ fitting: 0, name: null, unknown: false, expected: null, value: undefined, ...misfit });
    return null;
  };
  let count = given.length;
  while (count > 0 && given[count - 1] === undefined) count--;
  const last = given[count - 1];
  const options = isPlainObject(last) && !(isComplex(last) && positional[count - 1]?.type === "Scalar") ? last : null;
  if (options) count--;
  if (count > positional.length) {
    const found = misfits && misfitIn(schema, given.slice(0, positional.length));
    return refuse(found ?? { fitting: positional.length, value: given[positional.length] });
  }

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
      if (typeof value !== "boolean") return refuse({ fitting: count, name: key, value });
      requiresGrad = value;
    } else {
      const index = schema.arguments.findIndex((argument) => argument.key === key || argument.name === key);
      if (index < 0)
        return refuse((misfits && misfitIn(schema, values)) ?? { fitting: count, name: key, unknown: true });
      if (values[index] !== undefined) return refuse({ fitting: count, name: key, value });
      values[index] = value;
    }
  }
  if (written !== undefined) {
    const bound = bindOut(schema, values, out!, written);
    return bound
      ? { schema: out!, values: bound, requiresGrad }
      : refuse({ fitting: count, name: "out", value: written });
  }
  return fits(schema, values, misfits) ? { schema, values, requiresGrad } : null;
}

/** The first of the given values that does not fit. */
function misfitIn(schema: Schema, values: readonly unknown[]): Partial<Misfit> | undefined {
  const index = values.findIndex((value, at) => value !== undefined && !accepts(schema.arguments[at]!, value));
  return index < 0
    ? undefined
    : { fitting: index, name: schema.arguments[index]!.key, expected: schema.arguments[index], value: values[index] };
}

/** True when every argument has a value that it takes, or needs none. */
function fits(schema: Schema, values: readonly unknown[], misfits?: Misfit[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const argument = schema.arguments[index]!;
    const value = values[index];
    const fit =
      value === undefined ? argument.hasDefault || (argument.kwargOnly && argument.optional) : accepts(argument, value);
    if (fit) continue;
    misfits?.push({ fitting: index, name: argument.key, unknown: false, expected: argument, value });
    return false;
  }
  return true;
}

/**
 * Values for the out variant, from those for its functional twin; null when they do not fit. It has no dtype, device, …: the
 * tensor that is written has its own, and what is asked for has to be that.
 */
function bindOut(schema: Schema, values: readonly unknown[], out: Schema, written: unknown): unknown[] | null {
  const targets = out.arguments.filter((argument) => argument.mutable && argument.kwargOnly);
  const tensors = targets.length === 1 ? [written] : written;
  if (!Array.isArray(tensors) || tensors.length !== targets.length) return null;
  const byName = new Map(schema.arguments.map((argument, index) => [argument.name, values[index]]));
  targets.forEach((argument, index) => byName.set(argument.name, (tensors as unknown[])[index]));
  const bound = out.arguments.map(({ name }) => byName.get(name));
  const names = new Set(out.arguments.map(({ name }) => name));
  const target = tensors[0] as unknown;
  const lost = [...byName].some(
    ([name, value]) => value !== undefined && value !== null && !names.has(name) && !isOfTarget(name, value, target),
  );
  return !lost && fits(out, bound) ? bound : null;
}

/** Whether a factory's option says what the tensor that it writes has anyway. */
function isOfTarget(option: string, value: unknown, target: unknown): boolean {
  if (!(target instanceof Tensor)) return false;
  if (option === "dtype") return isDType(value) && dtypeCode(value) === dtypeCode(target.dtype);
  if (option === "device") return value === target.device;
  return (option === "layout" && value === "strided") || (option === "pin_memory" && value === false);
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
