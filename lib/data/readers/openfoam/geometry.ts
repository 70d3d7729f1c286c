/** Centres, areas and volumes as OpenFOAM computes them (`primitiveMesh::calcFaceCentresAndAreas`, `calcCellCentresAndVols`). */
import type { PolyMesh } from "./poly-mesh";

/** Centres (F, 3) and area vectors (F, 3) of faces: triangles about the mean of the points, weighted by their areas. */
export function faceGeometry({ points, faces, faceOffsets }: PolyMesh): { centres: Float64Array; areas: Float64Array } {
  const count = faceOffsets.length - 1;
  const [centres, areas] = [new Float64Array(3 * count), new Float64Array(3 * count)];
  for (let face = 0; face < count; face++) {
    const [start, end] = [faceOffsets[face]!, faceOffsets[face + 1]!];
    let [mx, my, mz] = [0, 0, 0];
    for (let i = start; i < end; i++) {
      const p = 3 * faces[i]!;
      mx += points[p]!;
      my += points[p + 1]!;
      mz += points[p + 2]!;
    }
    const size = end - start;
    mx /= size;
    my /= size;
    mz /= size;
    let [sx, sy, sz, sum, cx, cy, cz] = [0, 0, 0, 0, 0, 0, 0];
    for (let i = start; i < end; i++) {
      const p = 3 * faces[i]!;
      const q = 3 * faces[i + 1 === end ? start : i + 1]!;
      const [px, py, pz] = [points[p]!, points[p + 1]!, points[p + 2]!];
      const [qx, qy, qz] = [points[q]!, points[q + 1]!, points[q + 2]!];
      const [ux, uy, uz] = [qx - px, qy - py, qz - pz];
      const [vx, vy, vz] = [mx - px, my - py, mz - pz];
      const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
      const area = Math.sqrt(nx * nx + ny * ny + nz * nz);
      sx += nx;
      sy += ny;
      sz += nz;
      sum += area;
      cx += area * (px + qx + mx);
      cy += area * (py + qy + my);
      cz += area * (pz + qz + mz);
    }
    const scale = sum > 0 ? 1 / (3 * sum) : 0;
    centres.set(sum > 0 ? [cx * scale, cy * scale, cz * scale] : [mx, my, mz], 3 * face);
    areas.set([sx / 2, sy / 2, sz / 2], 3 * face);
  }
  return { centres, areas };
}

/** Centres (C, 3) and volumes (C) of cells: pyramids from the faces to the mean of their centres, weighted by their volumes. */
export function cellGeometry(mesh: PolyMesh): { centres: Float64Array; volumes: Float64Array } {
  const { owner, neighbour, numberOfCells: count } = mesh;
  const { centres: faceCentres, areas } = faceGeometry(mesh);
  const means = new Float64Array(3 * count);
  const numbers = new Int32Array(count);
  const eachSide = (visit: (cell: number, face: number, sign: number) => void) => {
    for (let face = 0; face < owner.length; face++) visit(owner[face]!, face, 1);
    for (let face = 0; face < neighbour.length; face++) visit(neighbour[face]!, face, -1);
  };
  eachSide((cell, face) => {
    for (let d = 0; d < 3; d++) means[3 * cell + d]! += faceCentres[3 * face + d]!;
    numbers[cell]!++;
  });
  for (let i = 0; i < means.length; i++) means[i]! /= numbers[(i / 3) | 0]!;
  const centres = new Float64Array(3 * count);
  const volumes = new Float64Array(count);
  eachSide((cell, face, sign) => {
    const [c, f] = [3 * cell, 3 * face];
    // three times the volume of the pyramid
    const volume =
      sign *
      (areas[f]! * (faceCentres[f]! - means[c]!) +
        areas[f + 1]! * (faceCentres[f + 1]! - means[c + 1]!) +
        areas[f + 2]! * (faceCentres[f + 2]! - means[c + 2]!));
    for (let d = 0; d < 3; d++) centres[c + d]! += volume * (0.75 * faceCentres[f + d]! + 0.25 * means[c + d]!);
    volumes[cell]! += volume;
  });
  for (let cell = 0; cell < count; cell++) {
    const volume = volumes[cell]!;
    for (let d = 0; d < 3; d++) {
      const at = 3 * cell + d;
      centres[at] = Math.abs(volume) > Number.MIN_VALUE ? centres[at]! / volume : means[at]!;
    }
    volumes[cell] = volume / 3;
  }
  return { centres, volumes };
}
