import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { FileNotFoundError, RuntimeError, ValueError } from "../../../config/python-errors";
import { outwardNormals } from "../../geometry/orient-surface";
import { cellsToPoints } from "../../geometry/gradient";
import { rowsOf } from "../../readers/arrays";
import { CellType } from "../../readers/cell-types";
import { readMesh } from "../../readers/formats";
import type { FieldMap, Mesh } from "../../readers/mesh";
import { readArrays } from "../../readers/named-arrays";
import { isFolder } from "../cfd/sample-file";
import { numbersOf, takeRows, writeSampleFolder, type FieldValues, type PreprocessProgress } from "./sample-writer";

/** Simulations without a surface. */
const EXCLUDED: ReadonlySet<string> = new Set([
  "854bb96a96a4d1b338acbabdc1252e2f",
  "85bb9748c3836e566f81b21e2305c824",
  "9ec13da6190ab1a3dd141480e2c154d3",
  "c5079a5b8d59220bc3fb0d224baae2a",
]);
const SIMULATIONS = 889;
const EPSILON = 1e-8;

/** Options of {@link preprocessShapeNetCar}. */
export interface ShapeNetCarOptions {
  /** Folder with the unpacked `param0` … `param8`. */
  readonly root: string;
  /** Samples go to `<outputDir>/preprocessed/param<k>/<name>`. */
  readonly outputDir: string;
  /** Read and check everything, write nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Replace samples that are there. Default: false, they are an error. */
  readonly overwrite?: boolean;
  /** Go on after a simulation that cannot be read. Default: false. */
  readonly continueOnError?: boolean;
  /** Simulations that there have to be. Default: 889. */
  readonly expected?: number;
  readonly onProgress?: (progress: PreprocessProgress) => void;
}

/**
 * Raw ShapeNet-Car (http://www.nobuyuki-umetani.com/publication/mlcfd_data.zip) to the files that `ShapeNetCarDataset` reads.
 *
 * Of each simulation: pressure at the points that quads of `quadpress_smpl.vtk` have, with normals; velocity at the points of
 * `hexvelo_smpl.vtk` that are not on the surface, with the distance to the nearest point of the surface and the direction from there.
 *
 * @returns errors by simulation, with `continueOnError`
 * @throws FileNotFoundError, ValueError for folders that are not as they have to be; RuntimeError where a simulation is damaged
 */
export async function preprocessShapeNetCar(options: ShapeNetCarOptions): Promise<ReadonlyMap<string, Error>> {
  const { dryRun = false, overwrite = false, continueOnError = false, expected = SIMULATIONS } = options;
  const root = resolve(options.root);
  const target = join(resolve(options.outputDir), "preprocessed");
  const names = simulationsOf(root, expected);
  if (existsSync(target) && !overwrite && !dryRun)
    throw new ValueError(`expected no ${target}, but it is there: overwrite replaces its samples`);
  const errors = new Map<string, Error>();
  for (const [done, name] of names.entries()) {
    try {
      const files = await processSimulation(join(root, name));
      if (!dryRun) writeSampleFolder(join(target, name), files);
    } catch (error) {
      const failure = new RuntimeError(`${join(root, name)}: ${(error as Error).message}`, { cause: error });
      if (!continueOnError) throw failure;
      errors.set(name, failure);
      // an older one would pass for this one
      if (!dryRun) rmSync(join(target, name), { recursive: true, force: true });
    }
    options.onProgress?.({ done: done + 1, total: names.length, name });
  }
  return errors;
}

function simulationsOf(root: string, expected: number): string[] {
  const names: string[] = [];
  for (let k = 0; k < 9; k++) {
    const folder = join(root, `param${k}`);
    if (!isFolder(folder))
      throw new FileNotFoundError(`expected param0 to param8 in ${root}, but there is no folder param${k}`);
    const inner = readdirSync(folder).filter((name) => isFolder(join(folder, name)) && !EXCLUDED.has(name));
    names.push(...inner.sort().map((name) => `param${k}/${name}`));
  }
  if (names.length !== expected)
    throw new ValueError(`expected ${expected} simulations in ${root}, but there are ${names.length}`);
  return names;
}

