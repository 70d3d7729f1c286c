/** JSON as Python's `json.dumps` writes it, for files that both implementations read. */

/** How it is written. */
export interface PythonJsonOptions {
  /** Blanks an indentation; null: one line with `, ` and `: `. */
  readonly indent: number | null;
  /** Whether keys are sorted by code point, at every level. Default: false */
  readonly sortKeys?: boolean;
  /** Whether everything but printable ASCII is escaped. Default: true */
  readonly ascii?: boolean;
}

/** A value of JSON. Numbers have to be whole: Python writes others differently. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The text, without a newline at its end. */
export function pythonJson(value: JsonValue, options: PythonJsonOptions): string {
  return write(value, options, 0);
}

function write(value: JsonValue, options: PythonJsonOptions, depth: number): string {
  if (typeof value === "string") return quote(value, options.ascii ?? true);
  if (value === null || typeof value !== "object") return String(value);
  const inner = (item: JsonValue): string => write(item, options, depth + 1);
  const isList = Array.isArray(value);
  const items = isList
    ? (value as readonly JsonValue[]).map(inner)
    : entriesOf(value as Readonly<Record<string, JsonValue>>, options.sortKeys ?? false).map(
        ([key, item]) => `${quote(key, options.ascii ?? true)}: ${inner(item)}`,
      );
  const [open, close] = isList ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  if (options.indent === null) return `${open}${items.join(", ")}${close}`;
  const pad = (level: number): string => `\n${" ".repeat(options.indent! * level)}`;
  return `${open}${pad(depth + 1)}${items.join(`,${pad(depth + 1)}`)}${pad(depth)}${close}`;
}

function entriesOf(value: Readonly<Record<string, JsonValue>>, sortKeys: boolean): [string, JsonValue][] {
  const entries = Object.entries(value);
  return sortKeys ? entries.sort(([a], [b]) => compareCodePoints(a, b)) : entries;
}

function quote(text: string, ascii: boolean): string {
  const quoted = JSON.stringify(text);
  if (!ascii) return quoted;
  return quoted.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Order of Python's strings: by code point, where JavaScript's is by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // surrogates stand for code points above all other units
    const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
    return rank(x) - rank(y);
  }
  return a.length - b.length;
}
