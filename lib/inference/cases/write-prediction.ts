import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { FieldMap, writeArrays, writeMesh, type Mesh, type NdArray } from "../../data";
import { isSurface } from "../../data/geometry/cell-geometry";
import type { PredictedField } from "../predict/field-buffers";
import type { DescribedRun } from "../predict/run-fields";
import type { CaseDomain, CaseFiles } from "./case-files";

/** Endings of files that predictions are written to. */
export const OUTPUT_ENDINGS = [".vtp", ".vtu", ".npz", ".csv"] as const;

/** A case with what was predicted for it. */
export interface PredictedCase {
  readonly files: CaseFiles;
  readonly fields: Readonly<Record<string, PredictedField>>;
}

/**
 * The files that a prediction is written to, by domain.
 *
 * @param out a file, or a folder (no ending): then each domain has a file of its own in it. A file of several domains gets their names
 * (`out_surface.vtp`), but for `.npz`, which holds all; a mesh with volumes is `.vtu`
 * @throws ValueError for another ending, FileNotFoundError for a folder that does not exist
 */
export function outputFiles(domains: readonly CaseDomain[], out: string): Map<string, string> {
  const extension = extname(out).toLowerCase();
  const isFolder =
    extension === "" || out.endsWith("/") || (statSync(out, { throwIfNoEntry: false })?.isDirectory() ?? false);
  if (!isFolder && !OUTPUT_ENDINGS.some((ending) => ending === extension))
    throw new ValueError(
      `${out}: expected a folder, or a name with one of the endings ${OUTPUT_ENDINGS.join(", ")}, got ${extension}`,
    );
  const parent = isFolder ? dirname(join(out, "x")) : dirname(out);
  const existing = isFolder ? dirname(parent) : parent;
  if (!existsSync(existing))
    throw new FileNotFoundError(`${out}: expected an existing folder, got ${existing}; create it first`);
  const files = domains.map(({ name, mesh }): [string, string] => {
    // polygonal data has no volumes
    const ending = extension === ".vtp" && mesh !== null && !isSurface(mesh.cells) ? ".vtu" : extension;
    if (mesh === null && (ending === ".vtp" || ending === ".vtu"))
      throw new ValueError(
        `${out}: expected a mesh for the domain "${name}", got arrays only; write a .npz or .csv file`,
      );
    if (isFolder)
      return [
        name,
        join(parent, `${name || "points"}${mesh === null ? ".npz" : isSurface(mesh.cells) ? ".vtp" : ".vtu"}`),
      ];
    const stem = out.slice(0, -extension.length);
    return [name, domains.length === 1 || ending === ".npz" ? `${stem}${ending}` : `${stem}_${name}${ending}`];
  });
  return new Map(files);
}

/**
 * Writes predicted fields on the points or cells of the case's own meshes, whose fields are kept: `pressure_predicted`, and where the
 * file has the truth `pressure_error`, the difference of the two.
 *
 * @returns the files that were written, in the order of the domains
 */
export async function writePrediction(run: DescribedRun, predicted: PredictedCase, out: string): Promise<string[]> {
  const { domains } = predicted.files;
  const files = outputFiles(domains, out);
  for (const path of files.values()) mkdirSync(dirname(path), { recursive: true });
  const archive = new Map<string, NdArray>();
  for (const domain of domains) {
    const path = files.get(domain.name)!;
    const extension = extname(path).toLowerCase();
    const added = addedFields(run, predicted, domain);
    if (extension === ".npz")
      for (const [name, array] of arraysOf(domain, added))
        archive.set(domain.name === "" ? name : `${domain.name}_${name}`, array);
    else if (extension === ".csv") await writeArrays(tableOf(domain, added), path);
    else await writeMesh(withFields(domain.mesh!, domain.location, added), path);
  }
  const [npz] = [...files.values()].filter((path) => path.toLowerCase().endsWith(".npz"));
  if (npz !== undefined) await writeArrays(archive, npz);
  return [...new Set(files.values())];
}

/** Predicted fields and errors of a domain by their names in files. */
export function addedFields(run: DescribedRun, { fields }: PredictedCase, { name, truth }: CaseDomain): FieldMap {
  const added = new FieldMap();
  for (const output of run.outputs.filter(({ domain }) => domain === name)) {
    const field = fields[output.name]!;
    added.set(`${output.field}_predicted`, field);
    const expected = truth.get(output.name);
    if (expected === undefined) continue;
    const error = field.values.map((value, i) => value - expected.values[i]!);
    added.set(`${output.field}_error`, { values: error, shape: field.shape });
  }
  return added;
}

/** The mesh of a domain with further fields where its points are. */
export function withFields(mesh: Mesh, location: CaseDomain["location"], added: FieldMap): Mesh {
  const own = location === "points" ? mesh.pointData : mesh.cellData;
  const data = new FieldMap([...own, ...added]);
  for (const [key, texts] of own.texts) data.texts.set(key, texts);
  for (const [key, unit] of own.units) data.units.set(key, unit);
  return mesh.with({ blocks: new Map(), ...(location === "points" ? { pointData: data } : { cellData: data }) });
}

/** Positions, the fields of the file and those that were predicted. */
function arraysOf({ positions, mesh, location, truth }: CaseDomain, added: FieldMap): Map<string, NdArray> {
  const own = mesh === null ? [...truth] : [...(location === "points" ? mesh.pointData : mesh.cellData)];
  return new Map([["position", positions], ...own, ...added]);
}

function tableOf(domain: CaseDomain, added: FieldMap): Map<string, NdArray> {
  const { positions } = domain;
  const width = positions.shape[1] ?? 1;
  const columns = Array.from({ length: width }, (_, axis): [string, NdArray] => {
    const values = positions.values.filter((_, i) => i % width === axis);
    return ["xyz"[axis] ?? `x${axis}`, { values, shape: [values.length] }];
  });
  const others = [...arraysOf(domain, added)].filter(([name]) => name !== "position");
  return new Map([...columns, ...others]);
}
