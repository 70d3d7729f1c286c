/**
 * Splits a text into tokens as ANTLR does, so that the languages of Hydra's overrides and OmegaConf's interpolations are
 * read exactly: in each mode the longest match wins, among equal ones the rule that is listed first.
 */

/** One kind of token. */
export interface TokenRule<Type extends string, Mode extends string> {
  readonly type: Type;
  /** Sticky (`y`); alternatives in an order that makes the longest one match. */
  readonly pattern: RegExp;
  /** What the token does to the mode: replace it, begin one inside it, or end it. */
  readonly mode?: Mode;
  readonly push?: Mode;
  readonly pop?: true;
}

/** A piece of the text. */
export interface Token<Type extends string> {
  readonly type: Type;
  readonly text: string;
  /** Index of its first character. */
  readonly at: number;
}

/** A text that no rule of the mode matches. */
export class LexerError extends Error {
  constructor(readonly at: number) {
    super(`no token at ${at}`);
  }
}

/**
 * All tokens of a text.
 *
 * @throws LexerError where no rule matches, or a mode ends that was never begun
 */
export function tokenize<Type extends string, Mode extends string>(
  text: string,
  rules: Readonly<Record<Mode, readonly TokenRule<Type, Mode>[]>>,
  start: Mode,
): Token<Type>[] {
  const tokens: Token<Type>[] = [];
  const modes: Mode[] = [start];
  for (let at = 0; at < text.length;) {
    let best: { rule: TokenRule<Type, Mode>; length: number } | undefined;
    for (const rule of rules[modes.at(-1)!]) {
      rule.pattern.lastIndex = at;
      const length = rule.pattern.exec(text)?.[0].length ?? 0;
      if (length > (best?.length ?? 0)) best = { rule, length };
    }
    if (best === undefined) throw new LexerError(at);
    const { rule, length } = best;
    tokens.push({ type: rule.type, text: text.slice(at, at + length), at });
    if (rule.mode !== undefined) modes[modes.length - 1] = rule.mode;
    if (rule.push !== undefined) modes.push(rule.push);
    if (rule.pop) modes.pop();
    if (modes.length === 0) throw new LexerError(at);
    at += length;
  }
  return tokens;
}

// ---- what both languages share

const INTEGER = "(?:0|[1-9](?:_?[0-9])*)";
const DIGITS = "[0-9](?:_?[0-9])*";
const POINT = `(?:${INTEGER}?\\.${DIGITS}|${INTEGER}\\.)`;

/** Sources of the patterns of values. */
export const VALUE_PATTERNS = {
  FLOAT: `[+-]?(?:(?:${POINT}|${INTEGER})[eE][+-]?${DIGITS}|${POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])`,
  INT: `[+-]?${INTEGER}`,
  BOOL: "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]",
  NULL: "[Nn][Uu][Ll][Ll]",
  UNQUOTED_CHAR: "[/\\-\\\\+.$%*@?|]",
  ID: "[a-zA-Z_][a-zA-Z0-9_-]*",
  /** A backslash before a character that would mean something else. */
  ESC: "(?:\\\\[\\\\()\\[\\]{}:=, \\t])+",
  WS: "[ \\t]+",
} as const;

/** A sticky pattern. */
export const sticky = (source: string): RegExp => new RegExp(source, "y");

/** Undoes escapes: every other character. */
export function unescape(text: string): string {
  return [...Array(Math.floor(text.length / 2)).keys()].map((i) => text[2 * i + 1]).join("");
}
