/** Derivatives of fields on meshes. */
import { ValueError } from "../../config/python-errors";
import type { Mesh } from "../readers/mesh";
import { facesOf } from "./cell-geometry";

/** Values (C, channels) of the cells at the points (N, channels): the mean of the cells around each. Points without cells have 0. */
export function cellsToPoints(mesh: Mesh, values: ArrayLike<number>, channels: number): Float64Array {
  const { connectivity, offsets } = mesh.cells;
  const sums = new Float64Array(mesh.numberOfPoints * channels);
  const counts = new Int32Array(mesh.numberOfPoints);
  for (let cell = 0; cell + 1 < offsets.length; cell++) {
    for (let i = offsets[cell]!; i < offsets[cell + 1]!; i++) {
      const point = connectivity[i]!;
      counts[point]!++;
      for (let c = 0; c < channels; c++) sums[channels * point + c]! += values[channels * cell + c]!;
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i]! /= Math.max(1, counts[Math.floor(i / channels)]!);
  return sums;
}

/**
 * Gradients (C, channels, 3) in the cells of values at the points (N, channels), by Gauss's theorem: the faces are cut into triangles
 * about the mean of their corners, on which values are linear. Exact for linear fields, whatever the cells.
 *
 * @throws ValueError where a cell has no volume
 */
export function cellGradients(mesh: Mesh, values: ArrayLike<number>, channels: number): Float64Array {
  const { points, cells } = mesh;
  const result = new Float64Array(cells.types.length * channels * 3);
  const middle = new Float64Array(3 + channels);
  for (let cell = 0; cell < cells.types.length; cell++) {
    const faces = facesOf(cells, cell);
    const start = 3 * channels * cell;
    const [cx, cy, cz] = meanCorner(mesh, cell);
    let volume = 0;
    for (const face of faces) {
      meanOf(middle, face, points, values, channels);
      const [mx, my, mz] = [middle[0]! - cx, middle[1]! - cy, middle[2]! - cz];
      const sign = isOutward(face, points, middle, mx, my, mz) ? 1 : -1;
      for (let i = 0; i < face.length; i++) {
        const [p, q] = [face[i]!, face[i + 1 === face.length ? 0 : i + 1]!];
        const [nx, ny, nz] = halfCross(points, middle, p, q);
        const [sx, sy, sz] = [sign * nx, sign * ny, sign * nz];
        // a sixth of the pyramid over the triangle, seen from the mean corner
        volume += (sx * mx + sy * my + sz * mz) / 3;
        for (let c = 0; c < channels; c++) {
          const mean = (middle[3 + c]! + values[channels * p + c]! + values[channels * q + c]!) / 3;
          result[start + 3 * c]! += mean * sx;
          result[start + 3 * c + 1]! += mean * sy;
          result[start + 3 * c + 2]! += mean * sz;
        }
      }
    }
    if (!(volume > 0)) throw new ValueError(`expected cells with a volume, got none in cell ${cell}`);
    for (let i = start; i < start + 3 * channels; i++) result[i]! /= volume;
  }
  return result;
}

/** Vorticity (C, 3) in the cells of a velocity at the points (N, 3): its curl. See {@link cellGradients}. */
export function vorticity(mesh: Mesh, velocity: ArrayLike<number>): Float64Array {
  const gradients = cellGradients(mesh, velocity, 3);
  const result = new Float64Array(gradients.length / 3);
  for (let cell = 0; cell < result.length / 3; cell++) {
    const at = (component: number, axis: number): number => gradients[9 * cell + 3 * component + axis]!;
    result[3 * cell] = at(2, 1) - at(1, 2);
    result[3 * cell + 1] = at(0, 2) - at(2, 0);
    result[3 * cell + 2] = at(1, 0) - at(0, 1);
  }
  return result;
}

/** Means (C, 3) of the corners of the cells: VTK's centres of linear cells. */
export function cornerMeans(mesh: Mesh): Float64Array {
  const result = new Float64Array(3 * mesh.numberOfCells);
  for (let cell = 0; cell < mesh.numberOfCells; cell++) result.set(meanCorner(mesh, cell), 3 * cell);
  return result;
}

function meanCorner({ points, cells }: Mesh, cell: number): [number, number, number] {
  const [start, end] = [cells.offsets[cell]!, cells.offsets[cell + 1]!];
  const mean: [number, number, number] = [0, 0, 0];
  for (let i = start; i < end; i++)
    for (let d = 0; d < 3; d++) mean[d]! += points[3 * cells.connectivity[i]! + d]! / (end - start);
  return mean;
}

/** Position and values in the middle of a face. */
function meanOf(
  target: Float64Array,
  face: ArrayLike<number>,
  points: ArrayLike<number>,
  values: ArrayLike<number>,
  channels: number,
): void {
  target.fill(0);
  for (let i = 0; i < face.length; i++) {
    for (let d = 0; d < 3; d++) target[d]! += points[3 * face[i]! + d]! / face.length;
    for (let c = 0; c < channels; c++) target[3 + c]! += values[channels * face[i]! + c]! / face.length;
  }
}

/** Whether the right-hand rule around a face gives the direction (x, y, z). */
function isOutward(
  face: ArrayLike<number>,
  points: ArrayLike<number>,
  middle: ArrayLike<number>,
  x: number,
  y: number,
  z: number,
): boolean {
  let sum = 0;
  for (let i = 0; i < face.length; i++) {
    const [nx, ny, nz] = halfCross(points, middle, face[i]!, face[i + 1 === face.length ? 0 : i + 1]!);
    sum += nx * x + ny * y + nz * z;
  }
  return sum >= 0;
}

/** Area vector of the triangle between the middle and two points. */
function halfCross(
  points: ArrayLike<number>,
  middle: ArrayLike<number>,
  p: number,
  q: number,
): [number, number, number] {
  const [ux, uy, uz] = [points[3 * p]! - middle[0]!, points[3 * p + 1]! - middle[1]!, points[3 * p + 2]! - middle[2]!];
  const [vx, vy, vz] = [points[3 * q]! - middle[0]!, points[3 * q + 1]! - middle[1]!, points[3 * q + 2]! - middle[2]!];
  return [(uy * vz - uz * vy) / 2, (uz * vx - ux * vz) / 2, (ux * vy - uy * vx) / 2];
}
