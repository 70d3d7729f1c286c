import { readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { meshFormatName, meshTimes, readMesh } from "../readers/formats";
import type { FieldMap, Mesh } from "../readers/mesh";
import { arrayFormatName, readArrays } from "../readers/named-arrays";
import { summariseFields, summariseMesh, type FieldSummary, type MeshSummary } from "./summary";

/** Options of {@link readContents}. */
export interface ContentsOptions {
  /** Of a transient case. Default `"last"`. */
  readonly time?: number | "first" | "last";
}

/** What a file, an OpenFOAM case or a Zarr store holds. */
export interface Contents {
  readonly path: string;
  readonly format: string;
  /** Bytes; of a folder those of all files in it. */
  readonly size: number;
  /** Times of a transient case; empty of others. */
  readonly times: readonly number[];
  /** Of files of meshes. */
  readonly mesh?: MeshSummary;
  /** Of files of arrays. */
  readonly arrays?: readonly FieldSummary[];
}

/** {@link Contents} and the values themselves. */
export interface LoadedContents {
  readonly contents: Contents;
  readonly mesh?: Mesh;
  readonly arrays?: FieldMap;
}

/** Whether a path is of a kind that is read, whatever is in it. */
export function isReadable(path: string): boolean {
  return formatName(path) !== undefined;
}

function formatName(path: string): string | undefined {
  return meshFormatName(path) ?? arrayFormatName(path);
}

/**
 * Reads a file, an OpenFOAM case or a Zarr store and summarises it.
 *
 * @throws FileNotFoundError; ValueError for a name that no reader knows; FileFormatError for damaged files
 */
export async function readContents(path: string, { time = "last" }: ContentsOptions = {}): Promise<LoadedContents> {
  if (!statSync(path, { throwIfNoEntry: false }))
    throw new FileNotFoundError(`${path}: expected a file or folder, got nothing of that name`);
  const format = formatName(path);
  if (format === undefined) throw new ValueError(`${path}: ${unknownFormat(path)}`);
  const common = { path, format, size: sizeOf(path) };
  if (meshFormatName(path) === undefined) {
    const arrays = await readArrays(path);
    return { contents: { ...common, times: [], arrays: summariseFields(arrays) }, arrays };
  }
  const mesh = await readMesh(path, { time });
  return { contents: { ...common, times: meshTimes(path), mesh: summariseMesh(mesh) }, mesh };
}

function unknownFormat(path: string): string {
  const extension = extname(path);
  return `expected a file of a format that is read here (docs/readers.md lists them), got ${extension === "" ? "a name without an ending" : `the ending ${extension}`}`;
}

function sizeOf(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return 0;
  if (!status.isDirectory()) return status.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
