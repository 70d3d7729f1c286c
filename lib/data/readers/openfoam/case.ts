/** OpenFOAM cases: the folder with `constant/polyMesh`, and the folders of times with fields. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { bytesSource, openFile, type ByteSource } from "../byte-source";
import { joinMeshes } from "../join";
import { FieldMap, Mesh, noCells } from "../mesh";
import { polygonType } from "../cell-types";
import { wants, type ReadOptions } from "../options";
import { gunzip } from "../unpack";
import { cellsOf } from "./cell-shapes";
import { isField, readField } from "./fields";
import { FoamFile, type OpenInclude } from "./foam-file";
import { cellGeometry } from "./geometry";
import { readPolyMesh, type Patch, type PolyMesh } from "./poly-mesh";

/** Whether a folder is a case, whole or decomposed. */
export function isOpenFoamCase(folder: string): boolean {
  return hasMesh(folder) || hasMesh(join(folder, "processor0"));
}

function hasMesh(folder: string): boolean {
  const mesh = join(folder, "constant", "polyMesh");
  return (
    ["points", "faces"].every((name) => locate(join(mesh, name)) !== undefined) ||
    timesOf(folder).some(({ name }) => locate(join(folder, name, "polyMesh", "points")) !== undefined)
  );
}

/** A time of a case and the name of its folder. */
interface Time {
  readonly value: number;
  readonly name: string;
}

/** The times of a case in their order, without `constant`. */
function timesOf(folder: string): Time[] {
  const names =
    existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder, { withFileTypes: true }) : [];
  return names
    .filter((entry) => entry.isDirectory() && /^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(entry.name))
    .map(({ name }) => ({ value: Number(name), name }))
    .sort((a, b) => a.value - b.value);
}

/** The times of a case, in its unit. */
export function openFoamTimes(folder: string): number[] {
  const decomposed = join(folder, "processor0");
  return timesOf(hasMesh(folder) ? folder : decomposed).map(({ value }) => value);
}

/**
 * Reads a case: cells with fields of the chosen time, points with fields at points, and patches by name as blocks with the
 * values on their faces. The processors of a decomposed case are put together. `C` and `V` among the `fields` that are asked
 * for are centres and volumes of the cells, as OpenFOAM computes them, where the case has no files of these names.
 */
export function readOpenFoamCase(folder: string, options: ReadOptions = {}): Mesh {
  if (!isOpenFoamCase(folder))
    throw new FileNotFoundError(`${folder}: expected an OpenFOAM case with constant/polyMesh, got none`);
  if (hasMesh(folder)) return readPart(folder, options);
  const parts = readdirSync(folder)
    .filter((name) => /^processor\d+$/.test(name))
    .sort((a, b) => Number(a.slice(9)) - Number(b.slice(9)))
    .map((name) => readPart(join(folder, name), options));
  return joinParts(parts);
}

function joinParts(parts: readonly Mesh[]): Mesh {
  const names = new Set(parts.flatMap((part) => [...part.blocks.keys()]));
  const blocks = new Map<string, Mesh>();
  for (const name of names) {
    const pieces = parts.flatMap((part) => part.blocks.get(name) ?? []);
    const filled = pieces.filter((piece) => piece.numberOfCells > 0);
    blocks.set(name, joinMeshes(filled.length > 0 ? filled : pieces.slice(0, 1), { fieldData: pieces[0]!.fieldData }));
  }
  return joinMeshes(parts, { blocks, time: parts[0]?.time });
}

function readPart(folder: string, options: ReadOptions): Mesh {
  const time = chooseTime(folder, options);
  const mesh = readMeshOf(folder, time);
  const [pointData, cellData] = [new FieldMap(), new FieldMap()];
  const patchData = new Map(mesh.patches.map(({ name }) => [name, new FieldMap()]));
  for (const name of time === undefined ? [] : fieldFiles(join(folder, time.name))) {
    if (!wants(options, name)) continue;
    const field = withFoamFile(join(folder, time!.name, name), folder, (file) =>
      isField(file.className) ? readField(file, mesh) : undefined,
    );
    if (field === undefined) continue;
    const fields = field.location === "point" ? pointData : cellData;
    fields.set(name, field.internal);
    if (field.unit !== undefined) fields.units.set(name, field.unit);
    for (const [patch, values] of field.patches) {
      const onPatch = patchData.get(patch)!;
      onPatch.set(name, values);
      if (field.unit !== undefined) onPatch.units.set(name, field.unit);
    }
  }
  addGeometry(mesh, cellData, options);
  const numbers = new Int32Array(mesh.points.length / 3).fill(-1);
  const blocks = new Map(
    mesh.patches
      .filter(({ type }) => type !== "processor" && type !== "processorCyclic")
      .map((patch) => [patch.name, patchMesh(mesh, patch, patchData.get(patch.name)!, numbers)]),
  );
  const common = { points: mesh.points, pointData, blocks, time: time?.value };
  if (options.cells === false) return new Mesh({ ...common, cells: noCells() });
  return new Mesh({
    ...common,
    cellData,
    cells: () => cellsOf(mesh),
    numberOfCells: mesh.numberOfCells,
    numberOfPoints: mesh.points.length / 3,
  });
}

