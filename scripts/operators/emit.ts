/**
 * Writes the TypeScript of one operator: its overload signatures, and a body whose fast paths call the addon directly.
 *
 * A body tries the argument counts from the fewest up (so that trailing defaults are never handed over) and, where an
 * operator has several overloads, tells them apart by the kinds of the arguments. What no fast path takes (options
 * objects, bigints, booleans for numbers, mistakes) goes to `dispatch`, which reads the schemas.
 */
import { camelCase, type Schema, type SchemaArgument } from "../../lib/torch/schema";
import { argumentType, fromNative, kindOf, quickCheck, returnType, toNative } from "./types";
import type { Operator, Overload } from "./surface";

/** The parameter behind the last one. */
const SURPLUS = "surplus";

/** Words that are no function names in JavaScript. */
const RESERVED: ReadonlySet<string> = new Set([
  "var",
  "in",
  "new",
  "delete",
  "with",
  "function",
  "default",
  "switch",
  "enum",
  "class",
  "void",
]);

/** The name under which a function stands in its file: `$var` for the reserved `var`. */
export function localName(name: string): string {
  return RESERVED.has(name) ? `$${name}` : name;
}

/** The sets of option names that the functions of one file share. */
export class OptionNames {
  private readonly sets = new Map<string, string>();

  /** The constant that holds a set. */
  constant(keys: readonly string[]): string {
    const text = JSON.stringify(keys);
    let name = this.sets.get(text);
    if (name === undefined) this.sets.set(text, (name = `$options_${this.sets.size}`));
    return name;
  }

  /** The constants' declarations. */
  declarations(): string {
    return [...this.sets].map(([text, name]) => `const ${name}: ReadonlySet<string> = new Set(${text});`).join("\n");
  }
}

/** A result whose parts have names in PyTorch. */
export interface NamedResult {
  /** Name of its type. */
  readonly name: string;
  /** Name of the constant that holds its prototype. */
  readonly constant: string;
  readonly keys: readonly string[];
  /** The type of each part. */
  readonly types: readonly string[];
}

/** The named result of a schema, or null where its parts have no names. */
export function namedResult({ returns }: Schema): NamedResult | null {
  if (returns.length < 2 || returns.some(({ name }) => name === "")) return null;
  const keys = returns.map(({ name }) => camelCase(name));
  const types = returns.map(returnType);
  const kinds = types.every((type) => type === "Tensor") ? [] : types;
  const name = [...keys, ...kinds]
    .map((part) => part.replace("[]", "List"))
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join("");
  return { name: `${name}Result`, constant: `$names_${name}`, keys, types };
}

/** The declaration of its type. Where a part has the name of a method of arrays, the type is not an array's, but still a tuple's. */
export function namedResultType({ name, keys, types }: NamedResult): string {
  const tuple = `[${keys.map((key, index) => `${key}: ${types[index]!}`).join(", ")}]`;
  const parts = keys.map((key, index) => `readonly ${key}: ${types[index]!}`).join("; ");
  const hidden = keys.filter((key) => key in Array.prototype).map((key) => JSON.stringify(key));
  return hidden.length === 0
    ? `export type ${name} = ${tuple} & { ${parts} };`
    : `export interface ${name} extends Omit<${tuple}, ${hidden.join(" | ")}> { ${parts} }`;
}

