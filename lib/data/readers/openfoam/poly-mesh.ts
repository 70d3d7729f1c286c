/** The mesh of an OpenFOAM case: points, faces, the cells on both sides of each face, and patches. */
import { areBelow, toFloats, toInt32, type TypedArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { GrowingArray } from "../growing-array";
import type { Points } from "../mesh";
import { show } from "../scanner";
import { FoamDictionary, FoamList, FoamText } from "./dictionary";
import { FoamFile } from "./foam-file";

/** Faces at the boundary that belong together. */
export interface Patch {
  readonly name: string;
  /** `wall`, `patch`, `empty`, `symmetryPlane`, … */
  readonly type: string;
  readonly groups: readonly string[];
  readonly firstFace: number;
  readonly numberOfFaces: number;
}

/** Faces point from their owner to their neighbour, out of the mesh at the boundary (right-hand rule). */
export interface PolyMesh {
  /** (N, 3) */
  readonly points: Points;
  /** Points of all faces, one face after the other. */
  readonly faces: Int32Array;
  /** (F + 1): face f has the points `faces[faceOffsets[f] … faceOffsets[f + 1] - 1]`. */
  readonly faceOffsets: Int32Array;
  /** (F) */
  readonly owner: Int32Array;
  /** (I): the first I faces are between two cells, the others at the boundary. */
  readonly neighbour: Int32Array;
  readonly numberOfCells: number;
  readonly patches: readonly Patch[];
}

/** The files that a mesh is in. */
export interface PolyMeshSources {
  readonly points: ByteSource;
  readonly faces: ByteSource;
  readonly owner: ByteSource;
  readonly neighbour: ByteSource;
  readonly boundary: ByteSource;
}

/** Reads a mesh and makes sure that its faces, cells and patches fit together. */
export function readPolyMesh(sources: PolyMeshSources): PolyMesh {
  const points = toFloats(readAll(new FoamFile(sources.points), "vector"));
  const { faces, faceOffsets } = readFaces(new FoamFile(sources.faces));
  const owner = readLabels(sources.owner, faceOffsets.length - 1);
  const allNeighbours = readLabels(sources.neighbour, faceOffsets.length - 1);
  const patches = readBoundary(new FoamFile(sources.boundary));
  const count = faceOffsets.length - 1;
  // some versions write −1 for faces at the boundary
  const boundary = allNeighbours.indexOf(-1);
  const neighbour = boundary < 0 ? allNeighbours : allNeighbours.subarray(0, boundary);
  if (owner.length !== count || neighbour.length > count)
    throw sources.owner.error(
      `expected the owners of ${count} faces, got ${owner.length} and ${neighbour.length} neighbours`,
    );
  checkRange(faces, points.length / 3, "points", sources.faces);
  const cells = Math.max(largest(owner), largest(neighbour)) + 1;
  // each cell has at least one face
  if (cells > 2 * count)
    throw sources.owner.error(`expected at most ${2 * count} cells of ${count} faces, got ${cells}`);
  checkRange(owner, cells, "cells", sources.owner);
  checkRange(neighbour, cells, "cells", sources.neighbour);
  for (const { name, firstFace, numberOfFaces } of patches) {
    if (firstFace + numberOfFaces > count)
      throw sources.boundary.error(
        `expected faces below ${count} in the patch ${show(name)}, got ${firstFace} to ${firstFace + numberOfFaces - 1}`,
      );
  }
  return { points, faces, faceOffsets, owner, neighbour, numberOfCells: cells, patches };
}

/** @param most how many there may be: one number may stand for all. */
function readLabels(source: ByteSource, most: number): Int32Array {
  const labels = toInt32(readAll(new FoamFile(source), "label", most));
  if (labels === undefined) throw source.error("expected labels below 2^31, got others");
  return labels;
}

function readAll(file: FoamFile, type: string, most = file.source.size): TypedArray {
  const list = file.list(type);
  if (list.rows > most) throw file.source.error(`expected at most ${most} rows in a list, got ${list.rows}`);
  return list.expand().values;
}

/** Text: a count and the points of each face. Binary: offsets and points (`faceCompactList`), or as in text. */
function readFaces(file: FoamFile): { faces: Int32Array; faceOffsets: Int32Array } {
  if (file.className === "faceCompactList") {
    const [faceOffsets, faces] = [readAll(file, "label"), readAll(file, "label")].map(toInt32);
    if (faceOffsets === undefined || faces === undefined)
      throw file.source.error("expected labels below 2^31, got others");
    const offsets = faceOffsets.length === 0 ? new Int32Array(1) : faceOffsets;
    if (
      offsets.some((offset, i) => (i === 0 ? offset !== 0 : offset < offsets[i - 1]!)) ||
      offsets.at(-1) !== faces.length
    )
      throw file.source.error(`expected offsets of the faces from 0 to ${faces.length} that do not fall, got others`);
    return { faces, faceOffsets: offsets };
  }
  return file.format.isBinary ? readBinaryFaces(file) : readTextFaces(file);
}

function readTextFaces(file: FoamFile): { faces: Int32Array; faceOffsets: Int32Array } {
  const { scanner } = file;
  const count = file.count();
  scanner.require(count, 3, `${count} faces`);
  file.expect("(");
  const { values: faces, offsets: faceOffsets } = scanner.lists(count, "a point of a face");
  // of the last face
  if (count > 0) file.expect(")");
  file.expect(")");
  return { faces, faceOffsets };
}

function readBinaryFaces(file: FoamFile): { faces: Int32Array; faceOffsets: Int32Array } {
  const count = file.count();
  file.scanner.require(count, 3, `${count} faces`);
  const faceOffsets = new Int32Array(count + 1);
  const faces = new GrowingArray(Int32Array);
  file.expect("(");
  for (let face = 0; face < count; face++) {
    const points = toInt32(readAll(file, "label"));
    if (points === undefined) throw file.source.error("expected labels below 2^31, got others", file.scanner.position);
    for (const point of points) faces.push(point);
    faceOffsets[face + 1] = faces.length;
  }
  return { faces: faces.finish(), faceOffsets };
}

function readBoundary(file: FoamFile): Patch[] {
  const count = file.count();
  file.scanner.require(count, 4, `${count} patches`);
  file.expect("(");
  const patches: Patch[] = [];
  while (patches.length < count) {
    const at = file.scanner.position;
    const name = file.word();
    const entries = file.block();
    const [firstFace, numberOfFaces] = [entries.number("startFace"), entries.number("nFaces")];
    const isCount = (value: number | undefined): value is number => Number.isSafeInteger(value) && value! >= 0;
    if (!isCount(firstFace) || !isCount(numberOfFaces))
      throw file.scanner.error(`expected startFace and nFaces of the patch ${show(name)}, got others`, at);
    patches.push({ name, type: entries.word("type") ?? "patch", groups: groupsOf(entries), firstFace, numberOfFaces });
  }
  return patches;
}

/** `inGroups 1(wall)` or `inGroups List<word> 1(wall)`. */
function groupsOf(entries: FoamDictionary): string[] {
  const entry = entries.find("inGroups");
  if (entry === undefined || entry instanceof FoamDictionary) return [];
  const list = entry.find((value) => value instanceof FoamList);
  return (list?.items ?? []).flatMap((item) =>
    typeof item === "string" ? [item] : item instanceof FoamText ? [item.text] : [],
  );
}

function checkRange(values: Int32Array, end: number, what: string, source: ByteSource): void {
  if (areBelow(values, end)) return;
  const index = values.findIndex((value) => value < 0 || value >= end);
  throw source.error(`expected indices of ${end} ${what}, got ${values[index]} at index ${index}`);
}

/** The largest value; −1 of none. */
function largest(values: Int32Array): number {
  let result = -1;
  for (let i = 0; i < values.length; i++) if (values[i]! > result) result = values[i]!;
  return result;
}
