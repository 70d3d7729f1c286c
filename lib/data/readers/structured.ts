/** Points and cells of structured meshes. Point (i, j, k) has the index i + nx (j + ny k), and cells are counted alike. */
import { uniformCells } from "./cells";
import { CellType } from "./cell-types";
import type { Cells, ImageGrid } from "./mesh";

type Dimensions = readonly [number, number, number];

/** Cells between points along three axes; an axis with one point has no extent. */
export function numberOfCells(dimensions: Dimensions): number {
  return dimensions.reduce((product, size) => product * Math.max(size - 1, 1), 1);
}

/** Vertices, lines, quads or hexahedra, by the number of axes that have an extent. */
export function structuredCells(dimensions: Dimensions): Cells {
  const strides = [1, dimensions[0], dimensions[0] * dimensions[1]];
  const axes = [0, 1, 2].filter((axis) => dimensions[axis]! > 1);
  const steps = axes.map((axis) => strides[axis]!);
  const corners = cornersOf(steps);
  const type = [CellType.VERTEX, CellType.LINE, CellType.QUAD, CellType.HEXAHEDRON][axes.length]!;
  const count = numberOfCells(dimensions);
  const connectivity = new Int32Array(count * corners.length);
  const [nx, ny, nz] = dimensions.map((size) => Math.max(size - 1, 1)) as [number, number, number];
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++) {
        const first = i + strides[1]! * j + strides[2]! * k;
        for (const corner of corners) connectivity[at++] = first + corner;
      }
    }
  }
  return uniformCells(connectivity, corners.length, type);
}

/** Corners of a cell by distance from the first, in VTK's order. */
function cornersOf([a, b, c]: readonly number[]): number[] {
  if (a === undefined) return [0];
  if (b === undefined) return [0, a];
  const quad = [0, a, a + b, b];
  return c === undefined ? quad : [...quad, ...quad.map((corner) => corner + c)];
}

/** Coordinates (N, 3) of a regular grid. */
export function imagePoints({ dimensions, origin, spacing, direction = [1, 0, 0, 0, 1, 0, 0, 0, 1] }: ImageGrid) {
  const [nx, ny, nz] = dimensions;
  const [sx, sy, sz] = spacing;
  const points = new Float64Array(3 * nx * ny * nz);
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++) {
        for (let row = 0; row < 3; row++) {
          points[at++] =
            origin[row]! +
            direction[3 * row]! * i * sx +
            direction[3 * row + 1]! * j * sy +
            direction[3 * row + 2]! * k * sz;
        }
      }
    }
  }
  return points;
}

/** Coordinates (N, 3) of a grid whose axes have points of their own. */
export function rectilinearPoints(axes: readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>]) {
  const [xs, ys, zs] = axes;
  const points = new Float64Array(3 * xs.length * ys.length * zs.length);
  let at = 0;
  for (let k = 0; k < zs.length; k++) {
    for (let j = 0; j < ys.length; j++) {
      for (let i = 0; i < xs.length; i++) {
        points[at++] = xs[i]!;
        points[at++] = ys[j]!;
        points[at++] = zs[k]!;
      }
    }
  }
  return points;
}
