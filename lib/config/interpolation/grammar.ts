/**
 * The language of interpolations, as OmegaConf 2.3 has it: `${a.b}`, `${..a}` and `${resolver:arg,…}` inside texts,
 * and single values as `oc.decode` reads them.
 */
import { ConfigError } from "../errors";
import { LexerError, VALUE_PATTERNS, sticky, tokenize, unescape, type Token, type TokenRule } from "../grammar/lexer";
import { literalOf } from "../yaml/numbers";
import type { ScalarValue } from "../yaml/nodes";

/** A text, or an interpolation inside it. */
export type StringPart = string | Interpolation;

/** `${key}` or `${resolver:arguments}`. */
export type Interpolation = ReferenceInterpolation | ResolverInterpolation;

/** `${a.b[0]}`; leading dots make it relative: `${.x}` a sibling, `${..x}` one level up. */
export interface ReferenceInterpolation {
  readonly type: "reference";
  /** The key with its dots and brackets, in which interpolations may be nested: `a.${b}`. */
  readonly key: readonly StringPart[];
}

/** `${oc.env:HOME,/tmp}`. */
export interface ResolverInterpolation {
  readonly type: "resolver";
  readonly name: readonly StringPart[];
  readonly args: readonly Expression[];
}

/** A value among the arguments of a resolver. */
export type Expression =
  | { readonly type: "literal"; readonly value: ScalarValue }
  /** Parts in a row; a single interpolation gives its value as it is, unless it is in quotes. */
  | { readonly type: "text"; readonly parts: readonly StringPart[]; readonly isQuoted: boolean }
  | { readonly type: "list"; readonly items: readonly Expression[] }
  | { readonly type: "mapping"; readonly entries: readonly (readonly [Expression, Expression])[] };

type Type =
  | "ANY_STR" | "ESC_INTER" | "TOP_ESC" | "INTER_OPEN" | "BRACE_OPEN" | "BRACE_CLOSE" | "QUOTE_OPEN" | "COMMA"
  | "BRACKET_OPEN" | "BRACKET_CLOSE" | "COLON" | "FLOAT" | "INT" | "BOOL" | "NULL" | "UNQUOTED_CHAR" | "ID" | "ESC"
  | "WS" | "INTER_CLOSE" | "DOT" | "INTER_KEY" | "QUOTE_CLOSE" | "QUOTED_ESC"; // prettier-ignore
type Mode = "text" | "value" | "interpolation" | "single" | "double";

const WS = "[ \\t]*";
const rule = (type: Type, source: string, change: Partial<TokenRule<Type, Mode>> = {}): TokenRule<Type, Mode> => ({
  type,
  pattern: sticky(source),
  ...change,
});

const OPEN = rule("INTER_OPEN", `\\$\\{${WS}`, { push: "interpolation" });
/** An odd number of backslashes before an interpolation. */
const ESCAPED = rule("ESC_INTER", "(?:\\\\\\\\)*\\\\\\$\\{");
const BACKSLASHES = rule("ANY_STR", "\\\\+");
const DOLLAR = rule("ANY_STR", "\\$");
const PAIRS = "(?:\\\\\\\\)+";

const inQuotes = (quote: string): TokenRule<Type, Mode>[] => [
  OPEN,
  rule("QUOTE_CLOSE", quote, { pop: true }),
  rule("ANY_STR", `[^${quote}\\\\$]+`),
  ESCAPED,
  rule("ESC", `(?:\\\\\\\\)*\\\\${quote}`),
  rule("QUOTED_ESC", PAIRS),
  BACKSLASHES,
  DOLLAR,
];

const RULES: Readonly<Record<Mode, readonly TokenRule<Type, Mode>[]>> = {
  text: [OPEN, rule("ANY_STR", "[^\\\\$]+"), ESCAPED, rule("TOP_ESC", PAIRS), BACKSLASHES, DOLLAR],
  value: [
    OPEN,
    rule("BRACE_OPEN", `\\{${WS}`, { push: "value" }),
    rule("BRACE_CLOSE", `${WS}\\}`, { pop: true }),
    rule("QUOTE_OPEN", "'", { push: "single" }),
    rule("QUOTE_OPEN", '"', { push: "double" }),
    rule("COMMA", `${WS},${WS}`),
    rule("BRACKET_OPEN", `\\[${WS}`),
    rule("BRACKET_CLOSE", `${WS}\\]`),
    rule("COLON", `${WS}:${WS}`),
    rule("FLOAT", VALUE_PATTERNS.FLOAT),
    rule("INT", VALUE_PATTERNS.INT),
    rule("BOOL", VALUE_PATTERNS.BOOL),
    rule("NULL", VALUE_PATTERNS.NULL),
    rule("UNQUOTED_CHAR", VALUE_PATTERNS.UNQUOTED_CHAR),
    rule("ID", VALUE_PATTERNS.ID),
    rule("ESC", VALUE_PATTERNS.ESC),
    rule("WS", VALUE_PATTERNS.WS),
  ],
  interpolation: [
    OPEN,
    rule("COLON", `${WS}:${WS}`, { mode: "value" }),
    rule("INTER_CLOSE", `${WS}\\}`, { pop: true }),
    rule("DOT", "\\."),
    rule("BRACKET_OPEN", "\\["),
    rule("BRACKET_CLOSE", "\\]"),
    rule("ID", VALUE_PATTERNS.ID),
    rule("INTER_KEY", "[^\\\\{}()\\[\\]:. \\t'\"]+"),
  ],
  single: inQuotes("'"),
  double: inQuotes('"'),
};

