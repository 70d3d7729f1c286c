/** Which reader and writer a file's name chooses. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { withFile, type ByteSource } from "./byte-source";
import { writeFileWhole, type FileSink } from "./file-sink";
import type { Mesh } from "./mesh";
import { checkReadOptions, type ReadOptions } from "./options";
import { readParallel, readPvd, readPvdTimes, readVtm, writeVtm, type ReadPart } from "./vtk/collections";
import { readLegacyVtk } from "./vtk/legacy-reader";
import { writeLegacyVtk } from "./vtk/legacy-writer";
import { readCgns } from "./cgns/reader";
import { readVtkXml } from "./vtk/xml-reader";
import { writeVti, writeVtp, writeVtu } from "./vtk/xml-writer";
import { isOpenFoamCase, openFoamTimes, readOpenFoamCase } from "./openfoam/case";
import { readObj, writeObj } from "./obj";
import { readPly, writePly } from "./ply";
import { readStl, writeStl } from "./stl";
import { checkWriteOptions, type WriteOptions } from "./write-options";

/** One file format of meshes. Parsers take bytes, wherever they come from; writers give bytes to a sink. */
interface MeshFormat {
  readonly name: string;
  /** Ends of file names, lower case, with the dot. */
  readonly extensions: readonly string[];
  read(source: ByteSource, options: ReadOptions, readPart: ReadPart): Mesh;
  write?(mesh: Mesh, sink: FileSink, options: WriteOptions): void;
}

/** The formats that are read and written here. */
const meshFormats: readonly MeshFormat[] = [
  { name: "VTK unstructured grid", extensions: [".vtu"], read: readVtkXml, write: writeVtu },
  { name: "VTK polygonal data", extensions: [".vtp"], read: readVtkXml, write: writeVtp },
  { name: "VTK image data", extensions: [".vti"], read: readVtkXml, write: writeVti },
  { name: "VTK rectilinear and structured grids", extensions: [".vtr", ".vts"], read: readVtkXml },
  { name: "legacy VTK", extensions: [".vtk"], read: readLegacyVtk, write: writeLegacyVtk },
  { name: "VTK blocks", extensions: [".vtm", ".vtmb"], read: (source, _, readPart) => readVtm(source, readPart) },
  {
    name: "ParaView collection",
    extensions: [".pvd"],
    read: (source, options, readPart) => readPvd(source, readPart, options),
  },
  { name: "VTK pieces", extensions: [".pvtu", ".pvtp"], read: (source, _, readPart) => readParallel(source, readPart) },
  { name: "STL", extensions: [".stl"], read: readStl, write: writeStl },
  { name: "PLY", extensions: [".ply"], read: readPly, write: writePly },
  { name: "Wavefront OBJ", extensions: [".obj"], read: readObj, write: writeObj },
];

/** How deep collections may name each other. */
const MAX_DEPTH = 16;

/**
 * Reads a mesh or a cloud of points, in the format that the name of the file tells.
 *
 * @param path of a file: `.vtu`, `.vtp`, `.vti`, `.vtr`, `.vts`, `.vtk`, `.vtm`, `.pvd`, `.pvtu`, `.pvtp`, `.stl`, `.ply`,
 * `.obj`, `.cgns` (package h5wasm); or the folder of an OpenFOAM case, or its `.foam` file.
 * @throws FileNotFoundError when there is nothing of that name; {@link FileFormatError} when the file is damaged;
 * ValueError when no reader knows the name, or a field that was asked for is nowhere in the file.
 */
export async function readMesh(path: string, options: ReadOptions = {}, ...surplus: never[]): Promise<Mesh> {
  checkReadOptions("readMesh", options, surplus);
  const folder = openFoamFolder(path);
  const mesh = await readWhole(path, folder, options);
  checkFields(mesh, options, path);
  return mesh;
}

function readWhole(path: string, folder: string | undefined, options: ReadOptions): Mesh | Promise<Mesh> {
  if (folder !== undefined) return readOpenFoamCase(folder, options);
  return isCgns(path) ? readCgns(path, options) : readPath(path, options, 0);
}

/** The one format whose library takes a path, and opens it only after a while. */
function isCgns(path: string): boolean {
  return extname(path).toLowerCase() === ".cgns";
}

/** The folder of an OpenFOAM case: itself, or that of its `.foam` file. */
function openFoamFolder(path: string): string | undefined {
  if (extname(path).toLowerCase() === ".foam") return dirname(path);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() && isOpenFoamCase(path) ? path : undefined;
}

