import { ConfigError } from "../errors";
import { Float, type ScalarValue } from "../yaml/nodes";

/**
 * Values of command-line overrides and resolver arguments (training-inference-config spec 2.5): one token keeps its
 * type, several make a string; `[a,b]`, `{k:v}`, quotes, escapes, casts and sweeps.
 */

/** A parsed value. */
export type ValueTree = ScalarValue | ValueTree[] | { [key: string]: ValueTree } | Sweep;

/** Several values, one job each: `a,b`, `choice(a,b)`, `range(3)`, `glob(*)`. */
export class Sweep {
  constructor(
    readonly kind: "choice" | "range" | "glob" | "interval",
    readonly values: readonly ValueTree[],
    /** Patterns to leave out (glob). */
    readonly exclude: readonly ValueTree[] = [],
  ) {}
}

const INTEGER = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
const FLOAT =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?\d)*)\.(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?|(?:0|[1-9](?:_?\d)*)e[+-]?\d(?:_?\d)*)$/i;

/** The value of a text without quotes. */
export function parseToken(text: string): ScalarValue {
  if (/^null$/i.test(text)) return null;
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  if (INTEGER.test(text)) return Number(text.replaceAll("_", "")) || 0;
  if (FLOAT.test(text)) return new Float(Number(text.replaceAll("_", "")));
  if (/^[+-]?inf$/i.test(text)) return new Float(text.startsWith("-") ? -Infinity : Infinity);
  if (/^[+-]?nan$/i.test(text)) return new Float(NaN);
  return text;
}

const CASTS = ["int", "float", "str", "bool", "json_str"];
const SWEEPS = ["choice", "range", "interval", "glob", "shuffle", "sort", "tag"];
/** Characters that may follow a backslash to stand for themselves. */
const ESCAPABLE = "\\()[]{}:=, \t";

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  fail(expected: string): never {
    const got = this.at < this.text.length ? JSON.stringify(this.text.slice(this.at, this.at + 10)) : "the end";
    throw new ConfigError(
      `expected ${expected} at position ${this.at + 1} of the value ${JSON.stringify(this.text)}, received ${got}`,
    );
  }

  private skipBlanks(): void {
    while (this.text[this.at] === " " || this.text[this.at] === "\t") this.at++;
  }

  private peek(char: string): boolean {
    this.skipBlanks();
    return this.text[this.at] === char;
  }

  private take(char: string): boolean {
    if (!this.peek(char)) return false;
    this.at++;
    return true;
  }

  private expect(char: string): void {
    if (!this.take(char)) this.fail(`"${char}"`);
  }

  /** The whole text: one element, or several at top level (a sweep). */
  whole(): ValueTree {
    this.skipBlanks();
    if (this.at === this.text.length) return "";
    const first = this.element();
    const rest: ValueTree[] = [];
    while (this.take(",")) rest.push(this.element());
    this.skipBlanks();
    if (this.at < this.text.length) this.fail('"," or the end (quote or escape special characters)');
    return rest.length === 0 ? first : new Sweep("choice", [first, ...rest]);
  }

  private element(): ValueTree {
    this.skipBlanks();
    const char = this.text[this.at];
    if (char === "[") return this.list();
    if (char === "{") return this.dictionary();
    if (char === "'" || char === '"') return this.quoted();
    const call = /^([A-Za-z_]\w*)\s*\(/.exec(this.text.slice(this.at));
    if (call) {
      this.at += call[0].length;
      return this.call(call[1]!);
    }
    return this.primitive();
  }

  private list(): ValueTree[] {
    this.expect("[");
    const items: ValueTree[] = [];
    if (this.take("]")) return items;
    do items.push(this.element());
    while (this.take(","));
    this.expect("]");
    return items;
  }

  private dictionary(): { [key: string]: ValueTree } {
    this.expect("{");
    const entries: [string, ValueTree][] = [];
    if (this.take("}")) return {};
    do {
      const key = this.dictionaryKey();
      this.expect(":");
      entries.push([key, this.element()]);
    } while (this.take(","));
    this.expect("}");
    return Object.fromEntries(entries);
  }

  private dictionaryKey(): string {
    this.skipBlanks();
    if (this.text[this.at] === "'" || this.text[this.at] === '"') return this.quoted();
    const key = this.raw(":,{}[]()=").trim();
    if (key === "" || key === "__proto__") this.fail("a key");
    return key;
  }

  /** Characters up to one of `stops` outside of interpolations; escapes are undone. */
  private raw(stops: string): string {
    let result = "";
    while (this.at < this.text.length) {
      const char = this.text[this.at]!;
      if (char === "\\") {
        const next = this.text[this.at + 1];
        if (next !== undefined && ESCAPABLE.includes(next)) {
          // an escaped blank survives the trimming of the ends
          result += next === " " || next === "\t" ? PROTECTED[next] : next;
          this.at += 2;
          continue;
        }
      } else if (this.text.startsWith("${", this.at)) {
        const end = this.interpolationEnd();
        result += this.text.slice(this.at, end);
        this.at = end;
        continue;
      } else if (stops.includes(char)) break;
      result += char;
      this.at++;
    }
    return result;
  }

  private interpolationEnd(): number {
    let depth = 0;
    for (let at = this.at; at < this.text.length; at++) {
      if (this.text[at] === "{") depth++;
      else if (this.text[at] === "}" && --depth === 0) return at + 1;
    }
    return this.fail('a closing "}" for "${"');
  }

  private primitive(): ScalarValue {
    const start = this.at;
    const text = this.raw(",[]{}()='\"").trim();
    if (text === "") this.fail("a value");
    const next = this.text[this.at];
    if (next !== undefined && !",]})".includes(next)) this.fail('no unquoted "=", "(", "[", "{" or quote');
    const value = parseToken(text);
    // an escaped character makes it a string
    const escaped = this.text.slice(start, this.at).includes("\\");
    return typeof value === "string" || escaped ? unprotect(text) : value;
  }

  private quoted(): string {
    const quote = this.text[this.at]!;
    let result = "";
    for (this.at++; this.at < this.text.length;) {
      const char = this.text[this.at]!;
      if (char === quote) {
        this.at++;
        return result;
      }
      if (char === "\\") {
        let slashes = 0;
        while (this.text[this.at + slashes] === "\\") slashes++;
        const beforeQuote = this.text[this.at + slashes] === quote;
        this.at += slashes;
        result += "\\".repeat(beforeQuote ? Math.floor(slashes / 2) : slashes);
        if (beforeQuote && slashes % 2 === 1) {
          result += quote;
          this.at++;
        }
        continue;
      }
      result += char;
      this.at++;
    }
    return this.fail(`a closing ${quote}`);
  }

  private call(name: string): ValueTree {
    const known = [...CASTS, ...SWEEPS];
    if (!known.includes(name)) this.fail(`a function of ${known.join(", ")} (or quotes around the text)`);
    const positional: ValueTree[] = [];
    const named: Record<string, ValueTree> = {};
    if (!this.take(")")) {
      do {
        this.skipBlanks();
        const option = /^([A-Za-z_]\w*)\s*=/.exec(this.text.slice(this.at));
        if (option) {
          this.at += option[0].length;
          named[option[1]!] = this.element();
        } else positional.push(this.element());
      } while (this.take(","));
      this.expect(")");
    }
    return CASTS.includes(name) ? cast(name, positional, this) : sweep(name, positional, named, this);
  }
}