async function processSimulation(folder: string): Promise<Record<string, FieldValues>> {
  const surface = await readMesh(join(folder, "quadpress_smpl.vtk"));
  const volume = await readMesh(join(folder, "hexvelo_smpl.vtk"));
  if (surface.numberOfCells === 0 || !surface.cells.types.every((type) => type === CellType.QUAD))
    throw new ValueError("expected cells of the type quad in quadpress_smpl.vtk");
  const pressure = onlyField(surface.pointData, 1, "quadpress_smpl.vtk");
  await comparePressure(pressure, join(folder, "press.npy"));
  const rows = [...new Set(surface.cells.connectivity)].sort((a, b) => a - b);
  const points: FieldValues = { values: surface.points, channels: 3 };
  const { off, distances, directions } = awayFrom(surface, volume);
  return {
    "surface_points.pt": takeRows(points, rows),
    "surface_pressure.pt": takeRows(pressure, rows),
    "surface_normals.pt": takeRows(pointNormals(surface), rows),
    "volume_points.pt": takeRows({ values: volume.points, channels: 3 }, off),
    "volume_velocity.pt": takeRows(onlyField(volume.pointData, 3, "hexvelo_smpl.vtk"), off),
    "volume_sdf.pt": takeRows({ values: distances, channels: 1 }, off),
    "volume_normals.pt": takeRows({ values: directions, channels: 3 }, off),
  };
}

/** The field with so many channels, which has whatever name. */
function onlyField(fields: FieldMap, channels: 1 | 3, file: string): FieldValues {
  const found = [...fields.values()].filter((array) => rowsOf(array).components === channels);
  if (found.length !== 1)
    throw new ValueError(
      `expected one field of ${channels === 1 ? "numbers" : "vectors"} at the points of ${file}, but there are ${found.length}`,
    );
  return { values: numbersOf(found[0]!), channels };
}

async function comparePressure({ values }: FieldValues, path: string): Promise<void> {
  const other = numbersOf([...(await readArrays(path)).values()][0]!);
  if (other.length !== values.length)
    throw new ValueError(
      `expected as many numbers in press.npy as quadpress_smpl.vtk has points, ${values.length}, got ${other.length}`,
    );
  for (let i = 0; i < other.length; i++) {
    // bounds of numpy.allclose
    if (!(Math.abs(values[i]! - other[i]!) <= 1e-8 + 1e-5 * Math.abs(other[i]!)))
      throw new ValueError(
        `expected the pressure of quadpress_smpl.vtk in press.npy, but point ${i} has ${values[i]} and ${other[i]}`,
      );
  }
}

/** Normals of the cells around each point, summed up and made unit vectors. */
function pointNormals(surface: Mesh): FieldValues {
  const normals = cellsToPoints(surface, outwardNormals(surface), 3);
  for (let i = 0; i < normals.length; i += 3) {
    const largest = Math.max(Math.abs(normals[i]!), Math.abs(normals[i + 1]!), Math.abs(normals[i + 2]!)) + EPSILON;
    for (let d = 0; d < 3; d++) normals[i + d]! /= largest;
    const length = Math.hypot(normals[i]!, normals[i + 1]!, normals[i + 2]!) + EPSILON;
    for (let d = 0; d < 3; d++) normals[i + d]! /= length;
    if (Number.isNaN(length)) throw new RuntimeError(`the normal at point ${i / 3} of quadpress_smpl.vtk is NaN`);
  }
  return { values: normals, channels: 3 };
}

/** Distance of each point of the volume to the nearest point of the surface and the direction from there; rows that are not on it. */
function awayFrom(
  { points: surface }: Mesh,
  { points: volume }: Mesh,
): { off: number[]; distances: Float64Array; directions: Float64Array } {
  const count = volume.length / 3;
  const [distances, directions] = [new Float64Array(count), new Float64Array(3 * count)];
  const off: number[] = [];
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [volume[3 * i]!, volume[3 * i + 1]!, volume[3 * i + 2]!];
    let [least, nearest] = [Infinity, 0];
    for (let j = 0; j < surface.length; j += 3) {
      const [dx, dy, dz] = [x - surface[j]!, y - surface[j + 1]!, z - surface[j + 2]!];
      const squared = dx * dx + dy * dy + dz * dz;
      if (squared < least) [least, nearest] = [squared, j];
    }
    const distance = Math.sqrt(least);
    distances[i] = distance;
    for (let d = 0; d < 3; d++)
      directions[3 * i + d] = (volume[3 * i + d]! - surface[nearest + d]!) / (distance + EPSILON);
    if (least > 0) off.push(i);
  }
  return { off, distances, directions };
}
