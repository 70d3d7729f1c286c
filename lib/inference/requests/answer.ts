/** From the body of a request to that of its answer: what a prediction thread does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readArrays, writeArrays, type NdArray } from "../../data";
import type { CaseInputs } from "../predict/inputs";
import type { PredictedField } from "../predict/field-buffers";
import type { PredictOptions } from "../predict/prediction-task";
import type { TrainedRun } from "../run/trained-run";
import type { RequestResult, RequestTask } from "./request";
import { sceneOf } from "../scene/scene";
import { readMeshRequest } from "./mesh-request";
import { RequestError } from "./request-error";

/** Media types of inputs by name. */
const ARRAYS = ["application/json", "application/x-npz"];
/** Media types of meshes; the query says `file=NAME`. */
export const MESHES = ["application/octet-stream", "model/stl", "model/obj"];
/** What the page draws, with points and triangles. */
export const SCENE = "application/x-noether-scene+json";

/** Media types of answers. */
export const ANSWERS: readonly string[] = [...ARRAYS, SCENE];

/** Numbers of one input: nested lists, flat ones with a shape, or float32 values as base64 (little-endian). */
const Numbers = z.union([
  z.number(),
  z.array(z.unknown()),
  z.strictObject({ shape: z.array(z.int().nonnegative()), values: z.array(z.number()) }),
  z.strictObject({ shape: z.array(z.int().nonnegative()), base64: z.base64() }),
]);

/** Body of `POST /predict` as JSON. */
export const PredictBody = z.strictObject({
  /** Inputs of the run by name. */
  inputs: z.record(z.string(), Numbers),
  /** Points that are evaluated at a time. */
  chunk_size: z.int().positive().optional(),
  /** Of the random choice of anchors. */
  seed: z.int().nonnegative().optional(),
  /** Fields that the answer has; default: all. */
  outputs: z.array(z.string()).optional(),
  /** How numbers are written: `list`, or `base64` (float32, little-endian). */
  encoding: z.enum(["list", "base64"]).optional(),
});
type PredictBody = z.output<typeof PredictBody>;

/** A request that was read: what is to be predicted, and how its answer is written. */
export interface ReadTask {
  readonly inputs: CaseInputs;
  readonly options: Pick<PredictOptions, "chunkSize" | "seed">;
  readonly write: (fields: Readonly<Record<string, PredictedField>>) => Promise<RequestResult>;
}

/**
 * Reads a request.
 *
 * @throws RequestError with its status, ValueError for inputs that do not fit
 */
export async function readRequest(run: TrainedRun, task: RequestTask): Promise<ReadTask> {
  if (MESHES.includes(task.contentType)) return readMeshTask(run, task);
  const { inputs, body } = await readInputsOf(task);
  refuseTooMany(inputs, task.maxPoints);
  const chosen = chosenOutputs(run, body.outputs);
  return {
    inputs,
    options: optionsOf(body),
    write: async (fields) => writeAnswer(task.accept, pick(fields, chosen), body.encoding),
  };
}

async function readMeshTask(run: TrainedRun, task: RequestTask): Promise<ReadTask> {
  const { file: _, slice: __, set: ___, ...query } = task.query;
  const body = readQuery(query);
  const chosen = chosenOutputs(run, body.outputs);
  const files = await withFolder(async (folder) => readMeshRequest(run, task, folder));
  const write = async (fields: Readonly<Record<string, PredictedField>>): Promise<RequestResult> => {
    if (task.accept !== SCENE) return writeAnswer(task.accept, pick(fields, chosen), body.encoding);
    const { name, checkpoint } = run.identity;
    const scene = sceneOf(run, { files, fields }, `${name}, checkpoint ${checkpoint}`);
    return { body: new TextEncoder().encode(JSON.stringify(scene)), contentType: SCENE };
  };
  return { inputs: files.inputs, options: optionsOf(body), write };
}

function optionsOf({ chunk_size: chunkSize, seed }: Omit<PredictBody, "inputs">): ReadTask["options"] {
  return { ...(chunkSize === undefined ? {} : { chunkSize }), ...(seed === undefined ? {} : { seed }) };
}

function pick(
  fields: Readonly<Record<string, PredictedField>>,
  names: readonly string[],
): Record<string, PredictedField> {
  return Object.fromEntries(names.map((name) => [name, fields[name]!]));
}

interface ReadInputs {
  readonly inputs: CaseInputs;
  readonly body: Omit<PredictBody, "inputs">;
}

