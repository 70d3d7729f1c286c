/** Dictionaries of OpenFOAM, as its reader leaves them: macros and includes put in. */
import { createArray, numericType, rowArray, type NdArray, type TypedArray } from "../arrays";

/** A text in quotation marks. */
export class FoamText {
  constructor(readonly text: string) {}
}

/** Values in parentheses; those of a list with one type of numbers are {@link FoamArray}. */
export class FoamList {
  constructor(readonly items: readonly FoamValue[]) {}
}

/** `List<type>` with its numbers. */
export class FoamArray {
  /**
   * @param values of all rows, or of one that stands for all (`100{0.5}`): whoever reads them knows how many there should
   * be, and takes memory only then.
   */
  constructor(
    readonly rows: number,
    readonly components: number,
    readonly values: TypedArray,
  ) {}

  /** All rows: (N) or (N, components). */
  expand(): NdArray {
    const length = this.rows * this.components;
    if (this.values.length === length) return rowArray(this.values, this.components);
    const all = createArray(numericType(this.values), length) as Float64Array;
    for (let i = 0; i < length; i++) all[i] = (this.values as Float64Array)[i % this.components]!;
    return rowArray(all, this.components);
  }
}

/** What only OpenFOAM itself can work out: `#calc`, `#codeStream`. An error where it is needed, not before. */
export class FoamDirective {
  constructor(readonly name: string) {}
}

export type FoamValue = number | string | FoamText | FoamList | FoamArray | FoamDirective | FoamDictionary;

/** What stands behind a keyword: values up to the semicolon, or a dictionary. */
export type FoamEntry = readonly FoamValue[] | FoamDictionary;

/** Entries by keyword; keywords in quotation marks are patterns. */
export class FoamDictionary {
  readonly entries = new Map<string, FoamEntry>();
  readonly patterns: { readonly pattern: string; readonly entry: FoamEntry }[] = [];

  constructor(readonly parent?: FoamDictionary) {}

  /** The entry of a keyword, else the last pattern that it matches. */
  find(keyword: string): FoamEntry | undefined {
    return this.entries.get(keyword) ?? this.patterns.findLast(({ pattern }) => matches(pattern, keyword))?.entry;
  }

  /** The first value of an entry, if it is a word. */
  word(keyword: string): string | undefined {
    const entry = this.find(keyword);
    if (entry === undefined || entry instanceof FoamDictionary) return undefined;
    const value = entry[0];
    return value instanceof FoamText ? value.text : typeof value === "string" ? value : undefined;
  }

  /** The first value of an entry, if it is a number. */
  number(keyword: string): number | undefined {
    const entry = this.find(keyword);
    const value = entry === undefined || entry instanceof FoamDictionary ? undefined : entry[0];
    return typeof value === "number" ? value : undefined;
  }

  /**
   * The entry that a macro names: `name` here or further out, `.name` here alone, `..name` one level out, `:a.b` or `!a/b`
   * from the outermost dictionary.
   */
  lookup(macro: string): FoamEntry | undefined {
    if (macro.startsWith(":") || macro.startsWith("!")) return this.#root().pathFrom(macro.slice(1).split(/[./]/));
    if (macro.startsWith(".")) {
      const levels = /^\.+/.exec(macro)![0].length - 1;
      return this.#outer(levels)?.pathFrom(macro.slice(levels + 1).split(/[./]/));
    }
    const whole = this.entries.get(macro);
    if (whole !== undefined) return whole;
    const names = macro.split(".");
    return this.entries.has(names[0]!) ? this.pathFrom(names) : this.parent?.lookup(macro);
  }

  #outer(levels: number): FoamDictionary | undefined {
    return levels === 0 ? this : this.parent === undefined ? undefined : this.parent.#outer(levels - 1);
  }

  #root(): FoamDictionary {
    return this.parent === undefined ? this : this.parent.#root();
  }

  /** The entry behind names, each inside the one before. */
  pathFrom([name, ...rest]: readonly string[]): FoamEntry | undefined {
    const entry = name === undefined ? undefined : this.entries.get(name);
    if (rest.length === 0) return entry;
    return entry instanceof FoamDictionary ? entry.pathFrom(rest) : undefined;
  }
}

/** Whether a whole name matches a POSIX pattern. A pattern that JavaScript cannot read matches only itself. */
function matches(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  // a repeated group, or many repetitions, could take for ever
  const repetitions = pattern.match(/[*+{]/g)?.length ?? 0;
  if (repetitions > 3 || name.length > 100 || /\)[*+{]/.test(pattern)) return false;
  try {
    return new RegExp(`^(?:${pattern})$`).test(name);
  } catch {
    return false;
  }
}
