/**
 * The language of overrides, as Hydra 1.3 has it: `key=value`, `+group@package=option`, lists, mappings, quotes, escapes,
 * functions and sweeps. One token keeps its type, several make a text.
 */
import { ConfigError } from "../errors";
import { LexerError, VALUE_PATTERNS, sticky, tokenize, unescape, type Token, type TokenRule } from "../grammar/lexer";
import { literalOf } from "../yaml/numbers";
import { callFunction } from "./functions";
import { ChoiceSweep, Dictionary, Quoted, pythonText, type ValueTree } from "./override-value";
import { Float } from "../yaml/nodes";

type Type =
  | "EQUAL" | "TILDE" | "PLUS" | "AT" | "COLON" | "SLASH" | "ID" | "KEY_SPECIAL" | "DOT_PATH" // keys
  | "POPEN" | "COMMA" | "PCLOSE" | "BRACKET_OPEN" | "BRACKET_CLOSE" | "BRACE_OPEN" | "BRACE_CLOSE" // values
  | "FLOAT" | "INT" | "BOOL" | "NULL" | "UNQUOTED_CHAR" | "ESC" | "WS" | "QUOTED_VALUE" | "INTERPOLATION"; // prettier-ignore
type Mode = "key" | "value";

const WS = "[ \\t]*";
const KEY_SPECIAL = "[a-zA-Z_$][a-zA-Z0-9_$-]*";
const KEY_PART = `(?:${KEY_SPECIAL}|0|[1-9](?:_?[0-9])*)`;
/** A quote, then an even number of backslashes before the closing one. */
const quoted = (quote: string): string => `${quote}(?:(?:\\\\\\\\)*|[^]*?[^\\\\](?:\\\\\\\\)*)${quote}`;

const rule = (type: Type, source: string, change: Partial<TokenRule<Type, Mode>> = {}): TokenRule<Type, Mode> => ({
  type,
  pattern: sticky(source),
  ...change,
});

const RULES: Readonly<Record<Mode, readonly TokenRule<Type, Mode>[]>> = {
  key: [
    rule("EQUAL", `=${WS}`, { mode: "value" }),
    rule("TILDE", "~"),
    rule("PLUS", "\\+"),
    rule("AT", "@"),
    rule("COLON", ":"),
    rule("SLASH", "/"),
    rule("ID", VALUE_PATTERNS.ID),
    rule("KEY_SPECIAL", KEY_SPECIAL),
    rule("DOT_PATH", `${KEY_PART}(?:\\.${KEY_PART})+`),
  ],
  value: [
    rule("POPEN", `${WS}\\(${WS}`),
    rule("COMMA", `${WS},${WS}`),
    rule("PCLOSE", `${WS}\\)`),
    rule("BRACKET_OPEN", `\\[${WS}`),
    rule("BRACKET_CLOSE", `${WS}\\]`),
    rule("BRACE_OPEN", `\\{${WS}`),
    rule("BRACE_CLOSE", `${WS}\\}`),
    rule("COLON", `${WS}:${WS}`),
    rule("EQUAL", `${WS}=${WS}`),
    rule("FLOAT", VALUE_PATTERNS.FLOAT),
    rule("INT", VALUE_PATTERNS.INT),
    rule("BOOL", VALUE_PATTERNS.BOOL),
    rule("NULL", VALUE_PATTERNS.NULL),
    // Hydra wants quotes around "#", which kinds of this framework have, and around letters of other languages
    rule("UNQUOTED_CHAR", `${VALUE_PATTERNS.UNQUOTED_CHAR}|[#\\u0080-\\uffff]`),
    rule("ID", VALUE_PATTERNS.ID),
    rule("ESC", VALUE_PATTERNS.ESC),
    rule("WS", VALUE_PATTERNS.WS),
    rule("QUOTED_VALUE", `${quoted('"')}|${quoted("'")}`),
    rule("INTERPOLATION", "\\$\\{[^}]+\\}"),
  ],
};