const DICTIONARY_KEY: ReadonlySet<Type> = new Set(["ID", "NULL", "INT", "FLOAT", "BOOL", "UNQUOTED_CHAR", "ESC", "WS"]);
const PRIMITIVE: ReadonlySet<Type> = new Set([...DICTIONARY_KEY, "COLON"]);
const TEXT: ReadonlySet<Type> = new Set(["ANY_STR", "ESC", "ESC_INTER", "TOP_ESC", "QUOTED_ESC"]);

/**
 * Splits a string into texts and interpolations; backslashes before `${` escape it.
 *
 * @throws ConfigError that says what was expected where
 */
export function parseInterpolated(text: string): readonly StringPart[] {
  if (!text.includes("${")) return [text];
  return new Parser(text, "text").wholeText();
}

/** A single value, as `oc.decode` reads it. */
export function parseElement(text: string): Expression {
  return new Parser(text, "value").wholeElement();
}

/** Values inside one another. */
const MAX_DEPTH = 100;

class Parser {
  private readonly tokens: readonly Token<Type>[];
  private next = 0;
  private depth = 0;

  constructor(
    private readonly source: string,
    mode: Mode,
  ) {
    try {
      this.tokens = tokenize(source, RULES, mode);
    } catch (error) {
      if (!(error instanceof LexerError)) throw error;
      throw this.error("another character (or quotes around the text)", error.at);
    }
  }

  wholeText(): readonly StringPart[] {
    const parts = this.text();
    this.end();
    return parts;
  }

  wholeElement(): Expression {
    const element = this.element();
    this.end();
    return element;
  }

  private end(): void {
    if (this.next < this.tokens.length) throw this.error("the end", this.position());
  }