const PROTECTED: Record<string, string> = { " ": "\uE000", "\t": "\uE001" };
const unprotect = (text: string) => text.replaceAll("\uE000", " ").replaceAll("\uE001", "\t");

const toNumber = (value: ValueTree): number => (value instanceof Float ? value.value : Number(value));

function cast(name: string, args: ValueTree[], parser: Parser): ValueTree {
  const [value] = args;
  if (args.length !== 1 || value === undefined) return parser.fail(`one argument for ${name}()`);
  if (value instanceof Sweep)
    return new Sweep(
      value.kind,
      value.values.map((item) => cast(name, [item], parser)),
      value.exclude,
    );
  if (name === "json_str") return JSON.stringify(plain(value));
  if (Array.isArray(value)) return value.map((item) => cast(name, [item], parser));
  if (typeof value === "object" && value !== null && !(value instanceof Float)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cast(name, [item], parser)]));
  }
  if (name === "str") return value instanceof Float ? pythonText(value.value) : String(value);
  if (name === "bool") {
    if (typeof value !== "string") return toNumber(value) !== 0;
    if (/^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
    return parser.fail("true or false for bool()");
  }
  const number = toNumber(value);
  if (value === null || Number.isNaN(number)) return parser.fail(`a number for ${name}()`);
  return name === "int" ? Math.trunc(number) : new Float(number);
}

function pythonText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** A value with floats as numbers. */
export function plain(value: ValueTree): unknown {
  if (value instanceof Float) return value.value;
  if (value instanceof Sweep) return value.values.map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

function sweep(name: string, args: ValueTree[], named: Record<string, ValueTree>, parser: Parser): Sweep {
  if (name === "range") {
    const [first = 0, second, third] = args;
    const start = named["start"] ?? (second === undefined && named["stop"] === undefined ? 0 : first);
    const stop = named["stop"] ?? second ?? first;
    return new Sweep(
      "range",
      range(
        toNumber(start),
        toNumber(stop),
        toNumber(named["step"] ?? third ?? 1),
        [start, stop, third].some((x) => x instanceof Float),
        parser,
      ),
    );
  }
  if (name === "interval") return new Sweep("interval", args);
  if (name === "glob")
    return new Sweep("glob", listed(args[0] ?? named["include"] ?? "*"), listed(named["exclude"] ?? []));
  // tag(a, b, sweep): tags are for other sweepers
  const inner =
    args.find((arg) => arg instanceof Sweep) ??
    new Sweep("choice", args.length === 1 && Array.isArray(args[0]) ? args[0] : args);
  if (name === "sort") {
    const sorted = [...inner.values].sort((a, b) => compare(plain(a), plain(b)));
    return new Sweep(inner.kind, named["reverse"] === true ? sorted.reverse() : sorted);
  }
  return inner;
}

const listed = (value: ValueTree): ValueTree[] => (Array.isArray(value) ? value : [value]);

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a) < String(b) ? -1 : 1;
}

function range(start: number, stop: number, step: number, float: boolean, parser: Parser): ValueTree[] {
  if (!(Number.isFinite(start) && Number.isFinite(stop) && Number.isFinite(step)) || step === 0)
    parser.fail("numbers and a step that is not 0 for range()");
  const values: ValueTree[] = [];
  for (let index = 0; step > 0 ? start + index * step < stop : start + index * step > stop; index++) {
    values.push(float ? new Float(start + index * step) : start + index * step);
    if (values.length > 1e6) parser.fail("at most a million values of range()");
  }
  return values;
}

/**
 * Parses the text behind `=`.
 *
 * @throws ConfigError that says what was expected where
 */
export function parseValue(text: string): ValueTree {
  return new Parser(text).whole();
}
