import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { getLogger } from "../../../core/logging";
import { writeTextFile } from "../../../core/writers/text-file";
import { cellsToPoints, vorticity } from "../../geometry/gradient";
import { rowsOf } from "../../readers/arrays";
import { readMesh } from "../../readers/formats";
import type { FieldMap, Mesh } from "../../readers/mesh";
import { isFolder } from "../cfd/sample-file";
import {
  checkFactor,
  numbersOf,
  subsampledRows,
  takeRows,
  writeSampleFolder,
  type FieldValues,
  type PreprocessProgress,
} from "./sample-writer";

const [PRESSURE, FRICTION, VOLUME] = ["PressureVTK", "WallShearStressVTK_Updated", "CFD"];
/** Fields that say where a point was, and nothing of the flow. */
const IGNORED: ReadonlySet<string> = new Set(["patchID", "cellID", "_PYVISTA_USER_DICT"]);
const DESIGNS = 8129;

/** Options of {@link preprocessDrivAerNet}. */
export interface DrivAerNetOptions {
  /** Folder with the unpacked `PressureVTK`, `WallShearStressVTK_Updated` and `CFD`. */
  readonly root: string;
  /** Samples go to `<outputDir>/<design>`, `blacklist.txt` beside them. Samples that are there are left. */
  readonly outputDir: string;
  /** One of so many points of the volume is kept. Default: 10. */
  readonly subsampleFactorVolume?: number;
  /** Designs that there have to be. Default: 8129. */
  readonly expected?: number;
  readonly onProgress?: (progress: PreprocessProgress) => void;
}

/** A design and the files it is in. */
interface Design {
  /** `N_S_WW_WM/N_S_WW_WM_001.vtk` */
  readonly path: string;
  readonly name: string;
  readonly volume: string;
}

/**
 * Raw DrivAerNet++ to the files that `DrivAerNetDataset` reads: `surface_<field>.pt` of all points of the surface, `volume_<field>.pt`
 * of a part of those of the volume, with the vorticity. The shear stress is brought into the order of the pressure's points; designs
 * where that cannot be done are in `blacklist.txt`.
 *
 * @returns the blacklisted designs
 * @throws FileNotFoundError, ValueError for folders and files that are not as they have to be
 */
export async function preprocessDrivAerNet(options: DrivAerNetOptions): Promise<readonly string[]> {
  const factor = options.subsampleFactorVolume ?? 10;
  checkFactor(factor);
  const root = resolve(options.root);
  const target = resolve(options.outputDir);
  const designs = designsOf(root, options.expected ?? DESIGNS);
  mkdirSync(target, { recursive: true });
  const blacklist: string[] = [];
  for (const [done, design] of designs.entries()) {
    const marker = join(target, design.name);
    const surface = existsSync(marker) ? undefined : await readSurface(root, design);
    if (surface !== undefined)
      writeSampleFolder(marker, { ...prefixed("surface", surface.fields), ...(await volumeFiles(design, factor)) });
    // told also for designs of an earlier call
    if (surface === undefined ? !(await isAligned(root, design)) : !surface.isAligned) blacklist.push(design.path);
    options.onProgress?.({ done: done + 1, total: designs.length, name: design.name });
  }
  writeTextFile(join(target, "blacklist.txt"), blacklist.map((path) => `${path}\n`).join(""));
  return blacklist;
}

function designsOf(root: string, expected: number): Design[] {
  const list = (folder: string): string[] => {
    if (!isFolder(folder)) throw new FileNotFoundError(`expected the folder ${folder}, but there is none`);
    return readdirSync(folder).sort();
  };
  const filesOf = (kind: string): string[] =>
    list(join(root, kind)).flatMap((experiment) =>
      list(join(root, kind, experiment))
        .filter((file) => file.endsWith(".vtk"))
        .map((file) => `${experiment}/${file}`),
    );
  const [pressure, friction] = [filesOf(PRESSURE!), filesOf(FRICTION!)];
  const [lone] = [...pressure, ...friction].filter((path) => !pressure.includes(path) || !friction.includes(path));
  if (lone !== undefined) throw new ValueError(`expected ${lone} in ${PRESSURE} and in ${FRICTION} of ${root}`);
  const designs = pressure.map((path) => {
    const [experiment, file] = path.split("/") as [string, string];
    const parts = [1, 2]
      .map((part) => join(root, VOLUME!, `${experiment}_part${part}`, file))
      .filter((at) => existsSync(at));
    if (parts.length !== 1)
      throw new ValueError(
        `expected ${file} in ${experiment}_part1 or ${experiment}_part2 of ${join(root, VOLUME!)}, got it ${parts.length} times`,
      );
    return { path, name: file.slice(0, -".vtk".length), volume: parts[0]! };
  });
  const unique = new Set(designs.map(({ name }) => name)).size;
  if (unique !== expected || designs.length !== unique)
    throw new ValueError(
      `expected ${expected} different designs in ${root}, but there are ${unique} in ${designs.length} files`,
    );
  return designs;
}

