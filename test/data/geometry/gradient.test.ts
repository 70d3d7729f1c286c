import { CellType, Mesh } from "../../../lib/data";
import { cellGradients, cellsToPoints, cornerMeans, vorticity } from "../../../lib/data/geometry/gradient";

/** A cell with the points in the order of VTK. */
const cell = (type: number, points: number[][], faces?: number[][]): Mesh =>
  new Mesh({
    points: Float64Array.from(points.flat()),
    cells: {
      connectivity: Int32Array.from(points, (_, i) => i),
      offsets: Int32Array.of(0, points.length),
      types: Uint8Array.of(type),
      ...(faces && {
        faces: {
          connectivity: Int32Array.from(faces.flat()),
          offsets: Int32Array.from([0, ...faces.map((_, f) => faces.slice(0, f + 1).flat().length)]),
          cellOffsets: Int32Array.of(0, faces.length),
        },
      }),
    },
  });

// far from the origin, and none of them regular
const TETRA = [
  [10, 0, 0],
  [12, 0, 1],
  [10, 3, 0],
  [10.5, 1, 4],
];
const BOX = [
  [0, 0, 0],
  [2, 0, 0],
  [2.5, 1, 0],
  [0, 1, 0],
  [0, 0, 1],
  [2, 0, 1.5],
  [2.5, 1.2, 1],
  [0, 1, 1],
].map(([x, y, z]) => [x! + 5, y! - 7, z! + 3]);
const WEDGE = [
  [0, 0, 0],
  [0, 2, 0],
  [1, 0, 0],
  [0, 0, 3],
  [0, 2, 3],
  [1, 0, 3],
];
const PYRAMID = [
  [0, 0, 0],
  [1, 0, 0],
  [1, 1, 0],
  [0, 1, 0],
  [0.3, 0.4, 2],
];
// the second and the last face are turned inwards
const TETRA_FACES = [
  [0, 2, 1],
  [0, 3, 1],
  [1, 2, 3],
  [0, 2, 3],
];

describe("gradients of linear fields are exact", () => {
  test.each<[string, Mesh]>([
    ["tetrahedron", cell(CellType.TETRA, TETRA)],
    ["hexahedron with bent faces", cell(CellType.HEXAHEDRON, BOX)],
    ["wedge", cell(CellType.WEDGE, WEDGE)],
    ["pyramid", cell(CellType.PYRAMID, PYRAMID)],
    ["polyhedron with faces turned inwards", cell(CellType.POLYHEDRON, TETRA, TETRA_FACES)],
  ])("%s", (_name, mesh) => {
    const rows = Array.from({ length: mesh.numberOfPoints }, (_, i) => [...mesh.points.slice(3 * i, 3 * i + 3)]);
    const values = rows.flatMap(([x, y, z]) => [1 + 2 * x! - y! + 3 * z!, y!]);
    const gradients = cellGradients(mesh, values, 2);
    [2, -1, 3, 0, 1, 0].forEach((expected, i) => expect(gradients[i]).toBeCloseTo(expected, 10));
    // a body that turns with the angular velocity w has the curl 2 w
    const [wx, wy, wz] = [0.5, -1, 2];
    const velocity = rows.flatMap(([x, y, z]) => [wy * z! - wz * y!, wz * x! - wx * z!, wx * y! - wy * x!]);
    const curl = vorticity(mesh, velocity);
    [2 * wx, 2 * wy, 2 * wz].forEach((expected, i) => expect(curl[i]).toBeCloseTo(expected, 9));
  });
});

test("cells without a volume have no gradient", () => {
  const flat = cell(
    CellType.TETRA,
    TETRA.map(([x, y]) => [x!, y!, 0]),
  );
  expect(() => cellGradients(flat, [0, 1, 2, 3], 1)).toThrow("expected cells with a volume, got none in cell 0");
});

test("values at a point are the mean of the cells around it", () => {
  // two triangles with a common edge, and a point of no cell
  const mesh = new Mesh({
    points: Float64Array.of(0, 0, 0, 3, 0, 0, 0, 3, 0, 3, 3, 0, 9, 9, 9),
    cells: {
      connectivity: Int32Array.of(0, 1, 2, 1, 3, 2),
      offsets: Int32Array.of(0, 3, 6),
      types: Uint8Array.of(CellType.TRIANGLE, CellType.TRIANGLE),
    },
  });
  expect([...cellsToPoints(mesh, [1, 10, 3, 30], 2)]).toEqual([1, 10, 2, 20, 2, 20, 3, 30, 0, 0]);
  expect([...cornerMeans(mesh)].map((x) => Math.round(x * 1e9) / 1e9)).toEqual([1, 1, 0, 2, 2, 0]);
});
