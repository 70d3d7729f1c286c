/**
 * Files that name other files: `.vtm` (blocks by name), `.pvd` (steps in time, with parts) and `.pvtu`, `.pvtp` (pieces of
 * one mesh). Paths in them are relative to their own folder.
 */
import { dirname, resolve } from "node:path";
import type { ByteSource } from "../byte-source";
import { joinMeshes } from "../join";
import { Mesh } from "../mesh";
import type { ReadOptions } from "../options";
import { show } from "../scanner";
import { readXmlDocument, escapeAttribute, type XmlElement } from "./xml-document";
import type { FileSink } from "../file-sink";

/** Reads a file that a collection names. */
export type ReadPart = (path: string) => Mesh;

function rootOf(source: ByteSource, ...types: string[]): XmlElement {
  const { root } = readXmlDocument(source);
  const type = root.require("type");
  if (root.name !== "VTKFile" || !types.includes(type))
    throw source.error(
      `expected VTKFile of the type ${types.join(" or ")}, got ${root.name} of ${show(type)}`,
      root.offset,
    );
  return root;
}

// ---- .vtm

/** The blocks of a `.vtm` file, blocks inside blocks among them. A block without a name gets its index as one. */
export function readVtm(source: ByteSource, readPart: ReadPart): Mesh {
  const root = rootOf(source, "vtkMultiBlockDataSet");
  return blocksOf(root.first("vtkMultiBlockDataSet"), dirname(source.name), readPart);
}

function blocksOf(parent: XmlElement, folder: string, readPart: ReadPart): Mesh {
  const blocks = new Map<string, Mesh>();
  parent.children.forEach((element, position) => {
    if (element.name !== "Block" && element.name !== "DataSet" && element.name !== "Piece") return;
    const file = element.attribute("file");
    // an entry that VTK wrote for an empty block
    if (element.name === "DataSet" && (file === undefined || file === "")) return;
    const index = element.attribute("index") ?? String(position);
    const name = element.attribute("name") ?? index;
    const unique = blocks.has(name) ? `${name}_${index}` : name;
    if (blocks.has(unique)) throw element.error(`expected blocks of different names, got two called ${show(unique)}`);
    blocks.set(unique, file === undefined ? blocksOf(element, folder, readPart) : readPart(resolve(folder, file)));
  });
  return new Mesh({ blocks });
}

/** Writes a `.vtm` file that names the given files, relative to it. */
export function writeVtm(files: readonly { name: string; file: string }[], sink: FileSink): void {
  const lines = files.map(
    ({ name, file }, i) => `<DataSet index="${i}" name="${escapeAttribute(name)}" file="${escapeAttribute(file)}"/>\n`,
  );
  sink.write(
    `<?xml version="1.0"?>\n<VTKFile type="vtkMultiBlockDataSet" version="1.0">\n<vtkMultiBlockDataSet>\n${lines.join("")}</vtkMultiBlockDataSet>\n</VTKFile>\n`,
  );
}

// ---- .pvd

/** One entry of a `.pvd` file. */
interface PvdEntry {
  readonly time: number;
  /** Part of the step: a step may have several files. */
  readonly part: number;
  readonly name?: string;
  /** Path of the file. */
  readonly file: string;
}

/** The entries of a `.pvd` file, by time and part. */
function readPvdEntries(source: ByteSource): PvdEntry[] {
  const folder = dirname(source.name);
  const entries = rootOf(source, "Collection")
    .first("Collection")
    .all("DataSet")
    .map((element) => {
      const name = element.attribute("name");
      return {
        time: element.numbers("timestep", 1, [0])[0]!,
        part: element.count("part", 0),
        ...(name !== undefined && name !== "" && { name }),
        file: resolve(folder, element.require("file")),
      };
    });
  return entries.sort((a, b) => a.time - b.time || a.part - b.part);
}

/** The times of a `.pvd` file, each once. */
export function readPvdTimes(source: ByteSource): number[] {
  return [...new Set(readPvdEntries(source).map((entry) => entry.time))];
}

/** The mesh of one step: that of its file, or blocks by name (or number of the part) where it has several. */
export function readPvd(source: ByteSource, readPart: ReadPart, { time = "last" }: ReadOptions): Mesh {
  const entries = readPvdEntries(source);
  const times = [...new Set(entries.map((entry) => entry.time))];
  const chosen = time === "last" ? times.at(-1) : time === "first" ? times[0] : time;
  const step = entries.filter((entry) => entry.time === chosen);
  if (step.length === 0) {
    const got = times.length === 0 ? "no steps" : `${times.length} steps from ${times[0]} to ${times.at(-1)}`;
    throw source.error(`expected a step of the time ${time}, got ${got}`);
  }
  if (step.length === 1) return joinMeshes([readPart(step[0]!.file)], { time: chosen });
  return new Mesh({
    blocks: new Map(step.map(({ name, part, file }) => [name ?? String(part), readPart(file)])),
    time: chosen,
  });
}

// ---- .pvtu, .pvtp

/** The pieces of a parallel file as one mesh. */
export function readParallel(source: ByteSource, readPart: ReadPart): Mesh {
  const types = ["PUnstructuredGrid", "PPolyData"];
  const root = rootOf(source, ...types);
  const folder = dirname(source.name);
  const pieces = root.first(root.require("type")).all("Piece");
  return joinMeshes(pieces.map((piece) => readPart(resolve(folder, piece.require("Source")))));
}
