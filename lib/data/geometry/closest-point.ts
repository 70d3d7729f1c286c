/** The nearest point of a triangle. C. Ericson, "Real-Time Collision Detection" (2005), 5.1.5. */

/** Part of a triangle that a nearest point lies on. */
export const Feature = { FACE: 0, VERTEX_A: 1, VERTEX_B: 2, VERTEX_C: 3, EDGE_AB: 4, EDGE_BC: 5, EDGE_CA: 6 } as const;

/** Result of {@link closestPoint}, written in place: there are millions of them. */
export interface ClosestPoint {
  x: number;
  y: number;
  z: number;
  /** Squared distance. */
  squared: number;
  feature: number;
}

/**
 * The point of a triangle with an area that is nearest to (px, py, pz).
 *
 * @param corners (9) coordinates of a, b and c, from `at` on
 */
export function closestPoint(
  px: number,
  py: number,
  pz: number,
  corners: Float64Array,
  at: number,
  result: ClosestPoint,
): void {
  const ax = corners[at]!;
  const ay = corners[at + 1]!;
  const az = corners[at + 2]!;
  const bx = corners[at + 3]!;
  const by = corners[at + 4]!;
  const bz = corners[at + 5]!;
  const cx = corners[at + 6]!;
  const cy = corners[at + 7]!;
  const cz = corners[at + 8]!;
  const abx = bx - ax;
  const aby = by - ay;
  const abz = bz - az;
  const acx = cx - ax;
  const acy = cy - ay;
  const acz = cz - az;
  const d1 = abx * (px - ax) + aby * (py - ay) + abz * (pz - az);
  const d2 = acx * (px - ax) + acy * (py - ay) + acz * (pz - az);
  if (d1 <= 0 && d2 <= 0) return set(result, px, py, pz, ax, ay, az, Feature.VERTEX_A);
  const d3 = abx * (px - bx) + aby * (py - by) + abz * (pz - bz);
  const d4 = acx * (px - bx) + acy * (py - by) + acz * (pz - bz);
  if (d3 >= 0 && d4 <= d3) return set(result, px, py, pz, bx, by, bz, Feature.VERTEX_B);
  const vc = d1 * d4 - d3 * d2;
  if (vc <= 0 && d1 >= 0 && d3 <= 0) {
    const v = d1 / (d1 - d3);
    return set(result, px, py, pz, ax + v * abx, ay + v * aby, az + v * abz, Feature.EDGE_AB);
  }
  const d5 = abx * (px - cx) + aby * (py - cy) + abz * (pz - cz);
  const d6 = acx * (px - cx) + acy * (py - cy) + acz * (pz - cz);
  if (d6 >= 0 && d5 <= d6) return set(result, px, py, pz, cx, cy, cz, Feature.VERTEX_C);
  const vb = d5 * d2 - d1 * d6;
  if (vb <= 0 && d2 >= 0 && d6 <= 0) {
    const w = d2 / (d2 - d6);
    return set(result, px, py, pz, ax + w * acx, ay + w * acy, az + w * acz, Feature.EDGE_CA);
  }
  const va = d3 * d6 - d5 * d4;
  if (va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0) {
    const w = (d4 - d3) / (d4 - d3 + (d5 - d6));
    return set(result, px, py, pz, bx + w * (cx - bx), by + w * (cy - by), bz + w * (cz - bz), Feature.EDGE_BC);
  }
  const scale = 1 / (va + vb + vc);
  const v = vb * scale;
  const w = vc * scale;
  set(result, px, py, pz, ax + abx * v + acx * w, ay + aby * v + acy * w, az + abz * v + acz * w, Feature.FACE);
}

function set(
  result: ClosestPoint,
  px: number,
  py: number,
  pz: number,
  x: number,
  y: number,
  z: number,
  feature: number,
): void {
  result.x = x;
  result.y = y;
  result.z = z;
  result.squared = (px - x) * (px - x) + (py - y) * (py - y) + (pz - z) * (pz - z);
  result.feature = feature;
}