/** The functions of one operator. */
export function emitFunction(operator: Operator, optionNames: OptionNames): string {
  const { overloads } = operator;
  const name = localName(operator.name);
  const table = `$table_${operator.aten}`;
  const parameters = Math.max(...overloads.map(argumentCount));
  // One more than there are, so that an argument too many is seen: it fits no fast path, and `dispatch` refuses it.
  const argumentNames = [...parameterNames(overloads, parameters), SURPLUS];
  const lines = [
    `const ${table} = operatorTable(${JSON.stringify(operator.name)}, [`,
    ...overloads.flatMap(({ schema, out }) => [
      `  ${JSON.stringify(schema.text)},`,
      ...(out ? [`  ${JSON.stringify(out.text)},`] : []),
    ]),
    "]);",
    ...overloads.filter(isFast).map(({ schema }) => `let ${idName(schema)} = -1;`),
  ];
  for (const { schema, out } of overloads) {
    lines.push(documentation(operator, schema));
    lines.push(
      ...signatures(schema, out, null, operator.page !== null).map(
        (signature) => `${exported(operator)}function ${name}(${signature.parameters}): ${signature.result};`,
      ),
    );
  }
  lines.push(
    ...unionSignatures(overloads, null).map(
      (signature) => `${exported(operator)}function ${name}(${signature.parameters}): ${signature.result};`,
    ),
  );
  lines.push(
    `${exported(operator)}function ${name}(${argumentNames.map((argument) => `${argument}?: any`).join(", ")}): any {`,
  );
  lines.push("  try {", ...fastPaths(operator, argumentNames, optionNames).map((line) => `    ${line}`));
  lines.push(`    return dispatch(${table}, [${argumentNames.join(", ")}]);`);
  lines.push("  } catch (error) {", `    return recover(error, ${table}, [${argumentNames.join(", ")}]);`, "  }", "}");
  if (name !== operator.name) lines.push(`export { ${name} as ${operator.name} };`);
  return lines.join("\n");
}

/** The constant under which the file of methods holds the function of an operator. */
export function boundName(operator: Operator): string {
  return `$${operator.name}`;
}

/** The method of `Tensor` that hands over to the function. */
export function emitMethod(operator: Operator): string {
  const usable = operator.overloads.filter(({ schema }) => selfIndex(schema) >= 0);
  if (usable.length === 0 || operator.method === null) return "";
  const position = selfIndex(usable[0]!.schema);
  const same = usable.filter(({ schema }) => selfIndex(schema) === position);
  const lines: string[] = [];
  for (const { schema, out } of same) {
    lines.push(documentation(operator, schema));
    lines.push(
      ...signatures(schema, out, position, operator.page !== null).map(
        (signature) => `${operator.method}(${signature.parameters}): ${signature.result};`,
      ),
    );
  }
  lines.push(
    ...unionSignatures(same, position).map(
      (signature) => `${operator.method}(${signature.parameters}): ${signature.result};`,
    ),
  );
  const count = Math.max(...same.map(argumentCount)) - 1;
  // Overloads without `self` (`where(condition, self, other)`) may take more: those places stay empty.
  const empty = Math.max(...operator.overloads.map(argumentCount)) - count - 1;
  const names = Array.from({ length: count }, (_, index) => `a${index}`);
  const handedOver = [
    ...names.slice(0, position),
    "this",
    ...names.slice(position),
    ...Array<string>(empty).fill("undefined"),
    SURPLUS,
  ];
  lines.push(`${operator.method}(${[...names, SURPLUS].map((name) => `${name}?: any`).join(", ")}): any {`);
  lines.push(`  return ${boundName(operator)}(${handedOver.join(", ")});`, "}");
  return lines.map((line) => `  ${line}`).join("\n");
}

function exported(operator: Operator): string {
  return localName(operator.name) === operator.name ? "export " : "";
}

function documentation(operator: Operator, schema: Schema): string {
  const text = schema.text.replace("aten::", "").replaceAll("*/", "*\\/");
  return `/** \`${text}\`${operator.page ? ` · [PyTorch](${operator.page})` : ""} */`;
}

function positional(schema: Schema): SchemaArgument[] {
  return schema.arguments.filter((argument) => !argument.kwargOnly);
}

function selfIndex(schema: Schema): number {
  return positional(schema).findIndex(
    ({ name, type, list, optional }) => name === "self" && type === "Tensor" && !list && !optional,
  );
}

