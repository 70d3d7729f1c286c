/**
 * Reads PyTorch's operator schemas ("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor").
 *
 * Used twice: by the generator of the `*.generated.ts` files, and at run time by the overload choice of calls that the
 * generated fast paths do not take (`overloads.ts`).
 */

/** One argument of an operator. */
export interface SchemaArgument {
  /** Name in the schema, snake_case: "keepdim", "memory_format". */
  readonly name: string;
  /** The same in camelCase, as in options objects. */
  readonly key: string;
  /** Base type without list, size and option marks: "Tensor", "int" (also for SymInt), "Scalar", "ScalarType", … */
  readonly type: string;
  readonly list: boolean;
  /** N of `int[N]`: one number stands for N equal ones. */
  readonly size: number | null;
  /** `type?` (for lists: the list may be absent). */
  readonly optional: boolean;
  /** `Tensor?[]`: entries may be absent. */
  readonly optionalEntries: boolean;
  /** Written in place: `Tensor(a!)`. */
  readonly mutable: boolean;
  readonly hasDefault: boolean;
  /** Text of the default, null where there is none. */
  readonly default: string | null;
  readonly kwargOnly: boolean;
}

/** One result of an operator. */
export interface SchemaReturn {
  readonly name: string;
  readonly type: string;
  readonly list: boolean;
  readonly optional: boolean;
  /** The result is the argument that was written in place. */
  readonly mutable: boolean;
}

/** One overload of an operator. */
export interface Schema {
  /** "aten::add". */
  readonly name: string;
  /** "Tensor", or "" for the overload without a name. */
  readonly overload: string;
  readonly text: string;
  readonly arguments: readonly SchemaArgument[];
  readonly returns: readonly SchemaReturn[];
}

/** `index_select` → `indexSelect`; underscores at either end stay: `add_` → `add_`, `_foreach_add_` → `_foreachAdd_`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Parses one schema string.
 *
 * @throws Error (`internal:`) for text that is not a schema: schemas come from libtorch, never from a user.
 */
export function parseSchema(text: string): Schema {
  const open = text.indexOf("(");
  const close = matching(text, open);
  const arrow = text.indexOf("->", close);
  if (open < 0 || arrow < 0) throw new Error(`internal: expected an operator schema, got ${JSON.stringify(text)}`);
  const [name, overload = ""] = split(text.slice(0, open), ".", 2);
  const parsed: SchemaArgument[] = [];
  let kwargOnly = false;
  for (const part of commaSeparated(text.slice(open + 1, close))) {
    if (part === "*") kwargOnly = true;
    else parsed.push(parseArgument(part, kwargOnly));
  }
  const result = text.slice(arrow + 2).trim();
  const inner = result.startsWith("(") && matching(result, 0) === result.length - 1 ? result.slice(1, -1) : result;
  return { name: name!, overload, text, arguments: parsed, returns: commaSeparated(inner).map(parseReturn) };
}

function parseArgument(part: string, kwargOnly: boolean): SchemaArgument {
  const equals = topLevelIndex(part, "=");
  const declaration = equals < 0 ? part : part.slice(0, equals);
  const space = declaration.lastIndexOf(" ");
  const name = declaration.slice(space + 1);
  return {
    name,
    key: camelCase(name),
    ...parseType(declaration.slice(0, space)),
    hasDefault: equals >= 0,
    default: equals < 0 ? null : part.slice(equals + 1),
    kwargOnly,
  };
}

function parseReturn(part: string): SchemaReturn {
  const annotated = part.replace(/\([^)]*\)/g, (alias) => alias.replaceAll(" ", ""));
  const space = annotated.indexOf(" ");
  const { type, list, optional, mutable } = parseType(space < 0 ? annotated : annotated.slice(0, space));
  return { name: space < 0 ? "" : annotated.slice(space + 1), type, list, optional, mutable };
}

function parseType(
  text: string,
): Pick<SchemaArgument, "type" | "list" | "size" | "optional" | "optionalEntries" | "mutable"> {
  const mutable = /\([^)]*!/.test(text);
  const plain = text.replace(/\([^)]*\)/g, "").trim();
  const match = /^([A-Za-z_]\w*)(\?)?(?:\[(\d*)\](\?)?)?$/.exec(plain);
  if (!match) return { type: plain, list: false, size: null, optional: false, optionalEntries: false, mutable };
  const [, base, question, size, listQuestion] = match;
  const list = size !== undefined;
  return {
    type: base === "SymInt" ? "int" : base!,
    list,
    size: list && size !== "" ? Number(size) : null,
    optional: list ? listQuestion === "?" : question === "?",
    optionalEntries: list && question === "?",
    mutable,
  };
}

/** Splits at commas that stand outside brackets, parentheses and quotes. */
function commaSeparated(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let index = topLevelIndex(text, ",", 0); index >= 0; index = topLevelIndex(text, ",", index + 1)) {
    parts.push(text.slice(start, index).trim());
    start = index + 1;
  }
  const last = text.slice(start).trim();
  return last === "" ? parts : [...parts, last];
}

function topLevelIndex(text: string, wanted: string, from = 0): number {
  let depth = 0;
  let quote = "";
  for (let index = from; index < text.length; index++) {
    const char = text[index]!;
    if (quote) {
      if (char === quote) quote = "";
    } else if (char === "'" || char === '"') quote = char;
    else if (char === wanted && depth === 0) return index;
    else if (char === "(" || char === "[") depth++;
    else if (char === ")" || char === "]") depth--;
  }
  return -1;
}

function matching(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    if (text[index] === "(") depth++;
    else if (text[index] === ")" && --depth === 0) return index;
  }
  return -1;
}

function split(text: string, separator: string, limit: number): string[] {
  const at = text.indexOf(separator);
  return at < 0 || limit < 2 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
