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

/** The pages of a column in a group of rows. */
interface ColumnChunk {
  readonly path_in_schema: readonly string[];
  readonly dictionary_page_offset?: bigint;
  readonly data_page_offset: bigint;
  readonly total_compressed_size: bigint;
}

interface Metadata {
  readonly row_groups: readonly { readonly columns: readonly { readonly meta_data?: ColumnChunk }[] }[];
}

type Counts = { readonly num_values: number } | undefined;

/** What is used of hyparquet's columns. */
interface HyparquetColumn {
  /** Leaves the offset of the reader behind the header. */
  readonly parquetHeader: (reader: { view: DataView; offset: number }) => {
    readonly compressed_page_size: number;
    readonly data_page_header?: Counts;
    readonly data_page_header_v2?: Counts;
    readonly dictionary_page_header?: Counts;
  };
}

/** Where hyparquet reads bytes. */
interface AsyncBuffer {
  readonly byteLength: number;
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** What is used of hyparquet. */
interface Hyparquet {
  asyncBufferFromFile(path: string): Promise<AsyncBuffer>;
  parquetMetadataAsync(file: unknown): Promise<Metadata>;
  parquetSchema(metadata: unknown): SchemaNode;
  readonly snappyUncompress: (input: Uint8Array, output: Uint8Array) => void;
  parquetRead(options: {
    file: unknown;
    metadata: unknown;
    columns: readonly string[];
    compressors: Readonly<Record<string, (input: Uint8Array, length: number) => Uint8Array>>;
    utf8: boolean;
    onChunk(chunk: { columnName: string; columnData: ArrayLike<unknown>; rowStart: number; rowEnd: number }): void;
  }): Promise<void>;
}

type Decompress = (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Since Node 22.15. */
const zstd = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;

/** A page unpacks to the bytes that its header says, and stops there. */
const bounded = (decompress: Decompress) => (input: Uint8Array, length: number) =>
  decompress(input, { maxOutputLength: Math.max(1, length) });

const COMPRESSORS = {
  GZIP: bounded(gunzipSync),
  BROTLI: bounded(brotliDecompressSync),
  ...(zstd && { ZSTD: bounded(zstd) }),
};

/** Values that hyparquet is given at once: it makes JavaScript arrays of them, and V8 ends the process where one gets too long. */
const MAX_VALUES = 2 ** 26;
/** Bytes that hold the header of a page. */
const HEADER = 2 ** 20;

/** Snappy makes at most 64 bytes of three. */
const SNAPPY_MAX_RATIO = 22;

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
    const file = guarded(await parquet.asyncBufferFromFile(path));
    const metadata = await parquet.parquetMetadataAsync(file);
    const nodes = parquet.parquetSchema(metadata).children.filter(({ element }) => wanted(element.name));
    const columns = nodes.map(({ element }) => element.name);
    for (const node of nodes) {
      parts.set(node.element.name, []);
      types.set(node.element.name, leafType(node));
    }
    const { parquetHeader } = await optionalPackage<HyparquetColumn>("hyparquet/src/column.js", "parquet files");
    for (const group of metadata.row_groups) {
      for (const { meta_data: chunk } of group.columns)
        if (chunk !== undefined && columns.includes(chunk.path_in_schema[0]!))
          await checkPages(chunk, file, parquetHeader);
    }
    if (columns.length > 0)
      await parquet.parquetRead({
        file,
        metadata,
        columns,
        compressors: { ...COMPRESSORS, SNAPPY: snappy(parquet) },
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

/** Makes sure that pages lie in the file and do not claim more values than can be read: memory is taken for as many as they claim. */
async function checkPages(
  { dictionary_page_offset, data_page_offset, total_compressed_size }: ColumnChunk,
  file: AsyncBuffer,
  parquetHeader: HyparquetColumn["parquetHeader"],
): Promise<void> {
  const start = Number(dictionary_page_offset || data_page_offset);
  const end = start + Number(total_compressed_size);
  if (!(start >= 0 && end >= start && end <= file.byteLength)) throw new Error("columns outside of the file");
  let values = 0;
  for (let at = start; at < end - 1;) {
    const reader = { view: new DataView(await file.slice(at, Math.min(end, at + HEADER))), offset: 0 };
    const header = parquetHeader(reader);
    const { num_values: count = 0 } =
      header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header ?? {};
    values += count;
    if (!(count >= 0 && values <= MAX_VALUES))
      throw new Error(
        `${values} values of a column in one group of rows, more than the ${MAX_VALUES} that can be read`,
      );
    if (!(header.compressed_page_size >= 0)) throw new Error("a page of no size");
    at += reader.offset + header.compressed_page_size;
  }
}

/**
 * hyparquet decodes all columns at once, and of a damaged file waits for some of them only: the errors of others would end the
 * process, since nobody hears of them. Here what it makes of bytes counts as heard.
 */
function guarded(file: AsyncBuffer): AsyncBuffer {
  return { byteLength: file.byteLength, slice: (start, end) => heard(Promise.resolve(file.slice(start, end))) };
}

/** The promise, and what becomes of it by `then`, with errors that somebody hears of. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  const then = promise.then.bind(promise);
  promise.then = (...handlers: Parameters<typeof then>) => heard(then(...handlers)) as never;
  return promise;
}

/** hyparquet's, without memory for more than the page can hold. */
function snappy({ snappyUncompress }: Hyparquet): (input: Uint8Array, length: number) => Uint8Array {
  return (input, length) => {
    if (length > SNAPPY_MAX_RATIO * input.length + 64)
      throw new Error(`a page of ${length} bytes in ${input.length} compressed ones`);
    const page = new Uint8Array(length);
    snappyUncompress(input, page);
    return page;
  };
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
