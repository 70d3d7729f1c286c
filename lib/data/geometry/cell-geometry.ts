/** Centres, area vectors and volumes of the cells of a mesh, in double precision. */
import { ValueError } from "../../config/python-errors";
import { CellType } from "../readers/cell-types";
import type { Cells, Mesh, Points } from "../readers/mesh";

const SURFACE_TYPES: ReadonlySet<number> = new Set([
  CellType.TRIANGLE,
  CellType.TRIANGLE_STRIP,
  CellType.POLYGON,
  CellType.PIXEL,
  CellType.QUAD,
]);

/** Faces of the linear cells as corners in VTK's order, seen from outside counter-clockwise. */
const FACES: ReadonlyMap<number, readonly (readonly number[])[]> = new Map([
  [
    CellType.TETRA as number,
    [
      [0, 2, 1],
      [0, 1, 3],
      [1, 2, 3],
      [0, 3, 2],
    ],
  ],
  [
    CellType.PYRAMID,
    [
      [0, 3, 2, 1],
      [0, 1, 4],
      [1, 2, 4],
      [2, 3, 4],
      [3, 0, 4],
    ],
  ],
  [
    CellType.WEDGE,
    [
      [0, 1, 2],
      [3, 5, 4],
      [0, 3, 4, 1],
      [1, 4, 5, 2],
      [2, 5, 3, 0],
    ],
  ],
  [
    CellType.HEXAHEDRON,
    [
      [0, 3, 2, 1],
      [4, 5, 6, 7],
      [0, 1, 5, 4],
      [1, 2, 6, 5],
      [2, 3, 7, 6],
      [3, 0, 4, 7],
    ],
  ],
  [
    CellType.VOXEL,
    [
      [0, 2, 3, 1],
      [4, 5, 7, 6],
      [0, 1, 5, 4],
      [1, 3, 7, 5],
      [3, 2, 6, 7],
      [2, 0, 4, 6],
    ],
  ],
]);

/** Whether all cells are polygons (triangle strips and pixels among them). */
export function isSurface({ types }: Cells): boolean {
  return types.every((type) => SURFACE_TYPES.has(type));
}

/** Sums over the triangles that a polygon and the mean of its corners make. */
interface PolygonSums {
  /** Twice the area vector. */
  readonly area: [number, number, number];
  /** Twice the sum of areas. */
  total: number;
  /** Sum of the areas times the triangles' corners: 6 × area × centre. */
  readonly moment: [number, number, number];
  readonly mean: [number, number, number];
}

/** Walks around a polygon; `corner(i)` is its i-th point. */
function polygonSums(points: Points, size: number, corner: (i: number) => number): PolygonSums {
  const mean: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < size; i++) {
    const p = 3 * corner(i);
    mean[0] += points[p]! / size;
    mean[1] += points[p + 1]! / size;
    mean[2] += points[p + 2]! / size;
  }
  const area: [number, number, number] = [0, 0, 0];
  const moment: [number, number, number] = [0, 0, 0];
  let total = 0;
  for (let i = 0; i < size; i++) {
    const [p, q] = [3 * corner(i), 3 * corner(i + 1 === size ? 0 : i + 1)];
    const [ux, uy, uz] = [points[p]! - mean[0], points[p + 1]! - mean[1], points[p + 2]! - mean[2]];
    const [vx, vy, vz] = [points[q]! - mean[0], points[q + 1]! - mean[1], points[q + 2]! - mean[2]];
    const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    const twice = Math.sqrt(nx * nx + ny * ny + nz * nz);
    area[0] += nx;
    area[1] += ny;
    area[2] += nz;
    total += twice;
    moment[0] += twice * (ux + vx);
    moment[1] += twice * (uy + vy);
    moment[2] += twice * (uz + vz);
  }
  return { area, total, moment, mean };
}

/** Corners of a plane cell in order around it. */
function cornersOf(
  { connectivity, offsets, types }: Cells,
  cell: number,
): { size: number; corner: (i: number) => number } {
  const start = offsets[cell]!;
  const size = offsets[cell + 1]! - start;
  if (types[cell] !== CellType.PIXEL) return { size, corner: (i) => connectivity[start + i]! };
  return { size, corner: (i) => connectivity[start + (i === 2 ? 3 : i === 3 ? 2 : i)]! };
}

/**
 * Area vectors (C, 3) of the cells of a surface: as long as the area is large, along the normal by the right-hand rule.
 *
 * @throws ValueError where a cell is no polygon
 */
export function areaVectors({ points, cells }: Mesh): Float64Array {
  const result = new Float64Array(3 * cells.types.length);
  for (let cell = 0; cell < cells.types.length; cell++) {
    const type = cells.types[cell]!;
    if (!SURFACE_TYPES.has(type))
      throw new ValueError(
        `expected the cells of a surface (triangles, quads, polygons), got a cell of the type ${type}`,
      );
    if (type === CellType.TRIANGLE_STRIP) {
      for (const triangle of stripTriangles(cells, cell))
        addArea(
          result,
          cell,
          polygonSums(points, 3, (i) => triangle[i]!),
        );
    } else {
      const { size, corner } = cornersOf(cells, cell);
      addArea(result, cell, polygonSums(points, size, corner));
    }
  }
  return result;
}

