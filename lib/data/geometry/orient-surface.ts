import type { Cells, Mesh } from "../readers/mesh";
import { areaVectors } from "./cell-geometry";
import { cornerMeans } from "./gradient";

/**
 * Unit normals (C, 3) of the cells of a surface that point outwards: neighbours are turned alike across their common edges, then each
 * connected part so that it encloses a positive volume. Zero where a cell has no area.
 */
export function outwardNormals(mesh: Mesh): Float64Array {
  const vectors = areaVectors(mesh);
  const centers = cornerMeans(mesh);
  for (const part of orientedParts(mesh.cells)) {
    // about a point of the part, so that an open part far from the origin is turned right, too
    const [{ cell: first }] = part as [Oriented];
    let volume = 0;
    for (const { cell, sign } of part)
      for (let d = 0; d < 3; d++)
        volume += sign * vectors[3 * cell + d]! * (centers[3 * cell + d]! - centers[3 * first + d]!);
    const outward = volume < 0 ? -1 : 1;
    for (const { cell, sign } of part) {
      const length = Math.hypot(vectors[3 * cell]!, vectors[3 * cell + 1]!, vectors[3 * cell + 2]!);
      for (let d = 0; d < 3; d++) vectors[3 * cell + d]! *= length > 0 ? (outward * sign) / length : 0;
    }
  }
  return vectors;
}

/** A cell, and -1 where it is turned against the first of its part. */
interface Oriented {
  readonly cell: number;
  readonly sign: 1 | -1;
}

/** Connected parts, each with its cells turned alike. */
function orientedParts({ connectivity, offsets, types }: Cells): Oriented[][] {
  const edges = new Map<string, { cell: number; forward: boolean }[]>();
  const edgesOf = (cell: number): [key: string, forward: boolean][] => {
    const [start, end] = [offsets[cell]!, offsets[cell + 1]!];
    return Array.from({ length: end - start }, (_, i) => {
      const [p, q] = [connectivity[start + i]!, connectivity[start + i + 1 === end ? start : start + i + 1]!];
      return p < q ? [`${p} ${q}`, true] : [`${q} ${p}`, false];
    });
  };
  for (let cell = 0; cell < types.length; cell++) {
    for (const [key, forward] of edgesOf(cell)) {
      const there = edges.get(key);
      if (there === undefined) edges.set(key, [{ cell, forward }]);
      else there.push({ cell, forward });
    }
  }
  const seen = new Uint8Array(types.length);
  const parts: Oriented[][] = [];
  for (let start = 0; start < types.length; start++) {
    if (seen[start]) continue;
    seen[start] = 1;
    const part: Oriented[] = [{ cell: start, sign: 1 }];
    for (let i = 0; i < part.length; i++) {
      const { cell, sign } = part[i]!;
      for (const [key, forward] of edgesOf(cell)) {
        for (const other of edges.get(key)!) {
          if (seen[other.cell]) continue;
          seen[other.cell] = 1;
          // cells that are turned alike go along their edge in opposite directions
          part.push({ cell: other.cell, sign: other.forward === forward ? (-sign as 1 | -1) : sign });
        }
      }
    }
    parts.push(part);
  }
  return parts;
}
