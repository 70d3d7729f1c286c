import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { areaVectors } from "../../geometry/cell-geometry";
import { cellsToPoints, cornerMeans, vorticity } from "../../geometry/gradient";
import { SurfaceDistance } from "../../geometry/signed-distance";
import { readMesh } from "../../readers/formats";
import { triangleNormals, triangulate } from "../../readers/triangles";
import type { Mesh } from "../../readers/mesh";
import { isFolder, missingFile } from "../cfd/sample-file";
import {
  checkFactor,
  fieldOf,
  subsampledRows,
  takeRows,
  writeSampleFolder,
  type FieldValues,
  type PreprocessProgress,
} from "./sample-writer";

/** Names of files and fields of a data set. */
const NAMES = {
  ahmedml: {
    stl: "ahmed",
    pressure: "pMean",
    friction: "wallShearStressMean",
    velocity: "UMean",
    totalPressure: "total(p)_coeffMean",
    vorticity: "vorticityMean",
  },
  drivaerml: {
    stl: "drivaer",
    pressure: "pMeanTrim",
    friction: "wallShearStressMeanTrim",
    velocity: "UMeanTrim",
    totalPressure: "CptMeanTrim",
    vorticity: null,
  },
} as const;

/** Options of {@link preprocessCAEML}. */
export interface CAEMLOptions {
  readonly dataset: keyof typeof NAMES;
  /** Folder with the raw `run_<id>`. */
  readonly root: string;
  /** Samples go to `<outputDir>/run_<id>`. Those that are there are left, so that an interrupted call goes on. */
  readonly outputDir: string;
  /** One of so many cells is kept. Default: 10. */
  readonly subsampleFactor?: number;
  readonly onProgress?: (progress: PreprocessProgress) => void;
}

/**
 * Raw AhmedML and DrivAerML (https://caemldatasets.org) to the files that their data sets read: of each run the pressure, shear stress,
 * normals and areas of a part of the cells of `boundary_<id>.vtp`, and the fields of a part of the cells of `volume_<id>.vtu` with their
 * distances to `drivaer_<id>.stl` or `ahmed_<id>.stl`. Files in parts (`volume_1.vtu.00.part`) are joined meanwhile, the raw data stay
 * as they are.
 *
 * @throws FileNotFoundError, ValueError for files and fields that are not there; FileFormatError for damaged files
 */
export async function preprocessCAEML(options: CAEMLOptions): Promise<void> {
  const factor = options.subsampleFactor ?? 10;
  checkFactor(factor);
  if (!Object.hasOwn(NAMES, options.dataset))
    throw new ValueError(`expected the data set ahmedml or drivaerml, received "${options.dataset}"`);
  if (!isFolder(options.root))
    throw new FileNotFoundError(`expected a folder with run_<id>, but there is no ${options.root}`);
  const target = resolve(options.outputDir);
  if (!isFolder(dirname(target)))
    throw new FileNotFoundError(`expected the folder ${dirname(target)}, but there is none`);
  const ids = readdirSync(options.root)
    .flatMap((name) => (/^run_\d+$/.test(name) ? [Number(name.slice(4))] : []))
    .sort((a, b) => a - b);
  if (ids.length === 0) throw new FileNotFoundError(`expected folders run_<id> in ${options.root}, but there are none`);
  mkdirSync(target, { recursive: true });
  for (const [done, id] of ids.entries()) {
    const name = `run_${id}`;
    if (!existsSync(join(target, name)))
      writeSampleFolder(
        join(target, name),
        await processRun(join(resolve(options.root), name), id, options.dataset, factor),
      );
    options.onProgress?.({ done: done + 1, total: ids.length, name });
  }
}

async function processRun(
  folder: string,
  id: number,
  dataset: keyof typeof NAMES,
  factor: number,
): Promise<Record<string, FieldValues>> {
  const { stl } = NAMES[dataset];
  const geometry = await readWhole(folder, `${stl}_${id}.stl`);
  return {
    ...geometryFiles(geometry),
    ...surfaceFiles(await readWhole(folder, `boundary_${id}.vtp`), id, dataset, factor, folder),
    ...volumeFiles(await readWhole(folder, `volume_${id}.vtu`), id, dataset, factor, folder, geometry),
  };
}

