import { extname, resolve } from "node:path";
import { statSync } from "node:fs";
import { ValueError } from "../../../config/python-errors";
import { load, loadSafetensors, scope, Tensor } from "../../../torch";
import type { TypedArray } from "../../readers/arrays";
import { FieldMap, type Mesh } from "../../readers/mesh";
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
  readonly fields: Set<string>;
  cells: boolean;
}

const TENSOR_FILES: ReadonlySet<string> = new Set([".pt", ".pth", ".th", ".safetensors"]);
const ARRAY_FILES: ReadonlySet<string> = new Set([
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
  const extension = extname(path).toLowerCase();
  return TENSOR_FILES.has(extension) || ARRAY_FILES.has(extension);
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

  /** Announces fields that will be read; `cells` says that cells or their fields are needed. Comes before any {@link read}. */
  want(path: string, time: CaseTime, fields: Iterable<string>, cells: boolean): void {
    const key = keyOf(path, time);
    const request = this.#requests.get(key) ?? { path: resolve(path), time, fields: new Set<string>(), cells: false };
    for (const field of fields) request.fields.add(field);
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
    return { mesh: await readMesh(path, { fields: [...fields], cells, time: timeOf(time) }) };
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
  if (TENSOR_FILES.has(extname(path).toLowerCase())) return readTensorFile(path, wanted);
  const extension = extname(path).toLowerCase();
  if (wanted === null || wanted.size === 0 || extension === ".npy") return readArrays(path);
  try {
    return await readArrays(path, { names: [...wanted] });
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return readArrays(path);
  }
}

/** Tensors by name; names of nested mappings are joined by `/`, a tensor alone has the name of the file. */
function readTensorFile(path: string, wanted: ReadonlySet<string> | null): FieldMap {
  return scope(() => {
    const content: unknown =
      extname(path).toLowerCase() === ".safetensors" ? Object.fromEntries(loadSafetensors(path).tensors) : load(path);
    const arrays = new FieldMap();
    const visit = (value: unknown, name: string): void => {
      if (value instanceof Tensor) {
        if (wanted === null || wanted.size === 0 || wanted.has(name) || name === fileName(path))
          arrays.set(name, toArray(value));
      } else if (value instanceof Map) {
        for (const [key, entry] of value as Map<unknown, unknown>) visit(entry, joinName(name, String(key)));
      } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
        for (const [key, entry] of Object.entries(value)) visit(entry, joinName(name, key));
      }
    };
    visit(content, content instanceof Tensor ? fileName(path) : "");
    return arrays;
  });
}

function fileName(path: string): string {
  const name = path.split(/[/\\]/).at(-1)!;
  return name.slice(0, name.length - extname(name).length);
}

function joinName(parent: string, key: string): string {
  return parent === "" ? key : `${parent}/${key}`;
}

function toArray(value: Tensor): { values: TypedArray; shape: number[] } {
  const plain =
    value.dtype === "bfloat16" || value.dtype === "float16" || value.dtype === "bool" ? value.to("float32") : value;
  const values = plain.contiguous().dataSync() as TypedArray;
  return { values: values.slice(), shape: [...value.shape] };
}