/** Centres and volumes of the cells, when they are asked for by name. */
function addGeometry(mesh: PolyMesh, cellData: FieldMap, { fields = [], cells }: ReadOptions): void {
  const missing = ["C", "V"].filter((name) => fields.includes(name) && !cellData.has(name));
  if (missing.length === 0 || cells === false) return;
  const { centres, volumes } = cellGeometry(mesh);
  if (missing.includes("C")) cellData.set("C", { values: centres, shape: [mesh.numberOfCells, 3] });
  if (missing.includes("V")) cellData.set("V", { values: volumes, shape: [mesh.numberOfCells] });
}

function chooseTime(folder: string, { time = "last" }: ReadOptions): Time | undefined {
  const times = timesOf(folder);
  if (time === "last") return times.at(-1);
  if (time === "first") return times[0];
  const found = times.find(({ value }) => value === time);
  if (found === undefined)
    throw new ValueError(
      `${folder}: expected a folder of the time ${time}, got ${times.map(({ name }) => name).join(", ") || "no times"}`,
    );
  return found;
}

/** Each file of the mesh from the last time that has it, up to the chosen one: meshes may move, or change. */
function readMeshOf(folder: string, time: Time | undefined): PolyMesh {
  const times = timesOf(folder).filter(({ value }) => time !== undefined && value <= time.value);
  const places = [...times.map(({ name }) => name).reverse(), "constant"];
  const opened: ByteSource[] = [];
  const open = (name: string): ByteSource => {
    const path = places
      .map((place) => join(folder, place, "polyMesh", name))
      .find((each) => locate(each) !== undefined);
    const source = openFoam(path ?? join(folder, "constant", "polyMesh", name));
    opened.push(source);
    return source;
  };
  try {
    return readPolyMesh({
      points: open("points"),
      faces: open("faces"),
      owner: open("owner"),
      neighbour: open("neighbour"),
      boundary: open("boundary"),
    });
  } finally {
    for (const source of opened) source.close();
  }
}

/** Files of a time, without those that editors and OpenFOAM itself put aside. */
function fieldFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !/^\.|~$|\.(orig|bak|save)(\.gz)?$/.test(entry.name))
    .map(({ name }) => name.replace(/\.gz$/, ""))
    .sort();
}

/**
 * A patch with points of its own, and its type (`wall`, `patch`, …) as a text of the whole.
 *
 * @param numbers −1 for each point of the mesh, and so again afterwards
 */
function patchMesh(mesh: PolyMesh, patch: Patch, cellData: FieldMap, numbers: Int32Array): Mesh {
  const { faces, faceOffsets, points } = mesh;
  const { type, firstFace, numberOfFaces } = patch;
  const start = faceOffsets[firstFace] ?? 0;
  const used = faces.subarray(start, numberOfFaces === 0 ? start : faceOffsets[firstFace + numberOfFaces]);
  const connectivity = new Int32Array(used.length);
  const own = points.slice(0, 3 * Math.min(used.length, numbers.length));
  let count = 0;
  for (let i = 0; i < used.length; i++) {
    const point = used[i]!;
    if (numbers[point] === -1) {
      for (let d = 0; d < 3; d++) own[3 * count + d] = points[3 * point + d]!;
      numbers[point] = count++;
    }
    connectivity[i] = numbers[point]!;
  }
  for (let i = 0; i < used.length; i++) numbers[used[i]!] = -1;
  const offsets = new Int32Array(numberOfFaces + 1);
  const types = new Uint8Array(numberOfFaces);
  for (let face = 0; face < numberOfFaces; face++) {
    offsets[face + 1] = faceOffsets[firstFace + face + 1]! - start;
    types[face] = polygonType(offsets[face + 1]! - offsets[face]!);
  }
  const fieldData = new FieldMap();
  fieldData.texts.set("type", [type]);
  return new Mesh({ points: own.slice(0, 3 * count), cells: { connectivity, offsets, types }, cellData, fieldData });
}

// ---- files

/** A file or its compressed form. */
function locate(path: string): string | undefined {
  return [path, `${path}.gz`].find((each) => existsSync(each));
}

/** Opens a file; a compressed one is unpacked in memory. */
function openFoam(path: string): ByteSource {
  const found = locate(path) ?? path;
  const source = openFile(found);
  if (!found.endsWith(".gz")) return source;
  try {
    const packed = source.bytes(0, source.size);
    return bytesSource(
      gunzip(packed, (problem, cause) => source.error(problem, undefined, cause)),
      found,
    );
  } finally {
    source.close();
  }
}

function withFoamFile<T>(path: string, folder: string, body: (file: FoamFile) => T): T {
  const source = openFoam(path);
  // "$FOAM_CASE/…", "<case>/…", or beside the file
  const include: OpenInclude = (name) => {
    const inCase = /^(?:\$FOAM_CASE|\$\{FOAM_CASE\}|<case>)\/(.*)$/.exec(name)?.[1];
    const target = inCase === undefined ? resolve(dirname(path), name) : join(folder, inCase);
    return locate(target) === undefined ? undefined : openFoam(target);
  };
  try {
    return body(new FoamFile(source, include));
  } finally {
    source.close();
  }
}
