import { ConfigError } from "../errors";
import { parseValue, type ValueTree } from "../overrides/override-value";

/** `${a.b}`, `${..a}` and `${resolver:arg,…}` inside strings (training-inference-config spec 2.7). */

/** A text, or an interpolation inside it. */
export type StringPart = string | Interpolation;

/** `${key}` or `${resolver:arguments}`. */
export type Interpolation = ReferenceInterpolation | ResolverInterpolation;

/** `${a.b.0}`; leading dots make it relative: `${.x}` a sibling, `${..x}` one level up. */
export interface ReferenceInterpolation {
  readonly type: "reference";
  readonly dots: number;
  /** The key, in which interpolations may be nested: `a.${b}`. */
  readonly key: readonly StringPart[];
}

/** `${oc.env:HOME,/tmp}`. */
export interface ResolverInterpolation {
  readonly type: "resolver";
  readonly name: string;
  readonly args: readonly ValueTree[];
}

/** Index behind the `}` that closes the `${` at `start`. */
export function closingBrace(text: string, start: number): number {
  let depth = 0;
  let quote = "";
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if ((char === "'" || char === '"') && depth > 0 && isArgument(text, start, at)) quote = char;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return at + 1;
  }
  throw new ConfigError(`expected a closing "}" for the interpolation ${JSON.stringify(text.slice(start))}`);
}

/** Quotes only mean something among resolver arguments. */
function isArgument(text: string, start: number, at: number): boolean {
  return text.slice(start, at).includes(":");
}

/** Splits a string into texts and interpolations; backslashes before `${` escape it. */
export function parseInterpolated(text: string): StringPart[] {
  const parts: StringPart[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("${", at);
    if (next < 0) break;
    let slashes = 0;
    while (next - 1 - slashes >= at && text[next - 1 - slashes] === "\\") slashes++;
    literal += text.slice(at, next - slashes) + "\\".repeat(Math.floor(slashes / 2));
    if (slashes % 2 === 1) {
      literal += "${";
      at = next + 2;
      continue;
    }
    const end = closingBrace(text, next);
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push(parseInterpolation(text.slice(next + 2, end - 1)));
    at = end;
  }
  literal += text.slice(at);
  if (literal !== "" || parts.length === 0) parts.push(literal);
  return parts;
}

const RESOLVER_NAME = /^\s*([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*)\s*:/;

function parseInterpolation(inner: string): Interpolation {
  const resolver = RESOLVER_NAME.exec(inner);
  if (resolver) {
    const rest = inner.slice(resolver[0].length).trim();
    const args = rest === "" ? [] : (parseValue(`[${rest}]`) as ValueTree[]);
    return { type: "resolver", name: resolver[1]!, args };
  }
  const text = inner.trim();
  const dots = /^\.*/.exec(text)![0].length;
  const key = text.slice(dots);
  if (key === "" && dots === 0) throw new ConfigError('expected a key in the interpolation "${}"');
  return { type: "reference", dots, key: parseInterpolated(key) };
}

/** Splits `a.b[0].c` into its keys. */
export function splitKey(key: string): string[] {
  return key
    .replace(/\[([^\]]*)\]/g, ".$1")
    .split(".")
    .filter((part, index, all) => part !== "" || (index > 0 && index < all.length - 1));
}
