import { areaVectors, cellGeometry } from "../../../lib/data/geometry/cell-geometry";
import { Mesh, type Cells } from "../../../lib/data";
import { CellType } from "../../../lib/data/readers/cell-types";

/** Corners of the box [0, 2] × [0, 3] × [0, 4] in VTK's order of a hexahedron, then its top (1, 1.5, 8). */
const POINTS = Float64Array.of(0, 0, 0, 2, 0, 0, 2, 3, 0, 0, 3, 0, 0, 0, 4, 2, 0, 4, 2, 3, 4, 0, 3, 4, 1, 1.5, 8);

const meshOf = (type: number, corners: readonly number[], more: Partial<Cells> = {}, points = POINTS): Mesh =>
  new Mesh({
    points,
    cells: {
      connectivity: Int32Array.from(corners),
      offsets: Int32Array.of(0, corners.length),
      types: Uint8Array.of(type),
      ...more,
    },
  });

test.each<[string, number, number[], number[], number]>([
  ["hexahedron", CellType.HEXAHEDRON, [0, 1, 2, 3, 4, 5, 6, 7], [1, 1.5, 2], 24],
  ["voxel", CellType.VOXEL, [0, 1, 3, 2, 4, 5, 7, 6], [1, 1.5, 2], 24],
  ["tetrahedron", CellType.TETRA, [0, 1, 3, 4], [0.5, 0.75, 1], 4],
  // a third of base times height; the centre a quarter of the height above the base
  ["pyramid", CellType.PYRAMID, [4, 5, 6, 7, 8], [1, 1.5, 5], 8],
  ["wedge", CellType.WEDGE, [0, 3, 1, 4, 7, 5], [2 / 3, 1, 2], 12],
])("centre and volume of a %s", (_, type, corners, center, volume) => {
  const { centers, volumes } = cellGeometry(meshOf(type, corners));
  expect([...centers]).toEqual(center.map((x) => expect.closeTo(x, 12) as number));
  expect(volumes[0]).toBeCloseTo(volume, 12);
});

test("a polyhedron: the box and the pyramid on it, whichever way its faces are turned", () => {
  const faces = [
    [0, 3, 2, 1],
    [0, 4, 5, 1],
    [1, 2, 6, 5],
    [2, 3, 7, 6],
    [3, 0, 4, 7],
    [4, 5, 8],
    [5, 6, 8],
    [6, 7, 8],
    [7, 4, 8],
  ];
  const offsets = [0];
  for (const face of faces) offsets.push(offsets.at(-1)! + face.length);
  const mesh = meshOf(CellType.POLYHEDRON, [0, 1, 2, 3, 4, 5, 6, 7, 8], {
    faces: {
      connectivity: Int32Array.from(faces.flat()),
      offsets: Int32Array.from(offsets),
      cellOffsets: Int32Array.of(0, 9),
    },
  });
  const { centers, volumes } = cellGeometry(mesh);
  expect(volumes[0]).toBeCloseTo(32, 12);
  expect([...centers]).toEqual([1, 1.5, (24 * 2 + 8 * 5) / 32].map((x) => expect.closeTo(x, 12) as number));
});

test("a trapezoid: its centroid, not the mean of its corners; an L: its area", () => {
  const points = Float64Array.of(0, 0, 1, 2, 0, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 0, 2, 1);
  const { centers } = cellGeometry(meshOf(CellType.QUAD, [0, 1, 2, 3], {}, points));
  // a unit square about (1.5, 0.5) and a triangle of the area 1/2 about (2/3, 1/3)
  expect([...centers]).toEqual([11 / 9, 4 / 9, 1].map((x) => expect.closeTo(x, 12) as number));
  expect([...areaVectors(meshOf(CellType.POLYGON, [0, 1, 2, 3, 4, 5], {}, points))]).toEqual([0, 0, 3]);
});

test("pixels and strips are surfaces", () => {
  expect([...areaVectors(meshOf(CellType.PIXEL, [0, 1, 3, 2]))]).toEqual([0, 0, 6]);
  expect([...areaVectors(meshOf(CellType.TRIANGLE_STRIP, [0, 1, 3, 2]))]).toEqual([0, 0, 6]);
  expect([...cellGeometry(meshOf(CellType.TRIANGLE_STRIP, [0, 1, 3, 2])).centers]).toEqual(
    [1, 1.5, 0].map((x) => expect.closeTo(x, 12) as number),
  );
});

test("lines have the mean of their points, and no volume", () => {
  const { centers, volumes } = cellGeometry(meshOf(CellType.LINE, [0, 1]));
  expect([[...centers], [...volumes]]).toEqual([[1, 0, 0], [0]]);
});

test("areas of cells that are no surface are refused", () => {
  expect(() => areaVectors(meshOf(CellType.TETRA, [0, 1, 3, 4]))).toThrow(/cells of a surface.*type 10/);
});
