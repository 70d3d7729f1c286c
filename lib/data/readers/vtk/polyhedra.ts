/** Polyhedra as VTK's face streams: number of faces, then for each face number of points and points. */
import type { ByteSource } from "../byte-source";
import { CellType } from "../cell-types";
import type { Cells } from "../mesh";

/**
 * Cells whose polyhedra have face streams as their connectivity, as cells with points and faces.
 *
 * @param offset byte of the file that errors tell.
 */
export function unpackPolyhedra({ connectivity, offsets, types }: Cells, source: ByteSource, offset: number): Cells {
  if (!types.includes(CellType.POLYHEDRON)) return { connectivity, offsets, types };
  const points: number[] = [];
  const pointOffsets = [0];
  const [faces, faceOffsets, cellOffsets]: [number[], number[], number[]] = [[], [0], [0]];
  for (let cell = 0; cell < types.length; cell++) {
    const list = connectivity.subarray(offsets[cell], offsets[cell + 1]);
    if (types[cell] === CellType.POLYHEDRON) {
      const own = new Set<number>();
      let at = 1;
      for (let face = 0; face < (list[0] ?? 0); face++) {
        const size = list[at++] ?? -1;
        if (size < 0 || at + size > list.length)
          throw source.error(`expected ${list[0]} faces of the polyhedron ${cell}, got the end of its list`, offset);
        for (let i = 0; i < size; i++) {
          own.add(list[at]!);
          faces.push(list[at++]!);
        }
        faceOffsets.push(faces.length);
      }
      // the order of VTK
      for (const point of [...own].sort((a, b) => a - b)) points.push(point);
    } else {
      for (const point of list) points.push(point);
    }
    pointOffsets.push(points.length);
    cellOffsets.push(faceOffsets.length - 1);
  }
  return {
    connectivity: Int32Array.from(points),
    offsets: Int32Array.from(pointOffsets),
    types,
    faces: {
      connectivity: Int32Array.from(faces),
      offsets: Int32Array.from(faceOffsets),
      cellOffsets: Int32Array.from(cellOffsets),
    },
  };
}

/** The face stream of one polyhedron. */
export function faceStream(
  { connectivity, offsets, cellOffsets }: NonNullable<Cells["faces"]>,
  cell: number,
): number[] {
  const [first, last] = [cellOffsets[cell]!, cellOffsets[cell + 1]!];
  const stream = [last - first];
  for (let face = first; face < last; face++) {
    stream.push(offsets[face + 1]! - offsets[face]!, ...connectivity.subarray(offsets[face], offsets[face + 1]));
  }
  return stream;
}
