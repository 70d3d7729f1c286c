/** Tables as text: CSV with commas, semicolons, tabs or white space, and OpenFOAM's `.xy`, `.dat`. */
import { arrayOf, checkOptions, nullable, oneOf, text, type KindsOf } from "../../torch/arguments";
import type { NdArray } from "./arrays";
import type { ByteSource } from "./byte-source";
import { GrowingArray } from "./growing-array";
import { FieldMap } from "./mesh";
import { Scanner, show } from "./scanner";

/** Options of {@link readCsv}. */
export interface CsvOptions {
  /** Default: the first of tab, semicolon and comma that the first line has; else white space. */
  readonly separator?: "," | ";" | "\t" | " ";
  /** Names of the columns, of a file that has none. Default null: from the first line, `column_0` … where that holds numbers. */
  readonly columns?: readonly string[] | null;
}

const KINDS = {
  separator: oneOf(",", ";", "\t", " "),
  columns: nullable(arrayOf(text)),
} satisfies KindsOf<CsvOptions>;

/**
 * Reads the columns of a table: numbers as float64 (N), other columns as texts. An empty cell among numbers is NaN. Lines that
 * begin with `#` are comments; the last of them before the data may have the names.
 *
 * @throws FileFormatError when lines have different numbers of cells.
 */
export function readCsv(source: ByteSource, options: CsvOptions = {}): FieldMap {
  checkOptions("readCsv", options, KINDS);
  return new CsvReader(source, options).read();
}

class Column {
  readonly numbers = new GrowingArray(Float64Array);
  /** From the first cell on that is not a number. */
  texts: string[] | undefined;

  push(cell: string): void {
    if (this.texts !== undefined) return void this.texts.push(cell);
    const value = numberOf(cell);
    if (value !== undefined) this.numbers.push(value);
    else this.texts = [];
  }
}

class CsvReader {
  readonly #scanner: Scanner;
  #separator: string | undefined;
  #comment = "";

  constructor(
    private readonly source: ByteSource,
    private readonly options: CsvOptions,
  ) {
    this.#scanner = new Scanner(source);
    this.#separator = options.separator;
  }

  read(): FieldMap {
    const first = this.#row();
    if (first === undefined) return new FieldMap();
    const isHeader = this.options.columns == null && first.some((cell) => numberOf(cell) === undefined);
    const names = this.#names(first, isHeader);
    const columns = this.#columns(names.length, isHeader ? undefined : first);
    // a column of texts needs the cells from its beginning: those lines are read again
    const again = columns.some(({ texts }) => texts !== undefined) ? this.#texts(isHeader) : [];
    const fields = new FieldMap();
    columns.forEach((column, i) => {
      if (column.texts !== undefined)
        fields.texts.set(
          names[i]!,
          again.map((row) => row[i]!),
        );
      else fields.set(names[i]!, arrayOfNumbers(column.numbers.finish()));
    });
    return fields;
  }

  #columns(count: number, first: string[] | undefined): Column[] {
    const columns = Array.from({ length: count }, () => new Column());
    for (let row = first ?? this.#row(); row !== undefined; row = this.#row()) {
      if (row.length !== count)
        throw this.#scanner.error(`expected ${count} cells in the line before, got ${row.length}`);
      for (let i = 0; i < count; i++) columns[i]!.push(row[i]!);
    }
    return columns;
  }

  #texts(isHeader: boolean): string[][] {
    this.#scanner.position = 0;
    const rows: string[][] = [];
    for (let row = this.#row(); row !== undefined; row = this.#row()) rows.push(row);
    return isHeader ? rows.slice(1) : rows;
  }

  #names(first: readonly string[], isHeader: boolean): string[] {
    const { columns } = this.options;
    const comment = this.#split(this.#comment.replace(/^#\s*/, ""));
    const names =
      columns ?? (isHeader ? first : comment.length === first.length ? comment : first.map((_, i) => `column_${i}`));
    if (names.length !== first.length)
      throw this.source.error(`expected ${names.length} columns (${names.join(", ")}), got ${first.length}`);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw this.source.error(`expected columns of different names, got ${show(twice)} twice`);
    return [...names];
  }

  /** The cells of the next line that has any; a text in quotes may go over several lines. */
  #row(): string[] | undefined {
    for (;;) {
      let line = this.#scanner.line();
      if (line === undefined) return undefined;
      // the mark of UTF-8 that some programs write
      line = line.replace(/^\uFEFF/, "");
      if (line.startsWith("#")) this.#comment = line;
      else if (line.trim() !== "") {
        const start = this.#scanner.position;
        while (line.split('"').length % 2 === 0) {
          const next = this.#scanner.line();
          if (next === undefined || line.length > 2 ** 20)
            throw this.#scanner.error('expected " at the end of a text, got none', start);
          line += `\n${next}`;
        }
        return this.#split(line);
      }
    }
  }

  #split(line: string): string[] {
    this.#separator ??= ["\t", ";", ","].find((separator) => line.includes(separator)) ?? " ";
    if (this.#separator === " ") return line.trim().split(/\s+/);
    if (!line.includes('"')) return line.split(this.#separator).map((cell) => cell.trim());
    const cells: string[] = [];
    let cell = "";
    let isQuoted = false;
    for (let i = 0; i < line.length; i++) {
      const c = line[i]!;
      if (c === '"' && isQuoted && line[i + 1] === '"') cell += line[i++]!;
      else if (c === '"') isQuoted = !isQuoted;
      else if (c === this.#separator && !isQuoted) {
        cells.push(cell.trim());
        cell = "";
      } else cell += c;
    }
    return [...cells, cell.trim()];
  }
}

function numberOf(cell: string): number | undefined {
  if (cell === "" || /^[+-]?nan$/i.test(cell)) return NaN;
  if (/^[+-]?inf(inity)?$/i.test(cell)) return cell.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : undefined;
}

function arrayOfNumbers(values: Float64Array): NdArray {
  return { values, shape: [values.length] };
}