/** Points and fields of both files, those of the shear stress last, as they win where names are the same. */
async function readSurface(
  root: string,
  { path }: Design,
): Promise<{ fields: Map<string, FieldValues>; isAligned: boolean }> {
  const [pressure, friction] = [
    await readMesh(join(root, PRESSURE!, path)),
    await readMesh(join(root, FRICTION!, path)),
  ];
  const order = orderOf(pressure, friction, path);
  const fields = new Map([
    ["position", { values: pressure.points, channels: 3 } as FieldValues],
    ...pointFields(pressure),
  ]);
  for (const [name, field] of pointFields(friction)) fields.set(name, order === null ? field : takeRows(field, order));
  if (order === null)
    getLogger("data").warning(`${path}: pressure and shear stress are at different points: blacklisted`);
  return { fields, isAligned: order !== null };
}

async function isAligned(root: string, { path }: Design): Promise<boolean> {
  const [pressure, friction] = [PRESSURE!, FRICTION!].map(async (kind) => readMesh(join(root, kind, path)));
  return orderOf(await pressure!, await friction!, path) !== null;
}

/** Rows of the second mesh in the order of the first one's points; null where one is not there. */
function orderOf(first: Mesh, second: Mesh, path: string): Int32Array | null {
  const keyOf = (points: ArrayLike<number>, i: number): string =>
    `${points[3 * i]} ${points[3 * i + 1]} ${points[3 * i + 2]}`;
  const places = new Map<string, number>();
  for (let i = 0; i < second.numberOfPoints; i++) places.set(keyOf(second.points, i), i);
  if (places.size !== second.numberOfPoints)
    throw new ValueError(
      `expected different points in ${FRICTION}/${path}, got ${second.numberOfPoints - places.size} twice`,
    );
  const order = new Int32Array(first.numberOfPoints);
  for (let i = 0; i < order.length; i++) {
    const place = places.get(keyOf(first.points, i));
    if (place === undefined) return null;
    order[i] = place;
  }
  return order;
}

function pointFields(mesh: Mesh): Map<string, FieldValues> {
  const fields = new Map<string, FieldValues>();
  const add = (from: FieldMap, isOfCells: boolean): void => {
    for (const [name, array] of from) {
      const { components } = rowsOf(array);
      if (IGNORED.has(name) || fields.has(name) || (components !== 1 && components !== 3)) continue;
      const values = isOfCells ? cellsToPoints(mesh, numbersOf(array), components) : numbersOf(array);
      fields.set(name, { values, channels: components });
    }
  };
  add(mesh.pointData, false);
  add(mesh.cellData, true);
  return fields;
}

async function volumeFiles({ path, volume }: Design, factor: number): Promise<Record<string, FieldValues>> {
  const mesh = await readMesh(volume);
  const fields = pointFields(mesh);
  const velocity = fields.get("U");
  if (velocity !== undefined)
    fields.set("vorticity", { values: cellsToPoints(mesh, vorticity(mesh, velocity.values), 3), channels: 3 });
  fields.set("position", { values: mesh.points, channels: 3 });
  const rows = subsampledRows(mesh.numberOfPoints, factor, volumeSeed(path));
  return prefixed("volume", new Map([...fields].map(([name, field]) => [name, takeRows(field, rows)])));
}

/** Seed of the points that are kept of a design, `F_D_WM_WW/F_D_WM_WW_0001.vtk`. */
export function volumeSeed(path: string): number {
  const digest = createHash("sha256").update(`${path}volume`).digest("hex");
  return Number(BigInt(`0x${digest}`) % (2n ** 32n - 1n));
}

function prefixed(prefix: string, fields: ReadonlyMap<string, FieldValues>): Record<string, FieldValues> {
  return Object.fromEntries([...fields].map(([name, field]) => [`${prefix}_${name}.pt`, field]));
}