/**
 * The times of a transient case, in its unit: an OpenFOAM case or a `.pvd` file. Of other files none.
 *
 * @throws FileNotFoundError, {@link FileFormatError}
 */
export function meshTimes(path: string): number[] {
  const folder = openFoamFolder(path);
  if (folder !== undefined) return openFoamTimes(folder);
  return extname(path).toLowerCase() === ".pvd" ? withFile(path, readPvdTimes) : [];
}

/** What {@link readMesh} calls the format of a path; undefined where no reader knows its name. */
export function meshFormatName(path: string): string | undefined {
  if (openFoamFolder(path) !== undefined) return "OpenFOAM case";
  if (isCgns(path)) return "CGNS";
  const extension = extname(path).toLowerCase();
  return meshFormats.find(({ extensions }) => extensions.includes(extension))?.name;
}

function readPath(path: string, options: ReadOptions, depth: number): Mesh {
  const format = formatOf(path, "read");
  return withFile(path, (source) => {
    if (depth > MAX_DEPTH) throw source.error(`expected at most ${MAX_DEPTH} collections inside each other, got more`);
    return format.read(source, options, (part) => readPath(part, options, depth + 1));
  });
}

function formatOf(path: string, purpose: "read" | "write"): MeshFormat {
  const extension = extname(path).toLowerCase();
  const known = meshFormats.filter((format) => purpose === "read" || format.write !== undefined);
  const format = known.find(({ extensions }) => extensions.includes(extension));
  if (format !== undefined) return format;
  const others = purpose === "read" ? [".cgns"] : [];
  const names = [...known.flatMap(({ extensions }) => extensions), ...others].join(", ");
  throw new ValueError(`${path}: expected a name with one of the endings ${names}, got ${extension || "none"}`);
}

/** Names the fields that were asked for and are nowhere. */
function checkFields(mesh: Mesh, { fields = [] }: ReadOptions, path: string): void {
  const names = new Set<string>();
  const collect = (part: Mesh) => {
    for (const map of [part.pointData, part.cellData, part.fieldData]) {
      for (const name of [...map.keys(), ...map.texts.keys()]) names.add(name);
    }
    for (const block of part.blocks.values()) collect(block);
  };
  collect(mesh);
  const missing = fields.filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new ValueError(
      `${path}: expected the fields ${missing.map((name) => JSON.stringify(name)).join(", ")}, got none of that name`,
    );
}

/**
 * Writes a mesh, in the format that the name of the file tells. The file appears when it is complete and on disk; if
 * anything fails, a previous one is untouched. A mesh with blocks goes into a `.vtm` file and a folder of the same name with
 * a `.vtu` file for each block; points and cells of its own become the block `internalMesh`.
 *
 * @param path `.vtu`, `.vtp`, `.vti`, `.vtk`, `.vtm`, `.stl`, `.ply`, `.obj`.
 * @throws ValueError when the format cannot hold the mesh; FileNotFoundError when the folder does not exist.
 */
export async function writeMesh(
  mesh: Mesh,
  path: string,
  options: WriteOptions = {},
  ...surplus: never[]
): Promise<void> {
  checkWriteOptions("writeMesh", options, surplus);
  if (extname(path).toLowerCase() === ".vtm") return writeBlocks(mesh, path, options);
  const format = formatOf(path, "write");
  if (mesh.blocks.size > 0)
    throw new ValueError(
      `${path}: expected a mesh without blocks, got the blocks ${[...mesh.blocks.keys()].join(", ")}; write a .vtm file, or mesh.with({ blocks: new Map() })`,
    );
  writeFileWhole(path, (sink) => format.write!(mesh, sink, options));
}

function writeBlocks(mesh: Mesh, path: string, options: WriteOptions): void {
  if (!existsSync(dirname(path)) || !statSync(dirname(path)).isDirectory())
    throw new FileNotFoundError(`${path}: expected an existing folder, got ${dirname(path)}; create it first`);
  const folder = basename(path, extname(path));
  const own = mesh.numberOfPoints > 0 ? [["internalMesh", mesh.with({ blocks: new Map() })] as const] : [];
  const parts = [...own, ...mesh.blocks];
  mkdirSync(join(dirname(path), folder), { recursive: true });
  const files = parts.map(([name, part], i) => {
    if (part.blocks.size > 0)
      throw new ValueError(`${path}: expected blocks without blocks of their own, got "${name}"`);
    const file = `${folder}/${folder}_${i}.vtu`;
    writeFileWhole(join(dirname(path), file), (sink) => writeVtu(part, sink, options));
    return { name, file };
  });
  writeFileWhole(path, (sink) => writeVtm(files, sink));
}