function idName(schema: Schema): string {
  return `$id_${schema.name.slice("aten::".length)}${schema.overload ? `_${schema.overload}` : ""}`;
}

function idExpression(schema: Schema): string {
  const id = idName(schema);
  return `${id} < 0 ? (${id} = operatorId(${JSON.stringify(schema.name)}, ${JSON.stringify(schema.overload)})) : ${id}`;
}

/** True where the arguments by position alone make a call: no keyword-only argument is required. */
function isFast({ schema }: Overload): boolean {
  return schema.arguments.every((argument) => !argument.kwargOnly || argument.hasDefault || argument.optional);
}

function isFactory(schema: Schema): boolean {
  return ["dtype", "layout", "device", "pin_memory"].every((name) =>
    schema.arguments.some((argument) => argument.kwargOnly && argument.name === name),
  );
}

/** Arguments by position and, where there are some, the options. */
function argumentCount({ schema, out }: Overload): number {
  return positional(schema).length + (takesOptions(schema, out) ? 1 : 0);
}

function takesOptions(schema: Schema, out: Schema | null): boolean {
  return out !== null || schema.arguments.some((argument) => argument.kwargOnly || argument.hasDefault);
}

// ---- signatures

interface Signature {
  readonly parameters: string;
  readonly result: string;
}

/** By position, and (where positional arguments have defaults) with these named in the options; with `byName`, all named. */
function signatures(schema: Schema, out: Schema | null, self: number | null, byName: boolean): Signature[] {
  const all = positional(schema);
  const required = requiredCount(all);
  const result = resultType(schema, self);
  const keywords = schema.arguments.filter((argument) => argument.kwargOnly);
  const withoutSelf = (list: readonly SchemaArgument[]): SchemaArgument[] => list.filter((_, index) => index !== self);
  const optionsType = (named: readonly SchemaArgument[]): string => {
    const fields = [...named, ...keywords].map(
      (argument) => `${argument.key}${isRequired(argument) ? "" : "?"}: ${argumentType(argument)}`,
    );
    if (isFactory(schema)) fields.push("requiresGrad?: boolean");
    if (out) fields.push(`out?: ${outType(out)}`);
    return `{ ${fields.join("; ")} }`;
  };
  const parameter = (argument: SchemaArgument, index: number): string =>
    `${parameterName(argument.key)}${index >= required ? "?" : ""}: ${argumentType(argument)}`;
  const indexed = all.map((argument, index) => ({ text: parameter(argument, index), index }));
  const needed = indexed.filter(({ index }) => index !== self && index < required).map(({ text }) => text);
  const every = indexed.filter(({ index }) => index !== self).map(({ text }) => text);
  const hasKeywords = keywords.length > 0 || out !== null;
  const requiredKeyword = keywords.some(isRequired);
  const question = requiredKeyword ? "" : "?";
  const optional = all.filter((argument, index) => index >= required && index !== self && argument.name !== "self");
  const list: Signature[] = [];
  if (!requiredKeyword || optional.length === 0) {
    list.push({
      parameters: [...every, ...(hasKeywords ? [`options${question}: ${optionsType([])}`] : [])].join(", "),
      result,
    });
  }
  if (optional.length > 0)
    list.push({ parameters: [...needed, `options: ${optionsType(optional)}`].join(", "), result });
  // All but the tensor by name, as `flip(x, { dims: [0] })`.
  const named = withoutSelf(all).filter((argument) => argument.name !== "self");
  if (byName && named.some(isRequired)) {
    const first = indexed.filter(({ index }) => index !== self && all[index]!.name === "self").map(({ text }) => text);
    list.push({ parameters: [...first, `options: ${optionsType(named)}`].join(", "), result });
  }
  return list;
}

/**
 * One more signature for arguments whose type is not known to be either: overloads that differ only in Tensor against Scalar,
 * as `add(x, tensorOrNumber)`. TypeScript does not try a union against the overloads one by one.
 */
