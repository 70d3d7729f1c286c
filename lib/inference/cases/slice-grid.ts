import { Mesh, type Cells } from "../../data";
import { CellType } from "../../data/readers/cell-types";
import { triangulate } from "../../data/readers/triangles";
import { SurfaceDistance } from "../../data/geometry/signed-distance";

/** Quadrangles along the longer edge of a slice. */
const CELLS = 120;
/** How far a slice reaches beyond the body, in its largest extent: before it, and behind it. */
const [BEFORE, BEHIND] = [0.5, 1] as const;

/**
 * A plane around a body as quadrangles, without those inside the body: points at which a volume is looked at. Nothing of it is below
 * the body, where the ground is.
 *
 * @param axis the normal: 0, 1 or 2
 * @param position of the plane between the ends of the body, 0 to 1
 */
export function sliceAround(body: Mesh, axis: 0 | 1 | 2, position: number): Mesh {
  const [low, high] = boundsOf(body.points);
  const extent = Math.max(...[0, 1, 2].map((d) => high[d]! - low[d]!));
  const [u, v] = [0, 1, 2].filter((d) => d !== axis) as [number, number];
  const from = (d: number): number => (d === 2 ? low[2] : low[d]! - BEFORE * extent);
  const to = (d: number): number => high[d]! + BEHIND * extent * (d === 0 ? 1 : 0.5);
  const size = Math.max(to(u) - from(u), to(v) - from(v)) / CELLS;
  const [nu, nv] = [u, v].map((d) => Math.max(1, Math.round((to(d) - from(d)) / size))) as [number, number];
  const points = new Float32Array(3 * (nu + 1) * (nv + 1));
  for (let j = 0; j <= nv; j++) {
    for (let i = 0; i <= nu; i++) {
      const at = 3 * (i + j * (nu + 1));
      points[at + axis] = low[axis]! + position * (high[axis]! - low[axis]!);
      points[at + u] = from(u) + (i / nu) * (to(u) - from(u));
      points[at + v] = from(v) + (j / nv) * (to(v) - from(v));
    }
  }
  const distances = new SurfaceDistance(body.points, triangulate(body.cells)).distances(points);
  const quads: number[] = [];
  for (let j = 0; j < nv; j++) {
    for (let i = 0; i < nu; i++) {
      const corners = [i + j * (nu + 1), i + 1 + j * (nu + 1), i + 1 + (j + 1) * (nu + 1), i + (j + 1) * (nu + 1)];
      if (corners.every((corner) => distances[corner]! >= 0)) quads.push(...corners);
    }
  }
  return new Mesh({ ...compact(points, quads) });
}

function boundsOf(points: ArrayLike<number>): [low: [number, number, number], high: [number, number, number]] {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i++) {
    const d = (i % 3) as 0 | 1 | 2;
    low[d] = Math.min(low[d], points[i]!);
    high[d] = Math.max(high[d], points[i]!);
  }
  return [low, high];
}

/** Only the points that quadrangles have. */
function compact(points: Float32Array, quads: readonly number[]): { points: Float32Array; cells: Cells } {
  const numbers = new Map<number, number>();
  const connectivity = Int32Array.from(quads, (point) => {
    const known = numbers.get(point) ?? numbers.size;
    numbers.set(point, known);
    return known;
  });
  const kept = new Float32Array(3 * numbers.size);
  for (const [point, at] of numbers) kept.set(points.subarray(3 * point, 3 * point + 3), 3 * at);
  const count = quads.length / 4;
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => 4 * i);
  return { points: kept, cells: { connectivity, offsets, types: new Uint8Array(count).fill(CellType.QUAD) } };
}
