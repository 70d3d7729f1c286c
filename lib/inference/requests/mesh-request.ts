/** Requests whose body is a mesh. */
import { writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { readMesh } from "../../data";
import { readCase, type CaseFiles } from "../cases";
import { MIDDLE, withDomainsOfBody, type Slice } from "../cases/lone-body";
import type { TrainedRun } from "../run/trained-run";
import { RequestError } from "./request-error";
import type { RequestTask } from "./request";

/** Endings of meshes that are one file. */
export const MESH_ENDINGS = [".stl", ".ply", ".obj", ".vtp", ".vtu", ".vtk"];

/**
 * The case that a mesh is: the surface of the body, or the only domain. A run with a volume beside it is asked for a slice around the
 * body.
 *
 * @param folder where files may be written
 */
export async function readMeshRequest(run: TrainedRun, task: RequestTask, folder: string): Promise<CaseFiles> {
  const { query, body, maxPoints } = task;
  const name = one(query, "file") ?? "body.stl";
  const ending = extname(name).toLowerCase();
  if (!MESH_ENDINGS.includes(ending))
    throw new RequestError(
      400,
      `file: expected a name with one of the endings ${MESH_ENDINGS.join(", ")}, got "${name}"`,
    );
  const path = join(folder, `body${ending}`);
  writeFileSync(path, body);
  const mesh = await readMesh(path).catch((error: unknown) => {
    throw new RequestError(400, (error as Error).message.replaceAll(path, name));
  });
  if (mesh.numberOfPoints > maxPoints)
    throw new RequestError(413, `${name}: expected at most ${maxPoints} points, got ${mesh.numberOfPoints}`);
  const conditions = conditionsOf(query["set"]);
  const missing = run.inputs.filter((input) => input.role === "condition" && !(input.name in conditions));
  if (missing.length > 0)
    throw new RequestError(
      422,
      `expected ${missing.map((input) => input.name).join(", ")}, numbers of the whole case: set=${missing[0]!.name}=NUMBER,…`,
    );
  if (run.domains.includes(""))
    throw new RequestError(
      422,
      "expected inputs as JSON or npz: the model of this run has no domains that a mesh could be",
    );
  if (run.domains.length > 2)
    throw new RequestError(422, `expected inputs as JSON or npz: this run has the domains ${run.domains.join(", ")}`);
  const read = await withDomainsOfBody(run.domains, path, mesh, sliceOf(one(query, "slice")), async (domains) =>
    readCase(run, path, { domains, conditions }),
  );
  return { ...read, name: name.replace(/\.\w+$/, "") };
}

function sliceOf(given: string | undefined): Slice {
  if (given === undefined) return MIDDLE;
  const [axis = NaN, position = MIDDLE.position] = given.split(",").map(Number);
  if (![0, 1, 2].includes(axis) || !(position >= 0 && position <= 1))
    throw new RequestError(
      400,
      `slice: expected AXIS,POSITION with an axis 0 to 2 and a position 0 to 1, got "${given}"`,
    );
  return { axis: axis as Slice["axis"], position };
}

/** `set=NAME=NUMBER,NUMBER`, once or several times. */
function conditionsOf(given: string | readonly string[] | undefined): Record<string, readonly number[]> {
  const entries = given === undefined ? [] : [given].flat();
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf("=");
      const numbers = entry
        .slice(at + 1)
        .split(",")
        .map(Number);
      if (at < 1 || !numbers.every(Number.isFinite))
        throw new RequestError(400, `set: expected NAME=NUMBER,NUMBER, got "${entry}"`);
      return [entry.slice(0, at), numbers];
    }),
  );
}

function one(query: RequestTask["query"], name: string): string | undefined {
  const value = query[name];
  if (value !== undefined && typeof value !== "string") throw new RequestError(400, `${name}: expected it once`);
  return value;
}