function unionSignatures(overloads: readonly Overload[], self: number | null): Signature[] {
  const groups = new Map<string, Overload[]>();
  for (const overload of overloads) {
    const keys = requiredOf(overload.schema)
      .map(({ key }) => key)
      .join();
    groups.set(keys, [...(groups.get(keys) ?? []), overload]);
  }
  return [...groups.values()].filter((group) => group.length > 1).flatMap((group) => unionSignature(group, self));
}

function requiredOf(schema: Schema): SchemaArgument[] {
  const all = positional(schema);
  return all.slice(0, requiredCount(all));
}

function unionSignature(overloads: readonly Overload[], self: number | null): Signature[] {
  const rows = overloads.map(({ schema }) => requiredOf(schema));
  const [first] = rows;
  let mixed = false;
  const parameters: string[] = [];
  for (let index = 0; index < first!.length; index++) {
    const types = [...new Set(rows.map((row) => argumentType(row[index]!)))];
    if (types.length > 1 && types.some((type) => type !== "Tensor" && type !== "Scalar")) return [];
    if (index === self) continue;
    mixed ||= types.length > 1;
    parameters.push(`${parameterName(first![index]!.key)}: ${types.join(" | ")}`);
  }
  const results = new Set(overloads.map(({ schema }) => resultType(schema, self)));
  if (!mixed || results.size > 1) return [];
  const shared = overloads[0]!.schema.arguments.filter(
    (argument) =>
      !first!.includes(argument) &&
      overloads.every(({ schema }) =>
        schema.arguments.some(({ key, type }) => key === argument.key && type === argument.type),
      ),
  );
  const fields = shared.map((argument) => `${argument.key}?: ${argumentType(argument)}`);
  if (overloads.every(({ out }) => out !== null)) fields.push("out?: Tensor");
  if (fields.length > 0) parameters.push(`options?: { ${fields.join("; ")} }`);
  return [{ parameters: parameters.join(", "), result: [...results][0]! }];
}

function isRequired(argument: SchemaArgument): boolean {
  return !argument.hasDefault && !(argument.kwargOnly && argument.optional);
}

function outType(out: Schema): string {
  const written = out.arguments.filter((argument) => argument.mutable && argument.kwargOnly);
  return written.length === 1
    ? argumentType(written[0]!)
    : `readonly [${written.map((argument) => `${argument.key}: ${argumentType(argument)}`).join(", ")}]`;
}

function resultType(schema: Schema, self: number | null): string {
  const { returns } = schema;
  if (returns.length === 0) return "void";
  if (returns.length === 1)
    return self !== null && returns[0]!.mutable && positional(schema)[self]?.mutable ? "this" : returnType(returns[0]!);
  return namedResult(schema)?.name ?? `[${returns.map(returnType).join(", ")}]`;
}

function parameterName(key: string): string {
  return RESERVED.has(key) || key === "arguments" ? `${key}_` : key;
}

function requiredCount(all: readonly SchemaArgument[]): number {
  return all.reduce((count, argument, index) => (argument.hasDefault ? count : index + 1), 0);
}

// ---- bodies

/** Names of the implementation's parameters: the schema's where all overloads agree, `a1`, … where they do not. */
function parameterNames(overloads: readonly Overload[], count: number): string[] {
  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    const found = new Set(overloads.map(({ schema }) => positional(schema)[index]?.key ?? "options"));
    const [only] = found;
    names.push(found.size === 1 && !names.includes(parameterName(only!)) ? parameterName(only!) : `a${index}`);
  }
  return names;
}