  /** Texts and interpolations in a row. */
  private text(): StringPart[] {
    const parts: StringPart[] = [];
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token.type === "INTER_OPEN") parts.push(this.interpolation());
      else if (TEXT.has(token.type)) {
        this.next++;
        append(parts, this.plain(token));
      } else break;
    }
    return parts;
  }

  /** The text that a token stands for; some escapes count only where something follows that they could escape. */
  private plain({ type, text }: Token<Type>): string {
    const follower = this.peek()?.type;
    switch (type) {
      case "ESC_INTER":
        return text.slice(-(Math.floor(text.length / 2) + 1));
      case "ESC":
        return unescape(text);
      case "TOP_ESC":
        return follower === "INTER_OPEN" ? unescape(text) : text;
      case "QUOTED_ESC":
        return follower === "INTER_OPEN" || follower === "QUOTE_CLOSE" ? unescape(text) : text;
      default:
        return text;
    }
  }

  private interpolation(): Interpolation {
    return this.nested(() => {
      this.expect("INTER_OPEN", '"${"');
      return this.isResolver() ? this.resolver() : this.reference();
    });
  }

  private nested<T>(parse: () => T): T {
    if (++this.depth > MAX_DEPTH) throw this.error(`values nested at most ${MAX_DEPTH} deep`, this.position());
    const result = parse();
    this.depth--;
    return result;
  }

  /** Whether a colon follows the name; nested interpolations may come in between. */
  private isResolver(): boolean {
    let depth = 0;
    for (let at = this.next; at < this.tokens.length; at++) {
      const { type } = this.tokens[at]!;
      if (type === "INTER_OPEN" || type === "BRACE_OPEN") depth++;
      else if ((type === "INTER_CLOSE" || type === "BRACE_CLOSE") && depth-- === 0) return false;
      else if (type === "COLON" && depth === 0) return true;
    }
    return false;
  }

  private reference(): ReferenceInterpolation {
    const key: StringPart[] = [];
    while (this.take("DOT")) append(key, ".");
    const inBrackets = (): void => {
      append(key, "[");
      this.configKey(key);
      this.expect("BRACKET_CLOSE", '"]"');
      append(key, "]");
    };
    if (this.take("BRACKET_OPEN")) inBrackets();
    else this.configKey(key);
    for (;;) {
      if (this.take("DOT")) {
        append(key, ".");
        this.configKey(key);
      } else if (this.take("BRACKET_OPEN")) inBrackets();
      else break;
    }
    this.expect("INTER_CLOSE", '"}"');
    return { type: "reference", key };
  }

  private configKey(key: StringPart[]): void {
    if (this.peek()?.type === "INTER_OPEN") key.push(this.interpolation());
    else append(key, (this.take("ID") ?? this.take("INTER_KEY") ?? this.missing("a key")).text);
  }

  private resolver(): ResolverInterpolation {
    const name: StringPart[] = [];
    do {
      if (name.length > 0) append(name, ".");
      if (this.peek()?.type === "INTER_OPEN") name.push(this.interpolation());
      else append(name, (this.take("ID") ?? this.missing("the name of a resolver")).text);
    } while (this.take("DOT"));
    this.expect("COLON", '":"');
    const args = this.sequence("BRACE_CLOSE");
    this.expect("BRACE_CLOSE", '"," or "}"');
    return { type: "resolver", name, args };
  }

  /** Elements with commas; between two commas, and after the last, an empty text. */
  private sequence(end: Type): Expression[] {
    const items: Expression[] = [];
    if (this.peek()?.type === end) return items;
    const isAbsent = (): boolean => this.peek()?.type === "COMMA" || this.peek()?.type === end;
    do items.push(isAbsent() ? EMPTY : this.element());
    while (this.take("COMMA"));
    return items;
  }

  private element(): Expression {
    return this.nested(() => this.elementOfAnyKind());
  }

  private elementOfAnyKind(): Expression {
    switch (this.peek()?.type) {
      case "BRACKET_OPEN": {
        this.next++;
        const items = this.sequence("BRACKET_CLOSE");
        this.expect("BRACKET_CLOSE", '"," or "]"');
        return { type: "list", items };
      }
      case "BRACE_OPEN":
        return this.mapping();
      case "QUOTE_OPEN": {
        this.next++;
        const parts = this.text();
        this.expect("QUOTE_CLOSE", "a closing quote");
        return { type: "text", parts, isQuoted: true };
      }
      default:
        return this.primitive(PRIMITIVE, true, "a value");
    }
  }

  private mapping(): Expression {
    this.expect("BRACE_OPEN", '"{"');
    const entries: [Expression, Expression][] = [];
    if (this.take("BRACE_CLOSE")) return { type: "mapping", entries };
    do {
      const key = this.primitive(DICTIONARY_KEY, false, "a key");
      this.expect("COLON", '":"');
      entries.push([key, this.element()]);
    } while (this.take("COMMA"));
    this.expect("BRACE_CLOSE", '"," or "}"');
    return { type: "mapping", entries };
  }

  private primitive(allowed: ReadonlySet<Type>, withInterpolations: boolean, what: string): Expression {
    const parts: StringPart[] = [];
    const first = this.next;
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token.type === "INTER_OPEN" && withInterpolations) parts.push(this.interpolation());
      else if (allowed.has(token.type)) {
        this.next++;
        append(parts, this.plain(token));
      } else break;
    }
    if (this.next === first || (this.next === first + 1 && this.tokens[first]!.type === "WS"))
      throw this.error(what, this.tokens[first]?.at ?? this.source.length);
    const { type, text } = this.tokens[first]!;
    const literal = this.next - first === 1 ? literalOf(type, text) : undefined;
    return literal === undefined ? { type: "text", parts, isQuoted: false } : { type: "literal", value: literal };
  }

  // ---- tokens

  private peek(): Token<Type> | undefined {
    return this.tokens[this.next];
  }

  private take(type: Type): Token<Type> | undefined {
    const token = this.peek();
    if (token?.type !== type) return undefined;
    this.next++;
    return token;
  }

  private expect(type: Type, what: string): Token<Type> {
    return this.take(type) ?? this.missing(what);
  }

  private missing(what: string): never {
    throw this.error(what, this.position());
  }

  private position(): number {
    return this.peek()?.at ?? this.source.length;
  }

  private error(expected: string, at: number): ConfigError {
    const got = at < this.source.length ? JSON.stringify(this.source.slice(at, at + 10)) : "the end";
    return new ConfigError(
      `expected ${expected} at position ${at + 1} of ${JSON.stringify(this.source)}, received ${got}`,
    );
  }
}

const EMPTY: Expression = { type: "literal", value: "" };

/** Adds a text, joined to a text before it. */
function append(parts: StringPart[], text: string): void {
  const last = parts.length - 1;
  if (typeof parts[last] === "string") parts[last] += text;
  else parts.push(text);
}

/** Splits `a.b[0].c` into its keys; leading dots give empty ones. */
export function splitKey(key: string): string[] {
  const head = /^\.*[^.[]*/.exec(key)![0];
  const keys = head.split(".");
  // a key that begins with a bracket: `[a]`, `..[a]`
  if (key[head.length] === "[" && keys.at(-1) === "") keys.pop();
  for (const [, dotted, bracketed] of key.slice(head.length).matchAll(/\.([^.[]*)|\[(.*?)\]/g))
    keys.push(dotted ? dotted : (bracketed ?? ""));
  return keys;
}
