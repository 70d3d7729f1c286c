/** Checks and constructions of cells that several formats share. */
import { areBelow } from "./arrays";
import type { ByteSource } from "./byte-source";
import type { Cells } from "./mesh";

/**
 * Makes sure that cells name points that exist.
 *
 * @param offset byte of the file that the error tells.
 * @throws FileFormatError
 */
export function checkCells(cells: Cells, numberOfPoints: number, source: ByteSource, offset?: number): Cells {
  const { connectivity, offsets, types, faces } = cells;
  const fail = (problem: string) => source.error(problem, offset);
  if (offsets.length !== types.length + 1)
    throw fail(`expected offsets and types of as many cells, got ${offsets.length - 1} and ${types.length}`);
  checkOffsets("cells", offsets, connectivity.length, fail);
  checkPoints("cell", connectivity, numberOfPoints, fail);
  if (faces !== undefined) {
    if (faces.cellOffsets.length !== offsets.length)
      throw fail(`expected faces of ${types.length} cells, got ${faces.cellOffsets.length - 1}`);
    checkOffsets("faces of the polyhedra", faces.cellOffsets, faces.offsets.length - 1, fail);
    checkOffsets("points of the faces", faces.offsets, faces.connectivity.length, fail);
    checkPoints("face", faces.connectivity, numberOfPoints, fail);
  }
  return cells;
}

function checkOffsets(what: string, offsets: Int32Array, end: number, fail: (problem: string) => Error): void {
  const previous = offsets.at(-1) ?? 0;
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!)
      throw fail(
        `expected offsets of the ${what} that do not fall, got ${offsets[i]} after ${offsets[i - 1]} at index ${i}`,
      );
  }
  if (offsets[0] !== 0 || previous !== end)
    throw fail(`expected offsets of the ${what} from 0 to ${end}, got ${offsets[0]} to ${previous}`);
}

function checkPoints(what: string, points: Int32Array, count: number, fail: (problem: string) => Error): void {
  if (areBelow(points, count)) return;
  const index = points.findIndex((point) => point < 0 || point >= count);
  throw fail(`expected indices of ${count} points in each ${what}, got ${points[index]} at index ${index}`);
}

/** Cells of one type and of so many points each: triangles, for example. */
export function uniformCells(connectivity: Int32Array, pointsPerCell: number, type: number): Cells {
  const count = connectivity.length / pointsPerCell;
  return { connectivity, offsets: everyNth(count, pointsPerCell), types: new Uint8Array(count).fill(type) };
}

/** 0, step, 2 step, … count × step. */
function everyNth(count: number, step: number): Int32Array {
  const offsets = new Int32Array(count + 1);
  for (let i = 1; i <= count; i++) offsets[i] = i * step;
  return offsets;
}

/** The points of one cell. */
export function cellPoints({ connectivity, offsets }: Cells, cell: number): Int32Array {
  return connectivity.subarray(offsets[cell], offsets[cell + 1]);
}

/** Cells one list after the other, with their points counted on by `shifts`. */
export function joinCells(parts: readonly Cells[], shifts: readonly number[]): Cells {
  const sum = (of: (part: Cells) => number) => parts.reduce((total, part) => total + of(part), 0);
  const count = sum((part) => part.types.length);
  const connectivity = new Int32Array(sum((part) => part.connectivity.length));
  const offsets = new Int32Array(count + 1);
  const types = new Uint8Array(count);
  let [cell, end] = [0, 0];
  parts.forEach((part, i) => {
    for (let j = 0; j < part.connectivity.length; j++) connectivity[end + j] = part.connectivity[j]! + shifts[i]!;
    for (let j = 1; j < part.offsets.length; j++) offsets[cell + j] = end + part.offsets[j]!;
    types.set(part.types, cell);
    cell += part.types.length;
    end += part.connectivity.length;
  });
  const hasFaces = parts.some((part) => part.faces !== undefined);
  return hasFaces
    ? { connectivity, offsets, types, faces: joinFaces(parts, shifts) }
    : { connectivity, offsets, types };
}

function joinFaces(parts: readonly Cells[], shifts: readonly number[]): NonNullable<Cells["faces"]> {
  const [connectivity, offsets, cellOffsets]: number[][] = [[], [0], [0]];
  parts.forEach(({ faces, types }, i) => {
    const [points, firstFace] = [connectivity!.length, offsets!.length - 1];
    if (faces === undefined) {
      for (let cell = 0; cell < types.length; cell++) cellOffsets!.push(firstFace);
      return;
    }
    for (const point of faces.connectivity) connectivity!.push(point + shifts[i]!);
    for (const offset of faces.offsets.subarray(1)) offsets!.push(points + offset);
    for (const offset of faces.cellOffsets.subarray(1)) cellOffsets!.push(firstFace + offset);
  });
  return {
    connectivity: Int32Array.from(connectivity!),
    offsets: Int32Array.from(offsets!),
    cellOffsets: Int32Array.from(cellOffsets!),
  };
}