function fastPaths({ overloads, page }: Operator, names: readonly string[], optionNames: OptionNames): string[] {
  const fast = overloads.filter(isFast);
  if (fast.length === 0) return [];
  const fewest = Math.min(...fast.map(({ schema }) => requiredCount(positional(schema))));
  // Built inside out: the body for `count` given arguments stands inside the test that the next one is absent.
  let body: string[] = [];
  for (let count = fewest; count <= names.length; count++) {
    const candidates = fast.flatMap(({ schema }) => candidate(schema, overloads, names, count));
    // Options are read without the slow path where people use them: in operators that PyTorch documents.
    const named = page ? fast.flatMap(({ schema }) => candidate(schema, overloads, names, count - 1, optionNames)) : [];
    body = [...body, ...candidates, ...named];
    const next = names[count];
    if (next !== undefined && body.length > 0)
      body = [`if (${next} === undefined) {`, ...body.map((line) => `  ${line}`), "}"];
  }
  return body;
}

/**
 * The call of one overload with exactly its first `count` arguments, behind the checks that tell it from the others; with
 * `optionNames`, the argument behind them holds options, which name the rest.
 */
function candidate(
  schema: Schema,
  overloads: readonly Overload[],
  names: readonly string[],
  count: number,
  optionNames?: OptionNames,
): string[] {
  const all = positional(schema);
  const required = requiredCount(all);
  if (count < required || count > all.length) return [];
  const checks: string[] = [];
  for (let index = 0; index < count; index++) {
    const argument = all[index]!;
    const name = names[index]!;
    const rivals = overloads
      .filter(({ schema: other }) => other !== schema)
      .map(({ schema: other }) => positional(other)[index]);
    const contested = rivals.some(
      (rival) => rival === undefined || kindOf(rival) !== kindOf(argument) || rival.optional !== argument.optional,
    );
    const last = index === count - 1 && index >= required;
    if (!contested && !last) continue;
    const tellListsApart = rivals.some((rival) => rival?.list && kindOf(rival) !== kindOf(argument));
    const check = quickCheck(argument, name, tellListsApart);
    checks.push(index >= required && !last ? `(${name} === undefined || ${check})` : check);
  }
  const values = all.slice(0, count).map((argument, index) => toNative(argument, names[index]!));
  if (optionNames) {
    const named = schema.arguments.filter((argument) => argument.kwargOnly || all.indexOf(argument) >= count);
    // Only the two usual forms: all positional arguments given, or just those without a default.
    if (named.length === 0 || (count !== required && count !== all.length)) return [];
    const options = names[count]!;
    checks.push(`takesOnly(${options}, ${optionNames.constant(named.map(({ key }) => key))})`);
    values.push(...named.map((argument) => toNative(argument, `${options}.${argument.key}`)));
  }
  const call = `call(${[idExpression(schema), ...values].join(", ")})`;
  const body = finish(schema, call, names);
  if (checks.length === 0)
    return body.some((line) => line.startsWith("const")) ? ["{", ...body.map((line) => `  ${line}`), "}"] : body;
  return body.length === 1
    ? [`if (${checks.join(" && ")}) ${body[0]}`]
    : [`if (${checks.join(" && ")}) {`, ...body.map((line) => `  ${line}`), "}"];
}

/** What happens to the result of a call. */
function finish(schema: Schema, call: string, names: readonly string[]): string[] {
  const { returns } = schema;
  if (returns.length === 0) return [`return void ${call};`];
  if (returns.length === 1) {
    const [result] = returns;
    if (!result!.mutable) return [`return ${fromNative(result!, call)};`];
    const target = names[positional(schema).findIndex((argument) => argument.mutable)]!;
    return result!.list
      ? [`${call};`, `return ${target};`]
      : [`${call};`, `${target}.cachedInfo = null;`, `return ${target};`];
  }
  const written = positional(schema).flatMap((argument, index) => (argument.mutable ? [names[index]!] : []));
  let next = 0;
  const entries = returns.map((result, index) =>
    result.mutable ? written[next++]! : fromNative(result, `results[${index}]`),
  );
  const result = namedResult(schema);
  const list = `[${entries.join(", ")}]`;
  return [`const results = ${call} as unknown[];`, `return ${result ? `named(${result.constant}, ${list})` : list};`];
}