function geometryFiles(geometry: Mesh): Record<string, FieldValues> {
  const normals = triangleNormals(geometry.points, triangulate(geometry.cells));
  return {
    "surface_position_stl.pt": { values: geometry.points, channels: 3 },
    "surface_normal_stl.pt": { values: normals, channels: 3 },
  };
}

function surfaceFiles(
  mesh: Mesh,
  id: number,
  dataset: keyof typeof NAMES,
  factor: number,
  folder: string,
): Record<string, FieldValues> {
  const { pressure, friction } = NAMES[dataset];
  const path = join(folder, `boundary_${id}.vtp`);
  const rows = subsampledRows(mesh.numberOfCells, factor, id);
  const areas = areaVectors(mesh);
  const sizes = new Float64Array(mesh.numberOfCells);
  for (let i = 0; i < sizes.length; i++) {
    sizes[i] = Math.hypot(areas[3 * i]!, areas[3 * i + 1]!, areas[3 * i + 2]!);
    for (let d = 0; d < 3; d++) areas[3 * i + d]! /= sizes[i]! > 0 ? sizes[i]! : 1;
  }
  return {
    "surface_position_vtp.pt": takeRows({ values: cornerMeans(mesh), channels: 3 }, rows),
    "surface_pressure.pt": takeRows(fieldOf(mesh.cellData, pressure, 1, path), rows),
    "surface_wallshearstress.pt": takeRows(fieldOf(mesh.cellData, friction, 3, path), rows),
    "surface_normal_vtp.pt": takeRows({ values: areas, channels: 3 }, rows),
    "surface_area_vtp.pt": takeRows({ values: sizes, channels: 1 }, rows),
  };
}

function volumeFiles(
  mesh: Mesh,
  id: number,
  dataset: keyof typeof NAMES,
  factor: number,
  folder: string,
  geometry: Mesh,
): Record<string, FieldValues> {
  const names = NAMES[dataset];
  const path = join(folder, `volume_${id}.vtu`);
  const rows = subsampledRows(mesh.numberOfCells, factor, id);
  const velocity = fieldOf(mesh.cellData, names.velocity, 3, path);
  const curl: FieldValues =
    names.vorticity === null
      ? { values: vorticity(mesh, cellsToPoints(mesh, velocity.values, 3)), channels: 3 }
      : fieldOf(mesh.cellData, names.vorticity, 3, path);
  const positions = takeRows({ values: cornerMeans(mesh), channels: 3 }, rows);
  const surface = new SurfaceDistance(geometry.points, triangulate(geometry.cells));
  const outside = surface.distances(positions.values).map((distance) => Math.max(0, distance));
  return {
    "volume_cell_position.pt": positions,
    "volume_cell_pressure.pt": takeRows(fieldOf(mesh.cellData, names.pressure, 1, path), rows),
    "volume_cell_totalpcoeff.pt": takeRows(fieldOf(mesh.cellData, names.totalPressure, 1, path), rows),
    "volume_cell_velocity.pt": takeRows(velocity, rows),
    "volume_cell_vorticity.pt": takeRows(curl, rows),
    "volume_cell_surface_distance_trimesh.pt": { values: outside, channels: 1 },
  };
}

/** Reads a file that may be there in parts. */
async function readWhole(folder: string, name: string): Promise<Mesh> {
  const path = join(folder, name);
  if (existsSync(path)) return readMesh(path);
  const parts = readdirSync(folder)
    .filter((file) => file.startsWith(`${name}.`) && file.endsWith(".part"))
    .sort();
  if (parts.length === 0) throw new FileNotFoundError(missingFile("preprocessing", path));
  const temporary = mkdtempSync(join(tmpdir(), "noether-parts-"));
  try {
    joinFiles(
      parts.map((part) => join(folder, part)),
      join(temporary, name),
    );
    return await readMesh(join(temporary, name));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function joinFiles(parts: readonly string[], path: string): void {
  const buffer = Buffer.alloc(2 ** 22);
  const target = openSync(path, "wx");
  try {
    for (const part of parts) {
      const source = openSync(part, "r");
      try {
        for (let count = readSync(source, buffer); count > 0; count = readSync(source, buffer))
          for (let done = 0; done < count;) done += writeSync(target, buffer, done, count - done);
      } finally {
        closeSync(source);
      }
    }
  } finally {
    closeSync(target);
  }
}
