import { ValueError } from "../../config/python-errors";
import { CellType } from "./cell-types";
import type { Cells } from "./mesh";

/**
 * The surface as triangles (T, 3) of points, polygons as fans from their first corner.
 *
 * @throws ValueError when there are cells that are no part of a surface.
 */
export function triangulate({ connectivity, offsets, types }: Cells): Int32Array {
  let count = 0;
  for (let cell = 0; cell < types.length; cell++) {
    const type = types[cell]!;
    if (type !== CellType.TRIANGLE && type !== CellType.QUAD && type !== CellType.POLYGON)
      throw new ValueError(`expected triangles, quads and polygons, got a cell of the type ${type} (cell ${cell})`);
    count += Math.max(0, offsets[cell + 1]! - offsets[cell]! - 2);
  }
  const triangles = new Int32Array(3 * count);
  let at = 0;
  for (let cell = 0; cell < types.length; cell++) {
    const first = connectivity[offsets[cell]!]!;
    for (let i = offsets[cell]! + 1; i < offsets[cell + 1]! - 1; i++) {
      triangles[at++] = first;
      triangles[at++] = connectivity[i]!;
      triangles[at++] = connectivity[i + 1]!;
    }
  }
  return triangles;
}

/** Unit normals (T, 3) of triangles by the right-hand rule; zero where a triangle has no area. */
export function triangleNormals(points: Float32Array | Float64Array, triangles: Int32Array): Float32Array {
  const normals = new Float32Array(triangles.length);
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [3 * triangles[i]!, 3 * triangles[i + 1]!, 3 * triangles[i + 2]!];
    const [ux, uy, uz] = [points[b]! - points[a]!, points[b + 1]! - points[a + 1]!, points[b + 2]! - points[a + 2]!];
    const [vx, vy, vz] = [points[c]! - points[a]!, points[c + 1]! - points[a + 1]!, points[c + 2]! - points[a + 2]!];
    const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    const length = Math.hypot(...normal);
    for (let d = 0; d < 3; d++) normals[i + d] = length > 0 ? normal[d]! / length : 0;
  }
  return normals;
}
