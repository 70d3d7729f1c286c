/** Parquet files, through hyparquet. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import * as zlib from "node:zlib";
import { bytesOf, createArray, numericType, type NdArray, type TypedArray } from "./arrays";
import { openFile } from "./byte-source";
import { FileFormatError } from "./errors";
import { FieldMap } from "./mesh";
import { optionalPackage } from "./optional-package";

interface SchemaNode {
  readonly children: readonly SchemaNode[];
  readonly element: { readonly name: string; readonly type?: string };
}

/** What is used of hyparquet. */
interface Hyparquet {
  asyncBufferFromFile(path: string): Promise<unknown>;
  parquetMetadataAsync(file: unknown): Promise<{ readonly schema: readonly { readonly name: string }[] }>;
  parquetSchema(metadata: unknown): SchemaNode;
  parquetRead(options: {
    file: unknown;
    metadata: unknown;
    columns: readonly string[];
    compressors: Readonly<Record<string, (input: Uint8Array, length: number) => Uint8Array>>;
    utf8: boolean;
    onChunk(chunk: { columnName: string; columnData: ArrayLike<unknown>; rowStart: number; rowEnd: number }): void;
  }): Promise<void>;
}

/** Since Node 22.15. */
const zstd = (zlib as { zstdDecompressSync?: (input: Uint8Array) => Uint8Array }).zstdDecompressSync;

const COMPRESSORS = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
  ...(zstd && { ZSTD: (input: Uint8Array) => zstd(input) }),
};

/**
 * The columns of a table: numbers as (N), lists of equally many numbers as (N, C), texts. Only the wanted columns are read.
 *
 * @throws FileFormatError for damaged files, and for wanted columns of other kinds.
 */
export async function readParquet(path: string, wanted: (name: string) => boolean = () => true): Promise<FieldMap> {
  openFile(path).close();
  const parquet = await optionalPackage<Hyparquet>("hyparquet", "parquet files");
  const parts = new Map<string, { start: number; data: ArrayLike<unknown> }[]>();
  const types = new Map<string, string | undefined>();
  try {
    const file = await parquet.asyncBufferFromFile(path);
    const metadata = await parquet.parquetMetadataAsync(file);
    const nodes = parquet.parquetSchema(metadata).children.filter(({ element }) => wanted(element.name));
    const columns = nodes.map(({ element }) => element.name);
    for (const node of nodes) {
      parts.set(node.element.name, []);
      types.set(node.element.name, leafType(node));
    }
    if (columns.length > 0)
      await parquet.parquetRead({
        file,
        metadata,
        columns,
        compressors: COMPRESSORS,
        utf8: false,
        onChunk: ({ columnName, columnData, rowStart }) =>
          parts.get(columnName)!.push({ start: rowStart, data: columnData }),
      });
  } catch (error) {
    throw new FileFormatError(
      path,
      `expected a parquet file, got a damaged one or another: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  const fields = new FieldMap();
  for (const [name, chunks] of parts) {
    chunks.sort((a, b) => a.start - b.start);
    const data = chunks.map((chunk) => chunk.data);
    const texts = textsOf(data);
    if (texts !== undefined) fields.texts.set(name, texts);
    else {
      const kind = `expected numbers or texts in the column "${name}"`;
      const fail = (problem: string) => new FileFormatError(path, `${kind}, got ${problem}; leave it out with names`);
      fields.set(name, arrayOf(data, types.get(name), fail));
    }
  }
  return fields;
}

function textsOf(chunks: readonly ArrayLike<unknown>[]): string[] | undefined {
  const [first] = chunks.map((chunk) => chunk[0]).filter((value) => value != null);
  if (typeof first !== "string") return undefined;
  return chunks.flatMap((chunk) => Array.from(chunk, (value) => (typeof value === "string" ? value : "")));
}

function isNumbers(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** The type of the numbers in a column, or in its lists. */
function leafType({ children, element }: SchemaNode): string | undefined {
  return children.length === 1 ? leafType(children[0]!) : element.type;
}

function arrayOf(
  chunks: readonly ArrayLike<unknown>[],
  type: string | undefined,
  fail: (problem: string) => Error,
): NdArray {
  const rows = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (chunks.length > 0 && chunks.every(isNumbers)) return { values: joined(chunks), shape: [rows] };
  const first: unknown = chunks[0]?.[0];
  if (typeof first === "object" && first !== null && "length" in first) {
    const components = (first as ArrayLike<unknown>).length;
    const lists = chunks.flatMap((chunk) => Array.from(chunk as ArrayLike<ArrayLike<unknown> | null>));
    const odd = lists.findIndex((list) => list?.length !== components);
    if (odd >= 0) throw fail(`lists of ${components} and of ${lists[odd]?.length ?? "no"} values (row ${odd})`);
    const { values } = arrayOf([lists.flatMap((list) => Array.from(list!))], type, fail);
    return { values, shape: [rows, components] };
  }
  return { values: numbersOf(chunks, rows, type, fail), shape: [rows] };
}

/** Values one by one; a row without a value is NaN, for which integers of 32 bits become doubles. */
function numbersOf(
  chunks: readonly ArrayLike<unknown>[],
  rows: number,
  type: string | undefined,
  fail: (problem: string) => Error,
): TypedArray {
  const isLong = type === "INT64";
  const all = chunks.flatMap((chunk) => Array.from(chunk));
  const hasGaps = all.some((value) => value == null);
  if (isLong && hasGaps) throw fail("rows without a value among 64-bit integers");
  const names = { INT64: "int64", FLOAT: "float32", INT32: hasGaps ? "float64" : "int32" } as const;
  const values = createArray(names[type as keyof typeof names] ?? "float64", rows);
  all.forEach((value, row) => {
    const isNumber = typeof value === (isLong ? "bigint" : "number") || (typeof value === "boolean" && !isLong);
    if (value != null && !isNumber) throw fail(typeof value);
    (values as Float64Array)[row] = value == null ? NaN : typeof value === "boolean" ? +value : (value as number);
  });
  return values;
}

function joined(chunks: readonly TypedArray[]): TypedArray {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const values = createArray(numericType(chunks[0]!), length);
  const bytes = bytesOf(values);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(bytesOf(chunk), at);
    at += chunk.byteLength;
  }
  return values;
}
