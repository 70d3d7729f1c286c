/** Zarr stores in a folder (versions 2 and 3), through zarrita. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TypedArray } from "./arrays";
import { FileFormatError } from "./errors";
import { FieldMap } from "./mesh";
import { optionalPackage } from "./optional-package";
import { requireMemory } from "./unpack";
import { numericType } from "./arrays";

/** What is used of zarrita and its stores. */
interface Zarrita {
  root(store: unknown): { resolve(path: string): unknown };
  open(location: unknown, options: { kind: "array" }): Promise<{ shape: readonly number[]; dtype: string }>;
  get(array: unknown): Promise<{ data: unknown; shape: readonly number[] } | number | bigint>;
}
interface Stores {
  readonly default: new (folder: string) => unknown;
}

const MAX_DEPTH = 32;

/** Whether a folder is a Zarr store: an array or a group. */
export function isZarrStore(folder: string): boolean {
  return [".zarray", ".zgroup", "zarr.json"].some((name) => existsSync(join(folder, name)));
}

/**
 * The arrays of a store by path (`run/p`; of a store that is one array, the folder's name). Only the wanted ones are read.
 *
 * @throws FileFormatError for damaged stores and arrays of other things than numbers.
 */
export async function readZarr(folder: string, wanted: (name: string) => boolean = () => true): Promise<FieldMap> {
  const zarr = await optionalPackage<Zarrita>("zarrita", "Zarr stores");
  const { default: FileSystemStore } = await optionalPackage<Stores>("@zarrita/storage/fs", "Zarr stores");
  const root = zarr.root(new FileSystemStore(resolve(folder)));
  const arrays = new FieldMap();
  for (const path of arrayPaths(folder, "", 0)) {
    const name =
      path === ""
        ? folder
            .split(/[/\\]/)
            .filter(Boolean)
            .at(-1)!
            .replace(/\.zarr$/, "")
        : path;
    if (!wanted(name)) continue;
    try {
      const stored = await zarr.open(root.resolve(path === "" ? "/" : `/${path}`), { kind: "array" });
      requireMemory(
        stored.shape,
        8,
        (problem) => new FileFormatError(join(folder, path), `expected an array that fits into memory, got ${problem}`),
      );
      const array = await zarr.get(stored);
      if (typeof array === "number") arrays.set(name, { values: Float64Array.of(array), shape: [] });
      else if (typeof array === "bigint") arrays.set(name, { values: BigInt64Array.of(array), shape: [] });
      else {
        numericType(array.data as TypedArray);
        arrays.set(name, { values: array.data as TypedArray, shape: [...array.shape] });
      }
    } catch (error) {
      if (error instanceof FileFormatError) throw error;
      throw new FileFormatError(
        join(folder, path),
        `expected a Zarr array of numbers, got ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  }
  return arrays;
}

function arrayPaths(folder: string, prefix: string, depth: number): string[] {
  if (isArray(folder)) return [prefix];
  if (depth > MAX_DEPTH || !isZarrStore(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => arrayPaths(join(folder, name), prefix === "" ? name : `${prefix}/${name}`, depth + 1))
    .sort();
}

function isArray(folder: string): boolean {
  if (existsSync(join(folder, ".zarray"))) return true;
  const path = join(folder, "zarr.json");
  if (!existsSync(path)) return false;
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { node_type?: unknown } | null)?.node_type === "array";
  } catch (error) {
    throw new FileFormatError(path, `expected JSON, got ${(error as Error).message}`, { cause: error });
  }
}