const DICTIONARY_KEY: ReadonlySet<Type> = new Set(["ID", "NULL", "INT", "FLOAT", "BOOL", "UNQUOTED_CHAR", "ESC", "WS"]);
const PRIMITIVE: ReadonlySet<Type> = new Set([...DICTIONARY_KEY, "COLON", "INTERPOLATION"]);
/** After `key=` an equals sign can only be text: `model_info=ema=0.9999` (Hydra wants quotes). */
const WHOLE_VALUE: ReadonlySet<Type> = new Set([...PRIMITIVE, "EQUAL"]);

/** An override as it was typed, taken apart. */
export interface ParsedOverride {
  readonly prefix: "" | "+" | "++" | "~";
  readonly key: string;
  /** After `@`. */
  readonly package?: string;
  /** Undefined without `=`. */
  readonly value?: ValueTree;
}

/**
 * Parses one override.
 *
 * @throws ConfigError that says what was expected where
 */
export function parseOverrideText(text: string): ParsedOverride {
  return new Parser(text, "key").override();
}

/** Values inside one another, and parts of a key. */
const MAX_DEPTH = 100;

class Parser {
  private readonly tokens: readonly Token<Type>[];
  private next = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    mode: Mode,
  ) {
    try {
      this.tokens = tokenize(text, RULES, mode);
    } catch (error) {
      if (!(error instanceof LexerError)) throw error;
      const character = text[error.at]!;
      const expected = QUOTES.test(character)
        ? `a closing ${character}`
        : character === "["
          ? 'a dot before an index, as in "list.0",'
          : "another character, or quotes around the value";
      throw this.error(expected, error.at);
    }
  }

  override(): ParsedOverride {
    const prefix = this.take("TILDE") ? "~" : !this.take("PLUS") ? "" : this.take("PLUS") ? "++" : "+";
    const key = this.key();
    const parts = key.split(".").length;
    if (parts > MAX_DEPTH)
      throw new ConfigError(`expected a key of at most ${MAX_DEPTH} parts, received one of ${parts}`);
    const pkg = this.take("AT") ? this.packageName() : undefined;
    if (this.next === this.tokens.length) {
      if (prefix !== "~") throw new ConfigError("expected key=value (or ~key to delete a key)");
      return { prefix, key, package: pkg };
    }
    this.expect("EQUAL", '"="');
    return { prefix, key, package: pkg, value: this.value() };
  }

  private key(): string {
    const first = this.take("DOT_PATH") ?? this.take("KEY_SPECIAL") ?? this.take("ID");
    if (first === undefined)
      throw this.error('a key such as trainer.max_epochs or a group such as model before "="', this.position());
    let key = first.text;
    while (first.type === "ID" && this.take("SLASH")) key += `/${this.expect("ID", "the name of a group").text}`;
    return key;
  }

  private packageName(): string {
    const name = this.take("DOT_PATH") ?? this.take("KEY_SPECIAL") ?? this.take("ID");
    if (name === undefined) throw this.error('a package after "@"', this.position());
    return name.text;
  }

  /** Up to the end: one element, or several with commas (a sweep). */
  private value(): ValueTree {
    if (this.next === this.tokens.length) return "";
    const elements = [this.element(WHOLE_VALUE)];
    while (this.take("COMMA")) elements.push(this.element(WHOLE_VALUE));
    if (this.next < this.tokens.length)
      throw this.error('"," or the end (quote or escape special characters)', this.position());
    return elements.length === 1 ? elements[0]! : new ChoiceSweep(elements, true);
  }

  private element(allowed = PRIMITIVE): ValueTree {
    if (++this.depth > MAX_DEPTH) throw this.error(`values nested at most ${MAX_DEPTH} deep`, this.position());
    const element = this.elementOfAnyKind(allowed);
    this.depth--;
    return element;
  }

  private elementOfAnyKind(allowed: ReadonlySet<Type>): ValueTree {
    const token = this.tokens[this.next];
    switch (token?.type) {
      case "BRACKET_OPEN":
        return this.list();
      case "BRACE_OPEN":
        return this.dictionary();
      case "QUOTED_VALUE":
        this.next++;
        return quotedValue(token.text);
      case "ID":
        return this.tokens[this.next + 1]?.type === "POPEN" ? this.call() : this.primitive(allowed, "a value");
      default:
        return this.primitive(allowed, "a value");
    }
  }

  private list(): ValueTree[] {
    this.expect("BRACKET_OPEN", '"["');
    const items: ValueTree[] = [];
    if (this.take("BRACKET_CLOSE")) return items;
    do items.push(this.element());
    while (this.take("COMMA"));
    this.expect("BRACKET_CLOSE", '"," or "]" (quote or escape special characters)');
    return items;
  }

  private dictionary(): Dictionary {
    this.expect("BRACE_OPEN", '"{"');
    const entries = new Map<string, ValueTree>();
    if (this.take("BRACE_CLOSE")) return new Dictionary(entries);
    do {
      const at = this.position();
      const key = this.primitive(DICTIONARY_KEY, "a key");
      const name = keyText(key);
      if (name === "__proto__" || name === undefined) throw this.error("another key", at);
      this.expect("COLON", '":"');
      entries.set(name, this.element());
    } while (this.take("COMMA"));
    this.expect("BRACE_CLOSE", '"," or "}" (quote or escape special characters)');
    return new Dictionary(entries);
  }

  private primitive(allowed: ReadonlySet<Type>, what: string): ValueTree {
    const start = this.next;
    while (this.next < this.tokens.length && allowed.has(this.tokens[this.next]!.type)) this.next++;
    const tokens = this.tokens.slice(start, this.next);
    if (tokens[0]?.type === "WS") tokens.shift();
    if (tokens.at(-1)?.type === "WS") tokens.pop();
    if (tokens.length === 0) throw this.error(what, this.position());
    if (tokens.length === 1) {
      const literal = literalOf(tokens[0]!.type, tokens[0]!.text);
      if (literal !== undefined) return literal;
    }
    return tokens.map(({ type, text }) => (type === "ESC" ? unescape(text) : text)).join("");
  }

  private call(): ValueTree {
    const at = this.position();
    const name = this.expect("ID", "a function").text;
    this.expect("POPEN", '"("');
    const args: ValueTree[] = [];
    const named = new Map<string, ValueTree>();
    if (!this.take("PCLOSE")) {
      do {
        const [first, second] = this.tokens.slice(this.next, this.next + 2);
        if (first?.type === "ID" && second?.type === "EQUAL") {
          this.next += 2;
          named.set(first.text, this.element());
        } else if (named.size > 0) throw this.error("no unnamed argument after a named one", this.position());
        else args.push(this.element());
      } while (this.take("COMMA"));
      this.expect("PCLOSE", '"," or ")"');
    }
    return callFunction(name, args, named, (expected) => this.error(expected, at));
  }

  // ---- tokens

  private take(type: Type): Token<Type> | undefined {
    const token = this.tokens[this.next];
    if (token?.type !== type) return undefined;
    this.next++;
    return token;
  }

  private expect(type: Type, what: string): Token<Type> {
    return (
      this.take(type) ??
      (() => {
        throw this.error(what, this.position());
      })()
    );
  }

  private position(): number {
    return this.tokens[this.next]?.at ?? this.text.length;
  }

  private error(expected: string, at: number): ConfigError {
    const got = at < this.text.length ? JSON.stringify(this.text.slice(at, at + 10)) : "the end";
    return new ConfigError(`expected ${expected} at position ${at + 1}, received ${got}`);
  }
}

const QUOTES = /['"]/;

/** The content of a quoted value: backslashes before a quote escape it and one another. */
function quotedValue(text: string): Quoted {
  const quote = text[0] as "'" | '"';
  const escaped = text.slice(1).replace(new RegExp(`\\\\+${quote}`, "g"), unescape);
  // after an even number of backslashes the closing quote is gone with them
  const even = /\\*$/.exec(text.slice(0, -1))![0].length;
  return new Quoted(even > 0 ? escaped : escaped.slice(0, -1), quote);
}

/** A key as Python writes it; null is none. */
function keyText(key: ValueTree): string | undefined {
  if (typeof key === "string") return key;
  if (typeof key === "number" || typeof key === "bigint" || typeof key === "boolean" || key instanceof Float)
    return pythonText(key);
  return undefined;
}
