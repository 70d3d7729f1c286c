/** STL, PLY and OBJ files against what VTK, meshio and trimesh read from them (fixtures/make_surfaces.py). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { FieldMap, FileFormatError, Mesh, readMesh, writeMesh, type WriteOptions } from "../../../lib/data/readers";
import { bytesSource } from "../../../lib/data/readers/byte-source";
import { readObj } from "../../../lib/data/readers/obj";
import { readPly } from "../../../lib/data/readers/ply";
import { readStl } from "../../../lib/data/readers/stl";
import { describeArray, readFixture, type DescribedArray } from "./support";

interface Described {
  bytes: string;
  points: DescribedArray;
  cells: number[][];
  pointData?: Record<string, DescribedArray>;
}

const files = readFixture<Record<string, Described>>("surfaces.json.gz");
const READERS = { ".stl": readStl, ".ply": readPly, ".obj": readObj };
const read = (name: string, bytes: Uint8Array) =>
  READERS[extname(name) as keyof typeof READERS](bytesSource(bytes, name));
const readText = (name: string, text: string) => read(name, Buffer.from(text));
const cellLists = ({ cells: { connectivity, offsets, types } }: Mesh) =>
  Array.from(types, (_, cell) => [...connectivity.subarray(offsets[cell], offsets[cell + 1])]);

test.each(Object.keys(files))("%s", (name) => {
  const { bytes, points, cells, pointData = {} } = files[name]!;
  const mesh = read(name, Buffer.from(bytes, "base64"));
  // the libraries have one type of coordinates for all files of a format
  expect([...mesh.points]).toEqual(
    points.values.map((value) => (mesh.points instanceof Float32Array ? Math.fround(value as number) : value)),
  );
  expect(cellLists(mesh)).toEqual(cells);
  for (const [key, expected] of Object.entries(pointData)) {
    const got = describeArray(mesh.pointData.field(key));
    expect(got.shape).toEqual(expected.shape);
    // normals are float32 here, or as many decimals as the file has, where trimesh computes doubles
    if (key === "normals") got.values.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i] as number, 6));
    else expect(got).toEqual(expected);
  }
});

describe("STL", () => {
  const solid = (name: string, z: number) =>
    `solid ${name}\nfacet normal 0 0 1\nouter loop\nvertex 0 0 ${z}\nvertex 1 0 ${z}\nvertex 0 1 -0\nendloop\nendfacet\nendsolid ${name}\n`;
  test("several solids keep their names", () => {
    const mesh = readText("a.stl", solid("hood", 0) + solid("roof of it", 1));
    expect(mesh.fieldData.texts.get("solids")).toEqual(["hood", "roof of it"]);
    expect([...mesh.cellData.field("solid").values]).toEqual([0, 1]);
    expect(mesh.numberOfPoints).toBe(5);
    expect([...mesh.cellData.field("normals").values]).toEqual([0, 0, 1, 0, 0, 1]);
  });
  test("normals and attributes of a binary file", () => {
    const bytes = Buffer.alloc(84 + 50);
    bytes.write("solid that is none");
    bytes.writeUInt32LE(1, 80);
    bytes.writeFloatLE(0.5, 84);
    bytes.writeFloatLE(2, 84 + 12);
    bytes.writeUInt16LE(7, 84 + 48);
    const mesh = read("a.stl", bytes);
    expect([...mesh.cellData.field("normals").values]).toEqual([0.5, 0, 0]);
    expect([...mesh.cellData.field("attribute").values]).toEqual([7]);
    expect([...mesh.points]).toEqual([2, 0, 0, 0, 0, 0]);
  });
  test("a degenerate triangle stays", () =>
    expect(
      cellLists(
        readText(
          "a.stl",
          "solid\nfacet normal 0 0 0\nouter loop\nvertex 0 0 0\nvertex 0 0 0\nvertex 1 0 0\nendloop\nendfacet\nendsolid",
        ),
      ),
    ).toEqual([[0, 0, 1]]));
  test.each([
    [
      "cut short",
      Buffer.from("solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0"),
      "a.stl:4: expected 3 numbers of a vertex, got the end of the file",
    ],
    [
      "another word",
      Buffer.from("solid a\nfacet normal 0 0 1\nouter ring"),
      'a.stl:3: expected outer loop, got "ring"',
    ],
    [
      "a wrong count",
      Buffer.concat([Buffer.alloc(80), Buffer.from([9, 0, 0, 0]), Buffer.alloc(100)]),
      "expected 534 bytes for the 9 triangles of a binary STL file, got 184 (byte 80)",
    ],
    ["nothing", Buffer.alloc(0), 'expected "solid", or at least 84 bytes of a binary STL file, got 0 bytes'],
    ["a few bytes", Buffer.alloc(34), 'expected "solid", or at least 84 bytes of a binary STL file, got 34 bytes'],
  ])("%s", (_, bytes, message) => {
    expect(() => read("a.stl", bytes)).toThrow(FileFormatError);
    expect(() => read("a.stl", bytes)).toThrow(message);
  });
});

describe("PLY", () => {
  const header = (...lines: string[]) => `ply\nformat ascii 1.0\n${lines.join("\n")}\nend_header\n`;
  const xyz = ["property double x", "property double y", "property double z"];
  test("edges, properties of faces and other elements", () => {
    const mesh = readText(
      "a.ply",
      header(
        "comment by hand",
        "element vertex 3",
        ...xyz,
        "property uchar red",
        "property uchar green",
        "property uchar blue",
        "element face 1",
        "property float quality",
        "property list uchar int vertex_index",
        "element edge 1",
        "property int vertex1",
        "property int vertex2",
        "element camera 2",
        "property float view",
      ) + "0 0 0 1 2 3\n1 0 0 4 5 6\n0 1 0 7 8 9\n0.5 3 0 1 2\n2 0\n0.25\n0.75\n",
    );
    expect(describeArray(mesh.pointData.field("colors"))).toEqual({
      type: "uint8",
      shape: [3, 3],
      values: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    });
    expect([...mesh.cellData.field("quality").values]).toEqual([0.5]);
    expect(cellLists(mesh)).toEqual([[0, 1, 2]]);
    expect(cellLists(mesh.block("edge"))).toEqual([[2, 0]]);
    expect([...mesh.fieldData.field("camera.view").values]).toEqual([0.25, 0.75]);
  });
  test.each([
    ["another file", "plywood", 'a.ply:1: expected "ply" in the first line, got "plywood"'],
    ["no end of the header", "ply\nformat ascii 1.0\n", "expected end_header, got the end of the file"],
    [
      "an unknown type",
      header("element vertex 1", "property quad x"),
      "a.ply:4: expected property, a type and a name after an element",
    ],
    ["too many rows", header("element vertex 4000000000", ...xyz), "expected element, a name and a count"],
    ["more rows than bytes", header("element vertex 1000000", ...xyz), "expected 1000000 rows of vertex, got 0 bytes"],
    [
      "no coordinates",
      header("element vertex 1", "property float x") + "1\n",
      "expected a property y of the element vertex, got none",
    ],
    [
      "a corner without point",
      header("element vertex 1", ...xyz, "element face 1", "property list uchar int vertex_indices") +
        "0 0 0\n3 0 0 1\n",
      "expected indices of 1 points in each cell, got 1 at index 2",
    ],
    [
      "a negative length",
      header("element vertex 1", ...xyz, "element face 1", "property list char int vertex_indices") +
        "0 0 0\n-3 0 0 1\n",
      "expected the length of vertex_indices in row 0 of face, got -3",
    ],
  ])("%s", (_, text, message) => {
    expect(() => readText("a.ply", text)).toThrow(FileFormatError);
    expect(() => readText("a.ply", text)).toThrow(message);
  });
});

describe("OBJ", () => {
  test("groups, materials, lines, negative indices, continued lines, comments", () => {
    const mesh = readText(
      "a.obj",
      `# a comment
mtllib car.mtl
o car
v 0 0 0 # origin
v 1 0 0 1.0
v 1 1 \\
  0
v 0 1 0
g hood left
usemtl steel
f 1 2 3
g roof
f -4 -2 -1
l 1 2 3
p 4
`,
    );
    expect([...mesh.points]).toEqual([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0]);
    expect(cellLists(mesh)).toEqual([[0, 1, 2], [0, 2, 3], [0, 1, 2], [3]]);
    expect([...mesh.cells.types]).toEqual([5, 5, 4, 1]);
    expect(Object.fromEntries(mesh.fieldData.texts)).toEqual({
      groups: ["hood left", "roof"],
      objects: ["car"],
      materials: ["steel"],
    });
    expect([...mesh.cellData.field("group").values]).toEqual([0, 1, 1, 1]);
  });
  test("normals and texture coordinates of points, where each has one", () => {
    const head = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0.5\nvt 1\nvn 0 0 1\nvn 1 0 0\n";
    const one = readText("a.obj", `${head}f 1/1/1 2/2/1 3/1/1\nf 2/2/1 3/1 4/1/2\n`);
    expect([...one.pointData.field("normals").values]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0]);
    expect([...one.pointData.field("texcoords").values]).toEqual([0, 0.5, 1, 0, 0, 0.5, 0, 0.5]);
    const two = readText("a.obj", `${head}f 1//1 2//1 3//1\nf 1//2 3//1 4//1\n`);
    expect(two.pointData.size).toBe(0);
  });
  test.each([
    ["few coordinates", "v 0 0\n", "a.obj:1: expected 3 coordinates of a point, got 2"],
    ["no point", "v 0 0 0\nf 1 2 3\n", "expected indices of 1 points in each cell, got 1 at index 1"],
    ["index 0", "v 0 0 0\nf 0 1 1\n", "a.obj:2: expected the index of a point, got 0"],
    [
      "free-form surfaces",
      "v 0 0 0\nsurf 0 1 0 1 1\n",
      'a.obj:2: expected points, polygons, lines and groups, got "surf"',
    ],
    ["no number", "v 0 0 x\n", 'a.obj:1: expected a coordinate, got "x"'],
  ])("%s", (_, text, message) => {
    expect(() => readText("a.obj", text)).toThrow(FileFormatError);
    expect(() => readText("a.obj", text)).toThrow(message);
  });
});

describe("writing", () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-surfaces-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const cube = () => read("cube-little.ply", Buffer.from(files["cube-little.ply"]!.bytes, "base64"));

  test.each<[string, WriteOptions]>([
    ["a.ply", {}],
    ["a.ply", { encoding: "ascii" }],
    ["a.obj", {}],
  ])("%s %j", async (name, options) => {
    const mesh = cube();
    const normals = { values: Float32Array.from(mesh.points, (x) => x / 3), shape: [mesh.numberOfPoints, 3] };
    const path = join(folder, name);
    await writeMesh(mesh.with({ pointData: new FieldMap([["normals", normals]]) }), path, options);
    const again = await readMesh(path);
    expect([...again.points]).toEqual([...mesh.points]);
    expect(cellLists(again)).toEqual(files["cube-little.ply"]!.cells);
    expect([...again.pointData.field("normals").values]).toEqual([...normals.values]);
  });
  test("PLY keeps fields on points and faces", async () => {
    const mesh = cube();
    const [points, faces] = [mesh.numberOfPoints, mesh.numberOfCells];
    const pointData = new FieldMap([
      ["p", { values: Float64Array.from({ length: points }, (_, i) => i / 3), shape: [points] }],
      ["U", { values: Float32Array.from({ length: 3 * points }, (_, i) => i / 7), shape: [points, 3] }],
    ]);
    const cellData = new FieldMap([
      ["k", { values: Uint8Array.from({ length: faces }, (_, i) => 40 * i), shape: [faces] }],
    ]);
    for (const encoding of ["binary", "ascii"] as const) {
      await writeMesh(mesh.with({ pointData, cellData }), join(folder, "fields.ply"), { encoding });
      const again = await readMesh(join(folder, "fields.ply"));
      expect(describeArray(again.pointData.field("p"))).toEqual(describeArray(pointData.field("p")));
      expect([...again.pointData.field("U_2").values]).toEqual(
        [...pointData.field("U").values].filter((_, i) => i % 3 === 2),
      );
      expect(describeArray(again.cellData.field("k"))).toEqual(describeArray(cellData.field("k")));
    }
  });
  test.each<WriteOptions>([{}, { encoding: "ascii" }])(
    "STL %j: quads become triangles with normals",
    async (options) => {
      const path = join(folder, "a.stl");
      await writeMesh(cube(), path, options);
      const again = await readMesh(path);
      expect([again.numberOfPoints, again.numberOfCells]).toEqual([8, 12]);
      const normals = again.cellData.field("normals").values as Float32Array;
      // the divergence theorem: the flux of x/3 through the faces is the volume of the cube
      let volume = 0;
      cellLists(again).forEach((corners, cell) => {
        const [a, b, c] = corners.map((point) => again.points.subarray(3 * point, 3 * point + 3)) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        const [u, v] = [b.map((x, d) => x - a[d]!), c.map((x, d) => x - a[d]!)];
        const area =
          Math.hypot(u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!) / 2;
        volume +=
          (area * (a[0]! * normals[3 * cell]! + a[1]! * normals[3 * cell + 1]! + a[2]! * normals[3 * cell + 2]!)) / 3;
      });
      expect(volume).toBeCloseTo(1, 6);
    },
  );
  test.each(["a.stl", "a.ply", "a.obj"])("volumes are refused: %s", async (name) => {
    const cells = {
      connectivity: Int32Array.from([0, 0, 0, 0]),
      offsets: Int32Array.from([0, 4]),
      types: Uint8Array.from([10]),
    };
    await expect(writeMesh(new Mesh({ points: new Float32Array(3), cells }), join(folder, name))).rejects.toThrow(
      "got ",
    );
  });
});
