/** Files of named arrays, without points and cells: which reader a name chooses. */
import { basename, extname } from "node:path";
import { ValueError } from "../../config/python-errors";
import { withFile, type ByteSource } from "./byte-source";
import { readCsv, type CsvOptions } from "./csv";
import { writeFileWhole } from "./file-sink";
import { FieldMap } from "./mesh";
import { readNpy, readNpz, writeNpy } from "./npy";
import type { NdArray } from "./arrays";
import { checkOptions, arrayOf, text, type KindsOf } from "../../torch/arguments";

/** Options of {@link readArrays}. */
export interface ReadArraysOptions {
  /** Names of the arrays that are read; one that is not there is an error. Default: all. */
  readonly names?: readonly string[];
}

const KINDS = { names: arrayOf(text) } satisfies KindsOf<ReadArraysOptions>;

type Reader = (source: ByteSource, wanted: (name: string) => boolean) => FieldMap;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [".npy", (source) => new FieldMap([[basename(source.name, extname(source.name)), readNpy(source)]])],
  [".npz", (source, wanted) => new FieldMap(readNpz(source, wanted))],
  [".csv", (source) => readCsv(source)],
  [".tsv", (source) => readCsv(source, { separator: "\t" })],
  [".xy", (source) => readCsv(source, { separator: " " })],
  [".dat", (source) => readCsv(source)],
]);

/**
 * Reads the arrays of a file by name: `.npy` (one, called as the file), `.npz`, and columns of `.csv`, `.tsv`, `.xy`, `.dat`.
 *
 * @throws FileNotFoundError, {@link FileFormatError}; ValueError when no reader knows the name, or an array is not there.
 */
export async function readArrays(
  path: string,
  options: ReadArraysOptions = {},
  ...surplus: never[]
): Promise<FieldMap> {
  checkOptions("readArrays", options, KINDS, surplus);
  const read = READERS.get(extname(path).toLowerCase());
  if (read === undefined)
    throw new ValueError(
      `${path}: expected a name with one of the endings ${[...READERS.keys()].join(", ")}, got ${extname(path) || "none"}`,
    );
  const { names } = options;
  const arrays = withFile(path, (source) => read(source, (name) => names === undefined || names.includes(name)));
  if (names === undefined) return arrays;
  const missing = names.filter((name) => !arrays.has(name) && !arrays.texts.has(name));
  if (missing.length > 0)
    throw new ValueError(
      `${path}: expected the arrays ${missing.join(", ")}, got ${[...arrays.keys(), ...arrays.texts.keys()].join(", ") || "none of these names"}`,
    );
  for (const map of [arrays, arrays.texts]) for (const name of map.keys()) if (!names.includes(name)) map.delete(name);
  return arrays;
}

/** Reads the columns of a table with a separator, or names, of one's own; see {@link readArrays}. */
export async function readTable(path: string, options: CsvOptions = {}): Promise<FieldMap> {
  return withFile(path, (source) => readCsv(source, options));
}

/** Writes an array to a `.npy` file, which appears when it is complete. */
export async function writeArray(array: NdArray, path: string): Promise<void> {
  if (extname(path).toLowerCase() !== ".npy") throw new ValueError(`${path}: expected a name with the ending .npy`);
  writeFileWhole(path, (sink) => writeNpy(array, sink));
}
