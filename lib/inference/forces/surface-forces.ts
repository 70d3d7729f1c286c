import { ValueError } from "../../config/python-errors";
import type { Mesh, NdArray } from "../../data";
import { areaVectors, cellGeometry, isSurface } from "../../data/geometry/cell-geometry";
import type { Location } from "../../data/geometry/surface-normals";

/** A vector in space. */
export type Vector = readonly [number, number, number];

/** What the fields of a surface are, and how the surface lies in the flow. */
export interface SurfaceLoads {
  /** In metres. */
  readonly mesh: Mesh;
  readonly location: Location;
  /** (N), Pa; of an incompressible case divided by the density, in m²/s², when `factor` is the density. */
  readonly pressure: NdArray;
  /** (N, 3) traction of the fluid on the wall, as {@link pressure}; null: not known. */
  readonly friction: NdArray | null;
  /** What turns the fields into Pa: 1, the density, or the dynamic pressure. */
  readonly factor: number;
  /** Subtracted from the pressure, in its own unit. */
  readonly referencePressure: number;
  /** Where the area vectors of the cells point: out of the body into the fluid, or into the body. `auto`: by the volume that the surface encloses. */
  readonly normals: "out" | "in" | "auto";
  /** Moments are about this point. */
  readonly centre: Vector;
}

/** Forces (N) and moments (N m) of a fluid on a body. */
export interface Forces {
  readonly pressure: Vector;
  /** Null without friction. */
  readonly friction: Vector | null;
  readonly total: Vector;
  /** About the centre, of all forces. */
  readonly moment: Vector;
  /** Area of the surface, m². */
  readonly area: number;
}

/**
 * Integrals of pressure and friction over a surface: `F = −∫ (p − p_ref) n dA + ∫ τ dA` with the normal `n` out of the body and the
 * traction `τ` of the fluid on it, as OpenFOAM's `forces` (whose area vectors point into the body: there the pressure's sign is plus).
 * Fields on points are averaged over the corners of each cell.
 *
 * @throws ValueError where the mesh is no surface, or it cannot be told on which side the fluid is
 */
export function surfaceForces(loads: SurfaceLoads): Forces {
  const { mesh, location, pressure, friction, factor, referencePressure, centre } = loads;
  if (mesh.numberOfCells === 0 || !isSurface(mesh.cells))
    throw new ValueError(
      "forces: expected a surface of triangles, quads and polygons, got a mesh of other cells or none",
    );
  const vectors = areaVectors(mesh);
  const { centers } = cellGeometry(mesh);
  const side = loads.normals === "auto" ? outwardSide(vectors, centers) : loads.normals === "out" ? 1 : -1;
  const [pressureForce, frictionForce, moment] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ] as [Sum, Sum, Sum];
  const valueAt = cellValues(mesh, location);
  let area = 0;
  for (let cell = 0; cell < mesh.numberOfCells; cell++) {
    const [x, y, z] = [vectors[3 * cell]!, vectors[3 * cell + 1]!, vectors[3 * cell + 2]!];
    const size = Math.hypot(x, y, z);
    area += size;
    const p = -factor * side * (valueAt(pressure, cell, 0, 1) - referencePressure);
    const force: Sum = [p * x, p * y, p * z];
    addTo(pressureForce, force);
    if (friction !== null) {
      const shear = [0, 1, 2].map((d) => factor * size * valueAt(friction, cell, d, 3)) as Sum;
      addTo(frictionForce, shear);
      addTo(force, shear);
    }
    const arm = [0, 1, 2].map((d) => centers[3 * cell + d]! - centre[d]!) as Sum;
    addTo(moment, cross(arm, force));
  }
  const total = [0, 1, 2].map((d) => pressureForce[d]! + frictionForce[d]!) as Sum;
  return { pressure: pressureForce, friction: friction === null ? null : frictionForce, total, moment, area };
}

type Sum = [number, number, number];

function addTo(sum: Sum, term: Vector): void {
  for (let d = 0; d < 3; d++) sum[d]! += term[d]!;
}

function cross([a, b, c]: Vector, [x, y, z]: Vector): Vector {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

/** Value of a field in a cell: its own, or the mean of its corners. */
function cellValues(mesh: Mesh, location: Location) {
  const { connectivity, offsets } = mesh.cells;
  return ({ values }: NdArray, cell: number, channel: number, width: number): number => {
    if (location === "cells") return Number(values[width * cell + channel]);
    const [start, end] = [offsets[cell]!, offsets[cell + 1]!];
    let sum = 0;
    for (let i = start; i < end; i++) sum += Number(values[width * connectivity[i]! + channel]);
    return sum / (end - start);
  };
}

/** Part of the volume of the box around a surface that it has to enclose, so that its inside is known. */
const ENCLOSED = 0.02;

/** 1 where area vectors point out of the body, −1 where they point into it. */
function outwardSide(vectors: Float64Array, centers: Float64Array): 1 | -1 {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  centers.forEach((x, i) => {
    low[i % 3] = Math.min(low[i % 3]!, x);
    high[i % 3] = Math.max(high[i % 3]!, x);
  });
  // the divergence theorem, about the middle of the box: parts that are missing (a plane of symmetry) weigh least
  let volume = 0;
  vectors.forEach((a, i) => (volume += (a * (centers[i]! - (low[i % 3]! + high[i % 3]!) / 2)) / 3));
  const box = high.reduce((product, x, d) => product * (x - low[d]!), 1);
  if (Math.abs(volume) <= ENCLOSED * box)
    throw new ValueError(
      "forces: expected a surface that encloses a body, got an open one; say where its normals point: --normals out (into the fluid) or in (into the body, as those of OpenFOAM's patches)",
    );
  return volume > 0 ? 1 : -1;
}
