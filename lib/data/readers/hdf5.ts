/** HDF5 files, through h5wasm: the HDF5 library itself, compiled to WebAssembly. */
import { openFile } from "./byte-source";
import { FileFormatError } from "./errors";
import { FieldMap } from "./mesh";
import { optionalPackage } from "./optional-package";
import { requireMemory } from "./unpack";
import { numericType, type TypedArray } from "./arrays";

/** What is used of h5wasm. */
interface H5Module {
  readonly ready: Promise<unknown>;
  readonly File: new (path: string, mode: "r") => H5File;
}
export interface H5Group {
  readonly type: "Group";
  readonly attrs: Readonly<Record<string, { readonly value: unknown }>>;
  keys(): string[];
  get(name: string): H5Group | H5Dataset | { readonly type: string } | null;
}
export interface H5Dataset {
  readonly type: "Dataset";
  readonly shape: readonly number[] | null;
  readonly dtype: unknown;
  readonly value: unknown;
}
interface H5File extends H5Group {
  readonly file_id: bigint | number;
  close(): unknown;
}

const MAX_DEPTH = 64;

/** Of a type as h5wasm writes it, `<f8`; 8 where it does not say. */
function bytesPerValue(dtype: unknown): number {
  return Number(/^[<>|]?[a-zA-Z](\d+)$/.exec(String(dtype))?.[1] ?? 8);
}

/**
 * The datasets of a file by path (`run/fields/p`): numbers of any shape, and texts. Only the wanted ones are read.
 *
 * @throws FileFormatError for files that are no HDF5, and for a wanted dataset of another kind (records, references).
 */
export async function readHdf5(path: string, wanted: (name: string) => boolean = () => true): Promise<FieldMap> {
  return withHdf5(path, "HDF5 files", (root) => {
    const arrays = new FieldMap();
    collect(root, "", 0, arrays, wanted, path);
    return arrays;
  });
}

/** Opens a file, hands its root to the body and closes it; what the library throws becomes a FileFormatError. */
export async function withHdf5<T>(path: string, format: string, body: (root: H5Group) => T): Promise<T> {
  // says which file is missing, where the library would only fail
  openFile(path).close();
  const module = await optionalPackage<H5Module>("h5wasm/node", format);
  await module.ready;
  let file: H5File | undefined;
  try {
    file = new module.File(path, "r");
    if (Number(file.file_id) < 0)
      throw new FileFormatError(path, "expected an HDF5 file, got another or a damaged one");
    return body(file);
  } catch (error) {
    if (error instanceof FileFormatError) throw error;
    throw new FileFormatError(path, `expected an HDF5 file, got a damaged one: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    if (file !== undefined && Number(file.file_id) >= 0) file.close();
  }
}

function collect(
  group: Pick<H5Group, "keys" | "get">,
  prefix: string,
  depth: number,
  arrays: FieldMap,
  wanted: (name: string) => boolean,
  path: string,
): void {
  if (depth > MAX_DEPTH)
    throw new FileFormatError(path, `expected at most ${MAX_DEPTH} groups inside each other, got more`);
  for (const key of group.keys()) {
    const entry = group.get(key);
    const name = `${prefix}${key}`;
    if (entry?.type === "Group") collect(entry as H5Group, `${name}/`, depth + 1, arrays, wanted, path);
    else if (entry?.type === "Dataset" && wanted(name)) add(entry as H5Dataset, name, arrays, path);
  }
}

function add(dataset: H5Dataset, name: string, arrays: FieldMap, path: string): void {
  const fail = (problem: string, cause?: unknown) =>
    new FileFormatError(path, `expected numbers or texts in "${name}", got ${problem}; leave it out with names`, {
      cause,
    });
  const { shape } = dataset;
  if (shape === null) throw fail("nothing");
  requireMemory(shape, bytesPerValue(dataset.dtype), fail);
  let value: unknown;
  try {
    value = dataset.value;
  } catch (error) {
    throw fail(`values that cannot be read (${(error as Error).message})`, error);
  }
  if (typeof value === "number") arrays.set(name, { values: Float64Array.of(value), shape });
  else if (typeof value === "bigint") arrays.set(name, { values: BigInt64Array.of(value), shape });
  else if (typeof value === "string") arrays.texts.set(name, [value]);
  else if (Array.isArray(value) && value.every((text) => typeof text === "string")) arrays.texts.set(name, value);
  else if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    numericType(value as TypedArray);
    arrays.set(name, { values: value as TypedArray, shape: [...shape] });
  } else throw fail("records or references");
}