async function readInputsOf({ contentType, body, query }: RequestTask): Promise<ReadInputs> {
  if (contentType === "application/json") return readJson(body);
  if (contentType === "application/x-npz") {
    const inputs = await withFolder(async (folder) => {
      const path = join(folder, "inputs.npz");
      writeFileSync(path, body);
      return Object.fromEntries(await readArrays(path).catch(asRequestError));
    });
    return { inputs, body: readQuery(query) };
  }
  throw new RequestError(
    415,
    `expected a body of ${[...ARRAYS, ...MESHES].join(", ")}, got ${contentType || "no content-type"}`,
  );
}

function readJson(bytes: Uint8Array): ReadInputs {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (error) {
    throw new RequestError(400, `the body is no JSON: ${(error as Error).message}`);
  }
  const { data, error } = PredictBody.safeParse(parsed);
  if (data === undefined) throw new RequestError(400, `the body: ${problemsOf(error!)}`);
  const inputs = Object.fromEntries(Object.entries(data.inputs).map(([name, value]) => [name, toNumbers(name, value)]));
  return { inputs, body: data };
}

/** Options of bodies that are files. */
const PredictQuery = z.strictObject({
  chunk_size: z.coerce.number().int().positive().optional(),
  seed: z.coerce.number().int().nonnegative().optional(),
  outputs: z
    .string()
    .transform((names) => names.split(","))
    .optional(),
  encoding: PredictBody.shape.encoding,
});

function readQuery(query: RequestTask["query"]): Omit<PredictBody, "inputs"> {
  const { data, error } = PredictQuery.safeParse(query);
  if (data === undefined) throw new RequestError(400, `the query: ${problemsOf(error!)}`);
  return data;
}

function problemsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message)).join("; ");
}

function toNumbers(name: string, value: z.output<typeof Numbers>): CaseInputs[string] {
  if (typeof value !== "object" || Array.isArray(value)) return value as CaseInputs[string];
  const values = "values" in value ? Float64Array.from(value.values) : fromBase64(value.base64, `input "${name}"`);
  const count = value.shape.reduce((product, size) => product * size, 1);
  if (values.length !== count)
    throw new RequestError(
      400,
      `input "${name}": expected ${count} numbers for the shape (${value.shape.join(", ")}), got ${values.length}`,
    );
  return { values, shape: value.shape };
}

function fromBase64(text: string, what: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 4 !== 0)
    throw new RequestError(400, `${what}: expected 4 bytes a number, got ${bytes.length} bytes`);
  // a copy begins where float32 may begin; every platform of this package is little-endian
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function refuseTooMany(inputs: CaseInputs, maxPoints: number): void {
  for (const [name, value] of Object.entries(inputs)) {
    const rows =
      typeof value === "number" ? 1 : Array.isArray(value) ? value.length : ((value as NdArray).shape[0] ?? 1);
    if (rows > maxPoints)
      throw new RequestError(413, `input "${name}": expected at most ${maxPoints} points, got ${rows}`);
  }
}

function chosenOutputs(run: TrainedRun, names: readonly string[] | undefined): readonly string[] {
  const known = run.outputs.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new RequestError(400, `outputs: the run predicts ${known.join(", ")}, not "${unknown}"`);
  return names ?? known;
}

async function writeAnswer(
  accept: string,
  fields: Readonly<Record<string, PredictedField>>,
  encoding: "list" | "base64" = "list",
): Promise<RequestResult> {
  if (accept === SCENE) throw new RequestError(406, `${SCENE} needs a mesh as body`);
  if (accept === "application/x-npz") {
    const body = await withFolder(async (folder) => {
      const path = join(folder, "fields.npz");
      await writeArrays(new Map(Object.entries(fields)), path);
      return new Uint8Array(readFileSync(path));
    });
    return { body, contentType: accept };
  }
  const entries = Object.entries(fields).map(([name, { values, shape }]) => [
    name,
    encoding === "base64" ? { shape, base64: toBase64(values) } : { shape, values: Array.from(values) },
  ]);
  const text = JSON.stringify({ fields: Object.fromEntries(entries) as object });
  return { body: new TextEncoder().encode(text), contentType: "application/json" };
}

function toBase64(numbers: PredictedField["values"]): string {
  const values = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

/** A folder that is gone afterwards. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "noether-request-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A damaged file in a request is the sender's fault; its path is of no use to the sender. */
function asRequestError(error: unknown): never {
  throw new RequestError(400, (error as Error).message.replace(/\S*noether-request-\w+\/?/g, ""));
}
