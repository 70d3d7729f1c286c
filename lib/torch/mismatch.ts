/** What is said of a call that fits no overload of an operator. */
import { dtype as dtypeKind, show, unknownOption } from "./arguments";
import { bind, overloadsOf, type Misfit, type OperatorTable, type Overload } from "./binding";
import { isDType } from "./dtype";
import type { SchemaArgument } from "./schema";

/** @internal The error for arguments that no overload takes: what came, what fits, and where the nearest overload stopped. */
export function mismatch(table: OperatorTable, given: readonly unknown[]): TypeError {
  const overloads = overloadsOf(table);
  const accepted = `It takes:\n${overloads.map((overload) => `  ${usage(overload)}`).join("\n")}`;
  const misfits: Misfit[] = [];
  for (const overload of overloads) bind(overload, given, misfits);
  const farthest = Math.max(...misfits.map(({ fitting }) => fitting));
  const nearest = misfits.filter(({ fitting }) => fitting === farthest);
  const unknown = nearest.find((misfit) => misfit.unknown);
  if (unknown !== undefined) {
    const names = new Set(overloads.flatMap(optionNames));
    return new TypeError(`${unknownOption(table.name, unknown.name!, names)} ${accepted}`);
  }
  const named = nearest.find(({ expected }) => expected?.kwargOnly === true);
  if (named !== undefined) return new TypeError(`${table.name}: ${lowerFirst(explain([named], given))}`);
  let count = given.length;
  while (count > 0 && given[count - 1] === undefined) count--;
  const got = given.slice(0, count).map(show).join(", ");
  const fitting = overloads.length === 1 ? "its signature" : "one of its overloads";
  return new TypeError(
    `${table.name}: expected arguments that fit ${fitting}, got (${got}). ${accepted}\n${explain(nearest, given)}`,
  );
}

/** The sentence about the argument at which the overloads that came farthest stopped. */
function explain(misfits: readonly Misfit[], given: readonly unknown[]): string {
  const { name, value } = misfits[0]!;
  if (name === null) {
    const hint = isDType(value) ? `; options are one object, last: { dtype: "${value}" }` : "";
    return `The argument ${show(value)} is one too many${hint}.`;
  }
  const same = misfits.filter((misfit) => misfit.name === name);
  const types = new Set(same.flatMap(({ expected }) => (expected ? [typeText(expected)] : [])));
  const expected = types.size === 0 ? "another value" : [...types].join(" or ");
  const near = same.some(({ expected }) => expected?.type === "ScalarType") ? (dtypeKind.hint?.(value) ?? "") : "";
  const came = value === undefined ? "none" : show(value);
  return `Expected ${expected} for ${name}, got ${came}${near}${arrayHint(same, given)}`;
}

function lowerFirst(sentence: string): string {
  return sentence[0]!.toLowerCase() + sentence.slice(1);
}

/** `reshape(2, 3)` is Python's spelling: here sizes are one array. */
function arrayHint(misfits: readonly Misfit[], given: readonly unknown[]): string {
  const numbers = given.filter((value) => typeof value === "number");
  const wantsArray = misfits.some(({ expected }) => expected?.list === true && expected.type === "int");
  return wantsArray && typeof misfits[0]!.value === "number" ? `; write one array: [${numbers.join(", ")}]` : "";
}

function typeText({ type, list, optional }: SchemaArgument): string {
  const [one, many] = TYPE_TEXTS.get(type) ?? [type, type];
  return `${list ? `an array of ${many}` : one}${optional ? " or null" : ""}`;
}

const TYPE_TEXTS: ReadonlyMap<string, readonly [one: string, many: string]> = new Map([
  ["Tensor", ["a tensor", "tensors"]],
  ["int", ["an integer", "integers"]],
  ["float", ["a number", "numbers"]],
  ["Scalar", ["a number", "numbers"]],
  ["bool", ["a boolean", "booleans"]],
  ["str", ["a string", "strings"]],
  ["ScalarType", [dtypeKind.text, "dtypes"]],
  ["Device", ['a device ("cpu", "cuda:0")', "devices"]],
  ["Generator", ["a Generator", "Generators"]],
]);

function optionNames({ schema, out, factory }: Overload): string[] {
  const named = schema.arguments.filter(({ name }) => name !== "self" && name !== "out");
  return [...named.map(({ key }) => key), ...(factory ? ["requiresGrad"] : []), ...(out ? ["out"] : [])];
}

function usage({ schema, out, factory }: Overload): string {
  const describe = ({ key, type, list, size, optional, hasDefault, default: value }: SchemaArgument): string =>
    `${key}: ${type}${list ? `[${size ?? ""}]` : ""}${optional ? "?" : ""}${hasDefault && value !== "None" ? ` = ${value}` : ""}`;
  const positional = schema.arguments.filter((argument) => !argument.kwargOnly).map(describe);
  const named = schema.arguments.filter((argument) => argument.kwargOnly).map(describe);
  if (factory) named.push("requiresGrad: bool = False");
  if (out) named.push("out: Tensor");
  return `(${[...positional, ...(named.length > 0 ? [`{ ${named.join(", ")} }`] : [])].join(", ")})`;
}
