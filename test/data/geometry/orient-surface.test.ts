import { CellType, Mesh } from "../../../lib/data";
import { outwardNormals } from "../../../lib/data/geometry/orient-surface";

/** Faces of a unit cube, all seen from outside counter-clockwise: -x, +x, -y, +y, -z, +z. */
const FACES = [
  [0, 4, 6, 2],
  [1, 3, 7, 5],
  [0, 1, 5, 4],
  [2, 6, 7, 3],
  [0, 2, 3, 1],
  [4, 5, 7, 6],
];
const NORMALS = [
  [-1, 0, 0],
  [1, 0, 0],
  [0, -1, 0],
  [0, 1, 0],
  [0, 0, -1],
  [0, 0, 1],
];
const corners = (shift: number) => Array.from({ length: 8 }, (_, i) => [(i & 1) + shift, (i >> 1) & 1, i >> 2]);
const mesh = (faces: readonly number[][], points: readonly number[][]) =>
  new Mesh({
    points: Float64Array.from(points.flat()),
    cells: {
      connectivity: Int32Array.from(faces.flat()),
      offsets: Int32Array.from({ length: faces.length + 1 }, (_, i) => 4 * i),
      types: new Uint8Array(faces.length).fill(CellType.QUAD),
    },
  });
const flip = (face: readonly number[]) => [...face].reverse();
const rows = (normals: Float64Array) =>
  Array.from({ length: normals.length / 3 }, (_, i) => [...normals.slice(3 * i, 3 * i + 3)].map((x) => x + 0));

test.each([
  ["as it is", FACES],
  ["inside out", FACES.map(flip)],
  ["with faces turned either way", FACES.map((face, i) => (i % 2 === 0 ? flip(face) : face))],
])("a cube %s", (_name, faces) => expect(rows(outwardNormals(mesh(faces, corners(100))))).toEqual(NORMALS));

test("parts that are not connected are turned each by itself", () => {
  const second = FACES.map((face) => flip(face.map((corner) => corner + 8)));
  const normals = outwardNormals(mesh([...FACES, ...second], [...corners(0), ...corners(5)]));
  expect(rows(normals)).toEqual([...NORMALS, ...NORMALS]);
});

test("a cell without an area has no normal", () => {
  expect(
    rows(
      outwardNormals(
        mesh(
          [[0, 0, 0, 0]],
          [
            [1, 2, 3],
            [0, 0, 0],
          ],
        ),
      ),
    ),
  ).toEqual([[0, 0, 0]]);
});