function addArea(result: Float64Array, cell: number, { area }: PolygonSums): void {
  for (let d = 0; d < 3; d++) result[3 * cell + d]! += area[d]! / 2;
}

/** The triangles of a strip; every second one is turned. */
function stripTriangles({ connectivity, offsets }: Cells, cell: number): number[][] {
  const strip = connectivity.subarray(offsets[cell], offsets[cell + 1]);
  return Array.from({ length: Math.max(0, strip.length - 2) }, (_, i) =>
    i % 2 === 0 ? [strip[i]!, strip[i + 1]!, strip[i + 2]!] : [strip[i + 1]!, strip[i]!, strip[i + 2]!],
  );
}

/** Centroids (C, 3) and volumes (C) of cells; the volume of a plane cell is 0. */
export interface CellGeometry {
  readonly centers: Float64Array;
  readonly volumes: Float64Array;
}

/**
 * Centroids and volumes. Of polygons: triangles about the mean of the corners, weighted by their areas; of linear cells and
 * polyhedra: pyramids over their faces, weighted by their volumes, as OpenFOAM does it. Lines, vertices and cells of higher order have
 * the mean of their points, and no volume.
 */
export function cellGeometry(mesh: Mesh): CellGeometry {
  const { points, cells } = mesh;
  const count = cells.types.length;
  const [centers, volumes] = [new Float64Array(3 * count), new Float64Array(count)];
  for (let cell = 0; cell < count; cell++) {
    const type = cells.types[cell]!;
    const start = cells.offsets[cell]!;
    const size = cells.offsets[cell + 1]! - start;
    if (SURFACE_TYPES.has(type)) {
      const parts =
        type === CellType.TRIANGLE_STRIP
          ? stripTriangles(cells, cell).map((triangle) => polygonSums(points, 3, (i) => triangle[i]!))
          : [polygonSums(points, size, cornersOf(cells, cell).corner)];
      setPlaneCenter(centers, cell, parts);
      continue;
    }
    const faces = facesOf(cells, cell);
    const mean = polygonSums(points, size, (i) => cells.connectivity[start + i]!).mean;
    if (faces.length === 0) centers.set(mean, 3 * cell);
    else volumes[cell] = setSolidCenter(centers, cell, points, faces, mean);
  }
  return { centers, volumes };
}

function setPlaneCenter(centers: Float64Array, cell: number, parts: readonly PolygonSums[]): void {
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  for (let d = 0; d < 3; d++) {
    const moment = parts.reduce((sum, part) => sum + part.total * part.mean[d]! + part.moment[d]! / 3, 0);
    const mean = parts.reduce((sum, part) => sum + part.mean[d]! / parts.length, 0);
    centers[3 * cell + d] = total > 0 ? moment / total : mean;
  }
}

/** Points of each face of a cell that has a volume; none for other cells. Those of polyhedra may be turned inwards. */
export function facesOf(cells: Cells, cell: number): ArrayLike<number>[] {
  const { connectivity, offsets, types, faces } = cells;
  if (types[cell] === CellType.POLYHEDRON && faces) {
    const [first, end] = [faces.cellOffsets[cell]!, faces.cellOffsets[cell + 1]!];
    return Array.from({ length: end - first }, (_, i) =>
      faces.connectivity.subarray(faces.offsets[first + i], faces.offsets[first + i + 1]),
    );
  }
  const start = offsets[cell]!;
  return (FACES.get(types[cell]!) ?? []).map((face) => face.map((corner) => connectivity[start + corner]!));
}

/** Weighs the pyramids between the faces and the mean of the corners; returns the volume. */
function setSolidCenter(
  centers: Float64Array,
  cell: number,
  points: Points,
  faces: readonly ArrayLike<number>[],
  mean: readonly [number, number, number],
): number {
  let volume = 0;
  const moment = [0, 0, 0];
  for (const face of faces) {
    const sums = polygonSums(points, face.length, (i) => face[i]!);
    const center = sums.mean.map((m, d) => (sums.total > 0 ? m + sums.moment[d]! / (3 * sums.total) : m));
    // faces of polyhedra may be turned inwards: the size of the pyramid counts
    const pyramid = Math.abs(sums.area.reduce((sum, a, d) => sum + a * (center[d]! - mean[d]!), 0)) / 6;
    volume += pyramid;
    for (let d = 0; d < 3; d++) moment[d]! += pyramid * (0.75 * center[d]! + 0.25 * mean[d]!);
  }
  for (let d = 0; d < 3; d++) centers[3 * cell + d] = volume > 0 ? moment[d]! / volume : mean[d]!;
  return volume;
}
