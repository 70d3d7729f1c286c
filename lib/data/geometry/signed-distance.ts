import { ValueError } from "../../config/python-errors";
import { PointMerger } from "../readers/point-merger";
import { Feature, type ClosestPoint } from "./closest-point";
import { TriangleTree } from "./triangle-tree";

/** Corners in a triangle that each feature begins at; faces have none. */
const START: readonly number[] = [0, 0, 1, 2, 0, 1, 2];

/**
 * Distances of points to a surface of triangles.
 *
 * The sign is that of the pseudonormal at the nearest point (J. A. Bærentzen, H. Aanæs, "Signed Distance Computation Using the
 * Angle Weighted Pseudonormal", 2005), exact for closed surfaces without cuts through themselves: positive outside, negative inside of
 * the body that the surface encloses, whichever way its triangles are turned. Triangles are to be turned alike. Of an open surface the
 * sign says on which side of it a point is, and means nothing beyond its rim.
 */
export class SurfaceDistance {
  readonly #tree: TriangleTree;
  /** (T, 3) points of the triangles; those with equal coordinates are one. */
  readonly #triangles: Int32Array;
  readonly #faceNormals: Float64Array;
  readonly #vertexNormals: Float64Array;
  /** Sums of the normals at the edges from each corner to the next, (T, 3, 3). */
  readonly #edgeNormals: Float64Array;

  /**
   * @param points (N, 3)
   * @param triangles (T, 3) indices of points; those without an area have no effect
   * @throws ValueError without a triangle that has an area
   */
  constructor(points: ArrayLike<number>, triangles: ArrayLike<number>) {
    const { corners, kept } = cornersOf(points, triangles);
    if (kept.length === 0) throw new ValueError("expected triangles with an area, got none");
    this.#tree = new TriangleTree(corners);
    this.#triangles = mergedPoints(points, kept);
    const orientation = enclosedVolume(corners) < 0 ? -1 : 1;
    this.#faceNormals = faceNormals(corners, orientation);
    this.#vertexNormals = vertexNormals(corners, this.#triangles, this.#faceNormals);
    this.#edgeNormals = edgeNormals(this.#triangles, this.#faceNormals);
  }

  /**
   * Distances (Q) in double precision.
   *
   * @param queries (Q, 3)
   * @param isSigned false: all of them positive
   */
  distances(queries: ArrayLike<number>, { isSigned = true }: { isSigned?: boolean } = {}): Float64Array {
    const result = new Float64Array(queries.length / 3);
    const nearest: ClosestPoint = { x: 0, y: 0, z: 0, squared: 0, feature: 0 };
    for (let i = 0; i < result.length; i++) {
      const [x, y, z] = [queries[3 * i]!, queries[3 * i + 1]!, queries[3 * i + 2]!];
      const triangle = this.#tree.nearest(x, y, z, nearest);
      const distance = Math.sqrt(nearest.squared);
      result[i] = isSigned && this.#isInside(triangle, x, y, z, nearest) ? -distance : distance;
    }
    return result;
  }

  #isInside(triangle: number, x: number, y: number, z: number, nearest: ClosestPoint): boolean {
    const { feature } = nearest;
    let normals = this.#faceNormals;
    let at = 3 * triangle;
    if (feature >= Feature.EDGE_AB) {
      normals = this.#edgeNormals;
      at = 9 * triangle + 3 * START[feature]!;
    } else if (feature !== Feature.FACE) {
      normals = this.#vertexNormals;
      at = 3 * this.#triangles[3 * triangle + START[feature]!]!;
    }
    const along =
      (x - nearest.x) * normals[at]! + (y - nearest.y) * normals[at + 1]! + (z - nearest.z) * normals[at + 2]!;
    return along < 0;
  }
}

/** Corners (T, 9) of the triangles that have an area, and their points. */
function cornersOf(
  points: ArrayLike<number>,
  triangles: ArrayLike<number>,
): { corners: Float64Array; kept: Int32Array } {
  const corners = new Float64Array(3 * triangles.length);
  const kept = new Int32Array(triangles.length);
  let count = 0;
  const normal = [0, 0, 0];
  for (let t = 0; t < triangles.length; t += 3) {
    for (let i = 0; i < 3; i++) {
      kept[3 * count + i] = triangles[t + i]!;
      for (let d = 0; d < 3; d++) corners[9 * count + 3 * i + d] = points[3 * triangles[t + i]! + d]!;
    }
    if (crossProduct(corners, 9 * count, normal) > 0) count++;
  }
  return { corners: corners.slice(0, 9 * count), kept: kept.slice(0, 3 * count) };
}

