import { surfaceAreas, surfaceNormals } from "../../../lib/data/geometry/surface-normals";
import { Mesh } from "../../../lib/data";
import { uniformCells } from "../../../lib/data/readers/cells";
import { CellType } from "../../../lib/data/readers/cell-types";

/** A tetrahedron with corners at the origin and at 1 on each axis, seen from outside counter-clockwise. */
const TETRA = new Mesh({
  points: Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1),
  cells: uniformCells(Int32Array.of(0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2), 3, CellType.TRIANGLE),
});
const SQRT3 = Math.sqrt(3);

test("normals of cells are unit vectors to the outside", () => {
  const normals = surfaceNormals(TETRA, "cells");
  const expected = [0, 0, -1, 0, -1, 0, 1 / SQRT3, 1 / SQRT3, 1 / SQRT3, -1, 0, 0];
  normals.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 12));
});

test("normals of points are weighted by the areas around", () => {
  const normals = surfaceNormals(TETRA, "points");
  // around the origin three equal faces
  for (let d = 0; d < 3; d++) expect(normals[d]).toBeCloseTo(-1 / SQRT3, 12);
  // at (1, 0, 0): (0,0,-1)/2 + (0,-1,0)/2 + (1,1,1)/2 = (1,0,0)/2
  expect([...normals.subarray(3, 6)]).toEqual([1, 0, 0].map((x) => expect.closeTo(x, 12) as number));
});

test("areas of cells and of points have the same sum", () => {
  const sum = (areas: Float64Array) => areas.reduce((total, area) => total + area, 0);
  const area = 1.5 + SQRT3 / 2;
  expect(sum(surfaceAreas(TETRA, "cells"))).toBeCloseTo(area, 12);
  expect(sum(surfaceAreas(TETRA, "points"))).toBeCloseTo(area, 12);
  expect(surfaceAreas(TETRA, "points")[0]).toBeCloseTo(0.5, 12);
});

test("a cell without an area has the normal zero", () => {
  const flat = new Mesh({
    points: new Float32Array(9),
    cells: uniformCells(Int32Array.of(0, 1, 2), 3, CellType.TRIANGLE),
  });
  expect([...surfaceNormals(flat, "cells")]).toEqual([0, 0, 0]);
});
