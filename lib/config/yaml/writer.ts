import { Float } from "./nodes";
import { resolvePlainScalar, yamlFloat } from "./scalars";

/**
 * Writes plain values as block-style YAML that PyYAML reads back the same: floats with a dot and a signed exponent,
 * strings quoted when they would read as something else.
 */

const TIMESTAMP = /^\d{4}-\d\d?-\d\d?([Tt\s].*)?$/;
/** Characters that start or are a plain scalar with another meaning. */
const SPECIAL_START = /^[-?:,[\]{}#&*!|>'"%@`=]/;

function needsQuotes(text: string): boolean {
  if (text === "" || text !== text.trim()) return true;
  if (typeof resolvePlainScalar(text) !== "string") return true;
  // what plain YAML 1.1 or 1.2 readers could take for a number, date, merge key or boolean
  if (TIMESTAMP.test(text) || (/^[-+]?[\d.]/.test(text) && !Number.isNaN(Number(text)))) return true;
  if (/^(<<|=|y|Y|n|N|[-+]?0[bx]_+)$/.test(text)) return true;
  if (SPECIAL_START.test(text) && !/^[-?:][^\s]/.test(text)) return true;
  if (/^[-?:]$/.test(text) || text.startsWith("---") || text.startsWith("...")) return true;
  return /: |:$| #/.test(text);
}

/** A string scalar; multi-line and control characters go into double quotes. */
function writeString(text: string): string {
  if (UNQUOTABLE.test(text)) return `"${text.replace(ESCAPED, escape)}"`;
  return needsQuotes(text) ? `'${text.replaceAll("'", "''")}'` : text;
}

/** Characters that single quotes cannot hold: control characters, line ends, halves of surrogate pairs. */
const UNPRINTABLE = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ufeff\\ufffe\\uffff\\ud800-\\udfff";
const UNQUOTABLE = new RegExp(`[${UNPRINTABLE}]`, "u");
const ESCAPED = new RegExp(`["\\\\${UNPRINTABLE}]`, "gu");
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** An escape that YAML 1.1 knows. */
function escape(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function writeScalar(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return String(value);
  if (value instanceof Float) return yamlFloat(value.value);
  if (typeof value === "number")
    return Number.isInteger(value) && !Object.is(value, -0) ? String(BigInt(value)) : yamlFloat(value);
  if (typeof value === "string") return writeString(value);
  if (typeof value === "boolean") return String(value);
  const kind = typeof value === "object" ? `an object of the class ${value.constructor.name}` : `a ${typeof value}`;
  throw new TypeError(`expected a YAML value, received ${kind}`);
}

type Mapping = Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;
type Container = Mapping | readonly unknown[];

function isContainer(value: unknown): value is Container {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value) || value instanceof Map) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // by name, not identity: a mapping may come from another realm (jest, vm, jiti)
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function entriesOf(value: Mapping): [string, unknown][] {
  if (!(value instanceof Map)) return Object.entries(value);
  return [...(value as ReadonlyMap<unknown, unknown>)].map(([key, item]) => {
    if (typeof key !== "string") throw new TypeError(`expected a string as key of a mapping, received ${String(key)}`);
    return [key, item];
  });
}

function isEmpty(value: Container): boolean {
  return (Array.isArray(value) ? value : entriesOf(value as Mapping)).length === 0;
}

/** Readers look for the colon of a key at most 1,024 characters ahead; a longer key needs a mark. */
const LONGEST_SIMPLE_KEY = 1000;

function writeKey(key: string, indent: string, lines: string[]): string {
  const text = writeString(key);
  if (text.length <= LONGEST_SIMPLE_KEY) return `${indent}${text}:`;
  lines.push(`${indent}? ${text}`);
  return `${indent}:`;
}

function writeLines(value: Container, indent: string, lines: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (isContainer(item) && !isEmpty(item)) {
        // the first line of a nested block goes after the dash
        const inner: string[] = [];
        writeLines(item, `${indent}  `, inner);
        lines.push(`${indent}- ${inner[0]!.slice(indent.length + 2)}`, ...inner.slice(1));
      } else lines.push(`${indent}- ${writeLeaf(item)}`);
    }
    return;
  }
  for (const [key, item] of entriesOf(value as Mapping)) {
    const name = writeKey(key, indent, lines);
    if (isContainer(item) && !isEmpty(item)) {
      lines.push(name);
      // lists are at their key's indentation, as PyYAML writes them
      writeLines(item, Array.isArray(item) ? indent : `${indent}  `, lines);
    } else lines.push(`${name} ${writeLeaf(item)}`);
  }
}

function writeLeaf(value: unknown): string {
  if (!isContainer(value)) return writeScalar(value);
  return Array.isArray(value) ? "[]" : "{}";
}

/**
 * Plain objects, Maps, arrays and scalars ({@link Float} for floats that look integral) as YAML text with a final newline.
 *
 * @param options.sortKeys - mapping keys in alphabetical order. Default: as they are
 * @throws TypeError for anything else, such as a Date or a tensor
 */
export function writeYaml(value: unknown, options: { sortKeys?: boolean } = {}): string {
  const tree = options.sortKeys ? sorted(value) : value;
  if (!isContainer(tree) || isEmpty(tree)) return `${writeLeaf(tree)}\n`;
  const lines: string[] = [];
  writeLines(tree, "", lines);
  return `${lines.join("\n")}\n`;
}

function sorted(value: unknown): unknown {
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = entriesOf(value as Mapping).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