/** Twice the area vector of a triangle; its length. */
function crossProduct(corners: Float64Array, at: number, result: number[]): number {
  const edge = (corner: number, d: number): number => corners[at + 3 * corner + d]! - corners[at + d]!;
  const [ux, uy, uz, vx, vy, vz] = [edge(1, 0), edge(1, 1), edge(1, 2), edge(2, 0), edge(2, 1), edge(2, 2)];
  result[0] = uy * vz - uz * vy;
  result[1] = uz * vx - ux * vz;
  result[2] = ux * vy - uy * vx;
  return Math.hypot(result[0], result[1], result[2]);
}

/** The triangles with one number for all points of equal coordinates. */
function mergedPoints(points: ArrayLike<number>, triangles: Int32Array): Int32Array {
  const merger = new PointMerger();
  return triangles.map((point) => merger.add(points[3 * point]!, points[3 * point + 1]!, points[3 * point + 2]!));
}

/** Volume inside of a closed surface, negative where its triangles are turned inwards; measured from the mean corner, for open ones. */
function enclosedVolume(corners: Float64Array): number {
  const mean = [0, 0, 0];
  for (let i = 0; i < corners.length; i++) mean[i % 3]! += (3 * corners[i]!) / corners.length;
  const normal = [0, 0, 0];
  let volume = 0;
  for (let at = 0; at < corners.length; at += 9) {
    crossProduct(corners, at, normal);
    for (let d = 0; d < 3; d++) volume += normal[d]! * (corners[at + d]! - mean[d]!);
  }
  return volume;
}

function faceNormals(corners: Float64Array, orientation: number): Float64Array {
  const normals = new Float64Array(corners.length / 3);
  const normal = [0, 0, 0];
  for (let t = 0; t < normals.length; t += 3) {
    const length = crossProduct(corners, 3 * t, normal);
    for (let d = 0; d < 3; d++) normals[t + d] = (orientation * normal[d]!) / length;
  }
  return normals;
}

/** Sums of the normals around each point, weighted by the angles of the triangles there. */
function vertexNormals(corners: Float64Array, triangles: Int32Array, faces: Float64Array): Float64Array {
  const count = triangles.reduce((highest, point) => Math.max(highest, point), -1) + 1;
  const normals = new Float64Array(3 * count);
  for (let t = 0; t < triangles.length; t += 3) {
    for (let i = 0; i < 3; i++) {
      const angle = angleAt(corners, 3 * t, i);
      for (let d = 0; d < 3; d++) normals[3 * triangles[t + i]! + d]! += angle * faces[t + d]!;
    }
  }
  return normals;
}

/** Angle of a triangle at one of its corners, in rad. */
function angleAt(corners: Float64Array, at: number, corner: number): number {
  const [a, b, c] = [at + 3 * corner, at + 3 * ((corner + 1) % 3), at + 3 * ((corner + 2) % 3)];
  let [dot, u, v] = [0, 0, 0];
  for (let d = 0; d < 3; d++) {
    const [p, q] = [corners[b + d]! - corners[a + d]!, corners[c + d]! - corners[a + d]!];
    dot += p * q;
    u += p * p;
    v += q * q;
  }
  return Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(u * v))));
}

/** For each edge the sum of the normals of its triangles, at each of them. */
function edgeNormals(triangles: Int32Array, faces: Float64Array): Float64Array {
  const numbers = new Map<number, number>();
  const edges = Int32Array.from(triangles, (point, i) => {
    const next = triangles[i - (i % 3) + ((i + 1) % 3)]!;
    // two indices below 2^26 in one number
    const key = Math.min(point, next) * 2 ** 26 + Math.max(point, next);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, numbers.size);
    return numbers.size - 1;
  });
  const sums = new Float64Array(3 * numbers.size);
  edges.forEach((edge, i) => {
    for (let d = 0; d < 3; d++) sums[3 * edge + d]! += faces[3 * Math.floor(i / 3) + d]!;
  });
  const result = new Float64Array(3 * edges.length);
  edges.forEach((edge, i) => result.set(sums.subarray(3 * edge, 3 * edge + 3), 3 * i));
  return result;
}
