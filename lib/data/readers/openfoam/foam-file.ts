/**
 * Files of OpenFOAM: a header `FoamFile`, then entries of a dictionary, or one list. Text or, where the header says so, lists
 * in binary form with the sizes of its `arch`.
 */
import { bytesOf, bytesPerElement, createArray, fromFileOrder } from "../arrays";
import type { NumericType, TypedArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { show, type Scanner } from "../scanner";
import {
  FoamArray,
  FoamDictionary,
  FoamDirective,
  FoamList,
  FoamText,
  type FoamEntry,
  type FoamValue,
} from "./dictionary";
import {
  CLOSE,
  CLOSE_BRACE,
  CLOSE_SQUARE,
  DOLLAR,
  FoamTokens,
  HASH,
  OPEN,
  OPEN_BRACE,
  OPEN_SQUARE,
  QUOTE,
  SEMICOLON,
} from "./foam-tokens";

const MAX_DEPTH = 64;
/** Values of one entry, so that macros that name each other twice do not fill the memory. */
const MAX_VALUES = 1_000_000;

/** Components of OpenFOAM's types. */
const COMPONENTS: ReadonlyMap<string, number> = new Map([
  ["label", 1],
  ["scalar", 1],
  ["sphericalTensor", 1],
  ["vector", 3],
  ["symmTensor", 6],
  ["tensor", 9],
]);

/** How numbers are stored in binary lists. */
export interface FoamFormat {
  readonly isBinary: boolean;
  readonly littleEndian: boolean;
  readonly label: "int32" | "int64";
  readonly scalar: "float32" | "float64";
}

/** Opens a file that another one includes; undefined where there is none. */
export type OpenInclude = (name: string) => ByteSource | undefined;

/** Reads one file from its beginning. */
export class FoamFile {
  readonly scanner: Scanner;
  readonly #tokens: FoamTokens;
  /** Entries of the header; empty where there is none. */
  readonly header: FoamDictionary;
  readonly format: FoamFormat;

  constructor(
    readonly source: ByteSource,
    private readonly include: OpenInclude = () => undefined,
    format?: FoamFormat,
    private readonly depth = 0,
  ) {
    this.#tokens = new FoamTokens(source);
    this.scanner = this.#tokens.scanner;
    this.header = new FoamDictionary();
    this.format = format ?? { isBinary: false, littleEndian: true, label: "int32", scalar: "float64" };
    this.#tokens.skip();
    const start = this.scanner.position;
    if (this.scanner.peek() !== "F".charCodeAt(0)) return;
    if (this.#tokens.word() !== "FoamFile") {
      this.scanner.position = start;
      return;
    }
    this.#tokens.skip();
    this.#tokens.expect(OPEN_BRACE);
    this.#entries(this.header, 1, true);
    this.format = formatOf(this.header, (problem) => this.scanner.error(problem, start));
  }

  /** The class that the header tells, `volScalarField` for example. */
  get className(): string | undefined {
    return this.header.word("class");
  }

  /** All entries up to the end. */
  dictionary(): FoamDictionary {
    const dictionary = new FoamDictionary();
    this.#entries(dictionary, 0, false);
    return dictionary;
  }

  /** The next list of numbers: a count and the numbers in parentheses, or one number in braces for all. */
  list(type: string): FoamArray {
    this.#tokens.skip();
    const at = this.scanner.position;
    const components = COMPONENTS.get(type);
    if (components === undefined) throw this.scanner.error(`expected a list of numbers, got one of ${show(type)}`, at);
    const count = this.#count();
    const numeric: NumericType =
      type === "label" ? this.format.label : this.format.isBinary ? this.format.scalar : "float64";
    return new FoamArray(count, components, this.#numbers(count, components, numeric));
  }

  /** A word, outside of dictionaries. */
  word(): string {
    this.#tokens.skip();
    return this.#tokens.word();
  }

  /** The next byte after white space and comments; −1 at the end. */
  peek(): number {
    this.#tokens.skip();
    return this.scanner.peek();
  }

  /** A count of things of at least one byte each. */
  count(): number {
    this.#tokens.skip();
    return this.#count();
  }

  /** Takes a character. */
  expect(character: string): void {
    this.#tokens.skip();
    this.#tokens.expect(character.charCodeAt(0));
  }

  /** A dictionary in braces. */
  block(): FoamDictionary {
    this.expect("{");
    const dictionary = new FoamDictionary();
    this.#entries(dictionary, 1, true);
    return dictionary;
  }

  // ---- entries

  #entries(into: FoamDictionary, depth: number, isInside: boolean): void {
    if (depth + this.depth > MAX_DEPTH)
      throw this.scanner.error(`expected at most ${MAX_DEPTH} dictionaries inside each other, got more`);
    for (;;) {
      this.#tokens.skip();
      const at = this.scanner.position;
      const byte = this.scanner.peek();
      if (byte < 0) {
        if (isInside) throw this.scanner.error("expected }, got the end of the file", at);
        return;
      }
      if (byte === CLOSE_BRACE) {
        if (!isInside) throw this.scanner.error("expected an entry, got }", at);
        this.scanner.take();
        return;
      }
      if (byte === SEMICOLON) this.scanner.take();
      else if (byte === HASH) this.#directive(into, at);
      else if (byte === DOLLAR) this.#merge(into, at);
      else this.#entry(into, depth, at);
    }
  }

  #entry(into: FoamDictionary, depth: number, at: number): void {
    const isPattern = this.scanner.peek() === QUOTE;
    const keyword = isPattern ? this.#tokens.text() : this.#tokens.word();
    if (keyword === "") throw this.scanner.error("expected a keyword, got a bracket", at);
    this.#tokens.skip();
    let entry: FoamEntry;
    if (this.scanner.peek() === OPEN_BRACE) {
      this.scanner.take();
      const known = into.entries.get(keyword);
      // a dictionary that comes again adds to the first
      const inner = !isPattern && known instanceof FoamDictionary ? known : new FoamDictionary(into);
      this.#entries(inner, depth + 1, true);
      entry = inner;
    } else {
      entry = this.#values(into, depth, SEMICOLON, at);
    }
    if (isPattern) into.patterns.push({ pattern: keyword, entry });
    else into.entries.set(keyword, entry);
  }

  /** Values up to a character, which is taken. */
  #values(scope: FoamDictionary, depth: number, end: number, at: number): FoamValue[] {
    if (depth + this.depth > MAX_DEPTH)
      throw this.scanner.error(`expected at most ${MAX_DEPTH} brackets inside each other, got more`);
    const values: FoamValue[] = [];
    for (;;) {
      this.#tokens.skip();
      const byte = this.scanner.peek();
      if (byte < 0) throw this.scanner.error(`expected ${String.fromCharCode(end)}, got the end of the file`, at);
      if (byte === end) {
        this.scanner.take();
        return values;
      }
      this.#value(values, scope, depth);
      if (values.length > MAX_VALUES) throw this.scanner.error(`expected at most ${MAX_VALUES} values, got more`, at);
    }
  }

  #value(values: FoamValue[], scope: FoamDictionary, depth: number): void {
    const at = this.scanner.position;
    const byte = this.scanner.peek();
    if (byte === OPEN || byte === OPEN_SQUARE) {
      this.scanner.take();
      values.push(new FoamList(this.#values(scope, depth + 1, byte === OPEN ? CLOSE : CLOSE_SQUARE, at)));
    } else if (byte === OPEN_BRACE) {
      this.scanner.take();
      const inner = new FoamDictionary(scope);
      this.#entries(inner, depth + 1, true);
      values.push(inner);
    } else if (byte === QUOTE) values.push(new FoamText(this.#tokens.text()));
    else if (byte === DOLLAR) {
      const { entry, macro } = this.#macro(scope);
      if (entry === undefined) values.push(new FoamDirective(`$${macro}`));
      else if (entry instanceof FoamDictionary) values.push(entry);
      else for (const value of entry.slice(0, MAX_VALUES)) values.push(value);
    } else if (byte === HASH) {
      const name = this.#directiveName();
      if (name === "#calc" || name === "#eval") this.#skipArgument();
      else if (name === "#codeStream") this.#skipArgument();
      values.push(new FoamDirective(name));
    } else {
      const word = this.#tokens.word();
      if (word === "") throw this.scanner.error(`expected a value, got ${show(String.fromCharCode(byte))}`, at);
      const type = /^List<(\w+)>$/.exec(word)?.[1];
      if (type !== undefined && COMPONENTS.has(type)) values.push(this.list(type));
      else values.push(isNumber(word) ? Number(word) : word);
    }
  }

  #macro(scope: FoamDictionary): { entry: FoamEntry | undefined; macro: string } {
    this.scanner.take();
    const isBraced = this.scanner.peek() === OPEN_BRACE;
    if (isBraced) this.scanner.take();
    const macro = this.#tokens.word();
    if (isBraced) this.#tokens.expect(CLOSE_BRACE);
    return { entry: scope.lookup(macro), macro };
  }

  /** `$other;` puts the entries of another dictionary in. */
  #merge(into: FoamDictionary, at: number): void {
    const { entry, macro } = this.#macro(into);
    if (!(entry instanceof FoamDictionary))
      throw this.scanner.error(
        `expected a dictionary called ${show(macro)}, got ${entry === undefined ? "none" : "values"}`,
        at,
      );
    for (const [key, value] of entry.entries) into.entries.set(key, value);
    into.patterns.push(...entry.patterns);
    if (into.entries.size + into.patterns.length > MAX_VALUES) throw this.scanner.error("expected fewer entries", at);
  }

  // ---- directives

  #directive(into: FoamDictionary, at: number): void {
    const name = this.#directiveName();
    this.#tokens.skip();
    if (name === "#include" || name === "#includeIfPresent" || name === "#sinclude") {
      this.#include(into, this.#tokens.text(), name === "#include", at);
    } else if (name === "#includeEtc") {
      const file = this.#tokens.text();
      // entries for patches whose type says it all; whoever reads fields knows them
      if (!file.includes("setConstraintTypes")) into.entries.set(`#includeEtc ${file}`, [new FoamDirective(name)]);
    } else if (name === "#inputMode" || name === "#remove") {
      this.#tokens.word();
    } else throw this.scanner.error(`expected an entry, got ${name}, which only OpenFOAM can read`, at);
  }

  #include(into: FoamDictionary, file: string, isRequired: boolean, at: number): void {
    if (this.depth > 8) throw this.scanner.error("expected at most 8 includes inside each other, got more", at);
    const source = this.include(file);
    if (source === undefined) {
      if (isRequired) throw this.scanner.error(`expected the file ${show(file)} to include, got none`, at);
      return;
    }
    try {
      const inner = new FoamFile(source, this.include, this.format, this.depth + 1);
      inner.#entries(into, 0, false);
    } finally {
      source.close();
    }
  }

  #directiveName(): string {
    this.scanner.take();
    return `#${this.#tokens.word()}`;
  }

  /** `"…"` or `#{ … #}` or `{ … }` behind a directive. */
  #skipArgument(): void {
    this.#tokens.skip();
    const at = this.scanner.position;
    const byte = this.scanner.peek();
    if (byte === QUOTE) return void this.#tokens.text();
    if (byte === OPEN_BRACE) {
      let depth = 0;
      do {
        const next = this.scanner.take();
        if (next < 0) throw this.scanner.error("expected }, got the end of the file", at);
        if (next === OPEN_BRACE) depth++;
        else if (next === CLOSE_BRACE) depth--;
      } while (depth > 0);
      return;
    }
    if (byte === HASH && this.scanner.peek(1) === OPEN_BRACE) {
      do {
        this.scanner.take();
        if (!this.scanner.skipTo(HASH)) throw this.scanner.error("expected #}, got the end of the file", at);
      } while (this.scanner.peek(1) !== CLOSE_BRACE);
      this.scanner.skip(2);
    }
  }

  // ---- numbers

  #count(): number {
    const at = this.scanner.position;
    const value = this.scanner.number("a count");
    if (!Number.isSafeInteger(value) || value < 0) throw this.scanner.error(`expected a count, got ${value}`, at);
    return value;
  }

  #numbers(count: number, components: number, type: NumericType): TypedArray {
    this.scanner.skipSpace();
    const { scanner } = this;
    if (count === 0) {
      if (scanner.peek() === OPEN) {
        scanner.take();
        this.scanner.skipSpace();
        this.#tokens.expect(CLOSE);
      }
      return createArray(type, 0);
    }
    if (scanner.peek() === OPEN_BRACE) return this.#oneRow(components, type);
    this.#tokens.expect(OPEN);
    const length = count * components;
    if (this.format.isBinary) {
      this.source.require(
        scanner.position,
        length * bytesPerElement(type),
        `a list of ${count} × ${components} ${type}`,
      );
      const values = createArray(type, length);
      scanner.bytes(bytesOf(values));
      this.#tokens.expect(CLOSE);
      return fromFileOrder(values, this.format.littleEndian);
    }
    const what = `${count} values of a list`;
    scanner.require(length, 2, what);
    const values = scanner.numbers(createArray(type, length), what, components > 1);
    if (components > 1) this.expect(")");
    this.#tokens.skip();
    this.#tokens.expect(CLOSE);
    return values;
  }

  /** `100{0.5}`: one row for all. */
  #oneRow(components: number, type: NumericType): TypedArray {
    this.#tokens.expect(OPEN_BRACE);
    const row = createArray(type, components);
    if (this.format.isBinary) {
      this.scanner.bytes(bytesOf(row));
      fromFileOrder(row, this.format.littleEndian);
    } else {
      this.scanner.numbers(row, "a value", true);
      if (components > 1) this.expect(")");
      this.#tokens.skip();
    }
    this.#tokens.expect(CLOSE_BRACE);
    return row;
  }
}

function isNumber(word: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(word);
}

/** `arch "LSB;label=32;scalar=64"`, which is also what files without it have. */
function formatOf(header: FoamDictionary, fail: (problem: string) => Error): FoamFormat {
  const format = header.word("format") ?? "ascii";
  if (format !== "ascii" && format !== "binary") throw fail(`expected format ascii or binary, got ${show(format)}`);
  const arch = header.word("arch") ?? "LSB;label=32;scalar=64";
  const [, order, label = "32", scalar = "64"] = /^(LSB|MSB)(?:;label=(\d+))?(?:;scalar=(\d+))?$/.exec(arch) ?? [];
  if (order === undefined || !["32", "64"].includes(label) || !["32", "64"].includes(scalar))
    throw fail(`expected arch like "LSB;label=32;scalar=64", got ${show(arch)}`);
  return {
    isBinary: format === "binary",
    littleEndian: order === "LSB",
    label: label === "32" ? "int32" : "int64",
    scalar: scalar === "32" ? "float32" : "float64",
  };
}
