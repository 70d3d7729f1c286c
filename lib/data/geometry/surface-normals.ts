/** Normals and areas of a surface, on its cells and on its points. */
import type { Mesh } from "../readers/mesh";
import { areaVectors } from "./cell-geometry";

/** Where values are. */
export type Location = "points" | "cells";

/**
 * Unit normals (N, 3) of the cells, or of the points: the sum of the area vectors of the cells around. They point to the side
 * from which the corners of a cell go counter-clockwise; zero where there is no area.
 */
export function surfaceNormals(mesh: Mesh, location: Location): Float64Array {
  const vectors = areaVectors(mesh);
  return normalized(location === "cells" ? vectors : toPoints(mesh, vectors, 3, () => 1));
}

/** Areas (N) of the cells; of a point: equal shares of the cells around, so that the sum is the area of the surface. */
export function surfaceAreas(mesh: Mesh, location: Location): Float64Array {
  const vectors = areaVectors(mesh);
  const areas = new Float64Array(vectors.length / 3);
  for (let i = 0; i < areas.length; i++)
    areas[i] = Math.hypot(vectors[3 * i]!, vectors[3 * i + 1]!, vectors[3 * i + 2]!);
  return location === "cells" ? areas : toPoints(mesh, areas, 1, (corners) => 1 / corners);
}

/** Sums of what is on the cells at their points. */
function toPoints(
  mesh: Mesh,
  values: Float64Array,
  channels: number,
  weight: (corners: number) => number,
): Float64Array {
  const { connectivity, offsets } = mesh.cells;
  const result = new Float64Array(channels * mesh.numberOfPoints);
  for (let cell = 0; cell + 1 < offsets.length; cell++) {
    const [start, end] = [offsets[cell]!, offsets[cell + 1]!];
    const share = weight(end - start);
    for (let i = start; i < end; i++) {
      for (let c = 0; c < channels; c++)
        result[channels * connectivity[i]! + c]! += share * values[channels * cell + c]!;
    }
  }
  return result;
}

function normalized(vectors: Float64Array): Float64Array {
  for (let i = 0; i < vectors.length; i += 3) {
    const length = Math.hypot(vectors[i]!, vectors[i + 1]!, vectors[i + 2]!);
    const scale = length > 0 ? 1 / length : 0;
    for (let d = 0; d < 3; d++) vectors[i + d]! *= scale;
  }
  return vectors;
}
