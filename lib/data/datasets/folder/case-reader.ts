import { extname, resolve } from "node:path";
import { statSync } from "node:fs";
import { ValueError } from "../../../config/python-errors";
import type { FieldMap, Mesh } from "../../readers/mesh";
import { readMesh } from "../../readers/formats";
import { readArrays } from "../../readers/named-arrays";
import type { DomainConfig } from "./config";

/** Time of a transient case, as configs have it. */
export type CaseTime = DomainConfig["time"];

/** What a file holds: a mesh, or arrays by name. */
export type Contents = { readonly mesh: Mesh } | { readonly arrays: FieldMap };

/** What is wanted of one file. */
interface Request {
  readonly path: string;
  readonly time: CaseTime;
  /** Null: whatever there is. */
  fields: Set<string> | null;
  cells: boolean;
}

const ARRAY_FILES: ReadonlySet<string> = new Set([
  ".pt",
  ".pth",
  ".th",
  ".safetensors",
  ".npy",
  ".npz",
  ".csv",
  ".tsv",
  ".xy",
  ".dat",
  ".h5",
  ".hdf5",
  ".parquet",
  ".zarr",
]);

/** Whether a file has arrays, not a mesh. */
export function isArrayFile(path: string): boolean {
  return ARRAY_FILES.has(extname(path).toLowerCase());
}

/** Whether a file has one array as a rule, whose name says nothing: all of it is read where none is named. */
export function isSingleArray(path: string): boolean {
  return [".npy", ".pt", ".pth", ".th"].includes(extname(path).toLowerCase());
}

/** Whether a file may have several times: a `.pvd` file or an OpenFOAM case. */
export function hasTimes(path: string): boolean {
  const extension = extname(path).toLowerCase();
  return (
    extension === ".pvd" || extension === ".foam" || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
  );
}

/** Reads the files of one sample, each once, with the fields that all who want something of it have asked for. */
export class CaseReader {
  readonly #requests = new Map<string, Request>();
  readonly #contents = new Map<string, Promise<Contents>>();

  /** Announces fields that will be read (null: all of them); `cells` says that cells or their fields are needed. Comes before any {@link read}. */
  want(path: string, time: CaseTime, fields: Iterable<string> | null, cells: boolean): void {
    const key = keyOf(path, time);
    const request = this.#requests.get(key) ?? { path: resolve(path), time, fields: new Set<string>(), cells: false };
    if (fields === null) request.fields = null;
    else for (const field of fields) request.fields?.add(field);
    request.cells ||= cells;
    this.#requests.set(key, request);
  }

  /** The file with what was announced. A field that is not there is left out. */
  read(path: string, time: CaseTime): Promise<Contents> {
    const key = keyOf(path, time);
    const known = this.#contents.get(key);
    if (known) return known;
    const reading = readContents(this.#requests.get(key)!);
    this.#contents.set(key, reading);
    return reading;
  }

  /** The whole file, for messages about what is in it. */
  readAll(path: string, time: CaseTime): Promise<Contents> {
    return readWhole(resolve(path), time);
  }
}

function keyOf(path: string, time: CaseTime): string {
  return `${time} ${resolve(path)}`;
}

async function readContents({ path, time, fields, cells }: Request): Promise<Contents> {
  if (isArrayFile(path)) return { arrays: await readArrayFile(path, fields) };
  try {
    return { mesh: await readMesh(path, { fields: [...(fields ?? [])], cells, time: timeOf(time) }) };
  } catch (error) {
    // a reader refuses a file without one of the fields: whoever needs the field says which there are
    if (!(error instanceof ValueError)) throw error;
    return readWhole(path, time);
  }
}

async function readWhole(path: string, time: CaseTime): Promise<Contents> {
  if (isArrayFile(path)) return { arrays: await readArrayFile(path, null) };
  return { mesh: await readMesh(path, { time: timeOf(time) }) };
}

function timeOf(time: CaseTime): number | "first" | "last" {
  return time === "latest" ? "last" : time;
}

async function readArrayFile(path: string, wanted: ReadonlySet<string> | null): Promise<FieldMap> {
  if (wanted === null || wanted.size === 0) return readArrays(path);
  try {
    return await readArrays(path, { names: [...wanted] });
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    // all arrays, for the nearest name; a file that has something else beside them says itself what there is
    return readArrays(path).catch(() => {
      throw error;
    });
  }
}
