/** Files of named arrays, without points and cells: which reader a name chooses. */
import { statSync } from "node:fs";
import { basename, extname } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { withFile, type ByteSource } from "./byte-source";
import { readCsv, type CsvOptions } from "./csv";
import { writeFileWhole } from "./file-sink";
import { readHdf5 } from "./hdf5";
import { FieldMap } from "./mesh";
import { readNpy, readNpz, writeNpy } from "./npy";
import { readParquet } from "./parquet";
import { readTensors } from "./tensors";
import { isZarrStore, readZarr } from "./zarr";
import type { NdArray } from "./arrays";
import { checkOptions, arrayOf, text, type KindsOf } from "../../torch/arguments";

/** Options of {@link readArrays}. */
export interface ReadArraysOptions {
  /** Names of the arrays that are read; one that is not there is an error. Default: all. */
  readonly names?: readonly string[];
}

const KINDS = { names: arrayOf(text) } satisfies KindsOf<ReadArraysOptions>;

type Wanted = (name: string) => boolean;
type Reader = (path: string, wanted: Wanted) => FieldMap | Promise<FieldMap>;

/** A reader of bytes. */
const ofBytes =
  (read: (source: ByteSource, wanted: Wanted) => FieldMap): Reader =>
  (path, wanted) =>
    withFile(path, (source) => read(source, wanted));

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [".npy", ofBytes((source) => new FieldMap([[basename(source.name, extname(source.name)), readNpy(source)]]))],
  [".npz", ofBytes((source, wanted) => new FieldMap(readNpz(source, wanted)))],
  [".csv", ofBytes((source) => readCsv(source))],
  [".tsv", ofBytes((source) => readCsv(source, { separator: "\t" }))],
  [".xy", ofBytes((source) => readCsv(source, { separator: " " }))],
  [".dat", ofBytes((source) => readCsv(source))],
  [".h5", readHdf5],
  [".hdf5", readHdf5],
  [".parquet", readParquet],
  [".zarr", readZarr],
  [".pt", readTensors],
  [".pth", readTensors],
  [".th", readTensors],
  [".safetensors", readTensors],
]);

/** What a path that {@link readArrays} reads is; undefined where no reader knows its name. */
export function arrayFormatName(path: string): string | undefined {
  const extension = extname(path).toLowerCase();
  if (isFolder(path)) return isZarrStore(path) ? "Zarr store" : undefined;
  return extension !== ".zarr" && READERS.has(extension) ? `arrays (${extension})` : undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Reads the arrays of a file by name: `.npy` (one, called as the file), `.npz`, columns of `.csv`, `.tsv`, `.xy`, `.dat`;
 * tensors of `.pt`, `.pth`, `.th` and `.safetensors` (names of mappings inside each other joined by `/`); with packages that are installed beside this one `.h5` and `.hdf5` (h5wasm), `.parquet` (hyparquet), and the folder of a Zarr store
 * (zarrita).
 *
 * @throws FileNotFoundError, {@link FileFormatError}; ValueError when no reader knows the name, or an array is not there;
 * RuntimeError when a package is not installed.
 */
export async function readArrays(
  path: string,
  options: ReadArraysOptions = {},
  ...surplus: never[]
): Promise<FieldMap> {
  checkOptions("readArrays", options, KINDS, surplus);
  const read = readerOf(path);
  const { names } = options;
  const arrays = await read(path, (name) => names === undefined || names.includes(name));
  if (names === undefined) return arrays;
  const missing = names.filter((name) => !arrays.has(name) && !arrays.texts.has(name));
  if (missing.length > 0) {
    const got = [...arrays.keys(), ...arrays.texts.keys()].join(", ") || "none of these names";
    throw new ValueError(`${path}: expected the arrays ${missing.join(", ")}, got ${got}`);
  }
  for (const map of [arrays, arrays.texts]) for (const name of map.keys()) if (!names.includes(name)) map.delete(name);
  return arrays;
}

function readerOf(path: string): Reader {
  const read = READERS.get(extname(path).toLowerCase());
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() && isZarrStore(path)) return readZarr;
  if (read === readZarr)
    throw new FileNotFoundError(
      `${path}: expected the folder of a Zarr store, got ${status ? "none" : "nothing of that name"}`,
    );
  if (read !== undefined) return read;
  const known = [...READERS.keys()].join(", ");
  throw new ValueError(`${path}: expected a name with one of the endings ${known}, got ${extname(path) || "none"}`);
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
