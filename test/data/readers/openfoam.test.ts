/** Cases that OpenFOAM wrote, against what OpenFOAM and VTK find in them (fixtures/make_openfoam.py). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { FileNotFoundError, ValueError } from "../../../lib/config/python-errors";
import { FileFormatError, meshTimes, readMesh, type Mesh } from "../../../lib/data/readers";
import { describeArray, readFixture, type DescribedArray } from "./support";

interface Part {
  points: DescribedArray;
  cells: { type: number; points: number[]; faces?: number[][] }[];
  cellData: { numbers: Record<string, DescribedArray> };
}
interface Case {
  like?: string;
  expected?: { internal: Part; times: number[]; patches: Record<string, Part> };
  files: Record<string, string>;
}

const cases = readFixture<Record<string, Case>>("openfoam.json.gz");
const expectedOf = (name: string) => cases[cases[name]!.like ?? name]!.expected!;
const root = mkdtempSync(join(tmpdir(), "noether-foam-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** Writes a case, with some of its files replaced, and returns its folder. */
function write(name: string, changes: Record<string, string | Buffer | undefined> = {}): string {
  const folder = join(root, `${name}-${count++}`);
  const files = Object.entries(cases[name]!.files).map(
    ([path, bytes]) => [path, Buffer.from(bytes, "base64")] as const,
  );
  for (const [path, content] of new Map<string, string | Buffer | undefined>([...files, ...Object.entries(changes)])) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}
const textOf = (name: string, path: string) => Buffer.from(cases[name]!.files[path]!, "base64").toString();

type Vector = [number, number, number];
const pointOf = (points: ArrayLike<number>, i: number): Vector => [
  points[3 * i]!,
  points[3 * i + 1]!,
  points[3 * i + 2]!,
];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const det = (a: Vector, b: Vector, c: Vector) =>
  a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);

/** VTK's faces of the types, looking out of the cell. */
const FACES: Record<number, number[][]> = {
  10: [
    [0, 1, 3],
    [1, 2, 3],
    [2, 0, 3],
    [0, 2, 1],
  ],
  12: [
    [0, 4, 7, 3],
    [1, 2, 6, 5],
    [0, 1, 5, 4],
    [3, 7, 6, 2],
    [0, 3, 2, 1],
    [4, 5, 6, 7],
  ],
  13: [
    [0, 1, 2],
    [3, 5, 4],
    [0, 3, 4, 1],
    [1, 4, 5, 2],
    [2, 5, 3, 0],
  ],
  14: [
    [0, 3, 2, 1],
    [0, 1, 4],
    [1, 2, 4],
    [2, 3, 4],
    [3, 0, 4],
  ],
};

/** Volume of a cell by the divergence theorem, its faces as fans about their means. */
function volumeOf({ points, cells }: Mesh, cell: number): number {
  const { connectivity, offsets, types, faces } = cells;
  const own = connectivity.subarray(offsets[cell], offsets[cell + 1]);
  const lists =
    types[cell] !== 42
      ? FACES[types[cell]!]!.map((face) => face.map((corner) => own[corner]!))
      : Array.from({ length: faces!.cellOffsets[cell + 1]! - faces!.cellOffsets[cell]! }, (_, i) => {
          const face = faces!.cellOffsets[cell]! + i;
          return [...faces!.connectivity.subarray(faces!.offsets[face], faces!.offsets[face + 1])];
        });
  const origin = pointOf(points, own[0]!);
  return lists.reduce((volume, list) => {
    const corners = list.map((point) => minus(pointOf(points, point), origin));
    const mean = [0, 1, 2].map((d) => corners.reduce((sum, corner) => sum + corner[d]!, 0) / corners.length) as Vector;
    return corners.reduce((sum, corner, i) => sum + det(mean, corner, corners[(i + 1) % corners.length]!) / 6, volume);
  }, 0);
}

/** Points of each cell by their coordinates, for meshes that number them in another way. */
const placesOf = (points: ArrayLike<number>, lists: number[][]) =>
  lists.map((list) =>
    list.map((point) =>
      pointOf(points, point)
        .map((x) => x.toFixed(6))
        .join(" "),
    ),
  );
const listsOf = ({ cells: { connectivity, offsets, types } }: Mesh) =>
  Array.from(types, (_, cell) => [...connectivity.subarray(offsets[cell], offsets[cell + 1])]);

function expectClose(actual: DescribedArray, expected: DescribedArray, digits: number): void {
  expect(actual.shape).toEqual(expected.shape);
  actual.values.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i] as number, digits));
}

const whole = Object.keys(cases).filter((name) => name !== "cavity-decomposed");
describe.each(whole)("%s", (name) => {
  const expected = expectedOf(name);
  const isSingle = name === "cavity-scalar32" || name === "cavity-all";
  /** The same shape and, in the precision of the file, the same numbers. */
  const sameAs = (actual: DescribedArray, { shape, values }: DescribedArray) =>
    JSON.stringify([actual.shape, actual.values]) ===
    JSON.stringify([shape, isSingle ? values.map((value) => Math.fround(value as number)) : values]);
  let mesh: Mesh;
  beforeAll(async () => (mesh = await readMesh(write(name))));

  test("points, and cells with VTK's types", () => {
    expect(
      sameAs(describeArray({ values: mesh.points, shape: [mesh.numberOfPoints, 3] }), expected.internal.points),
    ).toBe(true);
    expect([...mesh.cells.types]).toEqual(expected.internal.cells.map(({ type }) => type));
    const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
    expect(listsOf(mesh).map(sorted)).toEqual(expected.internal.cells.map(({ points }) => sorted(points)));
  });
  test("corners stand in such an order that the volume is OpenFOAM's", () => {
    const volumes = expected.internal.cellData.numbers.V!.values as number[];
    volumes.forEach((volume, cell) => expect(volumeOf(mesh, cell)).toBeCloseTo(volume, isSingle ? 6 : 7));
  });
  test("fields in cells", () => {
    const { numbers } = expected.internal.cellData;
    expect([...mesh.cellData.keys()].sort()).toEqual(Object.keys(numbers).sort());
    for (const [field, values] of Object.entries(numbers))
      expect([field, sameAs(describeArray(mesh.cellData.field(field)), values)]).toEqual([field, true]);
    expect(mesh.time).toBe(expected.times.at(-1));
  });
  test("patches and their fields", () => {
    expect([...mesh.blocks.keys()]).toEqual(Object.keys(expected.patches));
    for (const [patch, part] of Object.entries(expected.patches)) {
      const block = mesh.block(patch);
      expect(placesOf(block.points, listsOf(block))).toEqual(
        placesOf(
          part.points.values as number[],
          part.cells.map(({ points }) => points),
        ),
      );
      for (const [field, values] of Object.entries(part.cellData.numbers)) {
        // VTK gives the value of the cell where the type of the patch says something else
        if (patch === "back" && (field === "U" || field === "C")) continue;
        if (patch === "walls" && field === "U") continue;
        const got = describeArray(block.cellData.field(field));
        expect([field, sameAs({ ...got, values: got.values.map(Number).map(Math.fround) }, values)]).toEqual([
          field,
          true,
        ]);
      }
    }
  });
  test("centres and volumes are OpenFOAM's", async () => {
    const names = Object.keys(cases[name]!.files).filter((path) => /\/[CV](\.gz)?$/.test(path));
    const without = write(name);
    for (const path of names) rmSync(join(without, path));
    const computed = await readMesh(without, { fields: ["C", "V"] });
    const { C, V } = expected.internal.cellData.numbers;
    expectClose(describeArray(computed.cellData.field("C")), C!, isSingle ? 6 : 11);
    expectClose(describeArray(computed.cellData.field("V")), V!, isSingle ? 6 : 12);
    expect([...computed.cellData.keys()]).toEqual(["C", "V"]);
  });
});

test("types of numbers stay those of the file", async () => {
  const [double, single] = [await readMesh(write("cavity-binary")), await readMesh(write("cavity-all"))];
  expect([double.points, double.cellData.field("p").values].map((x) => x.constructor)).toEqual([
    Float64Array,
    Float64Array,
  ]);
  expect([single.points, single.cellData.field("p").values].map((x) => x.constructor)).toEqual([
    Float32Array,
    Float32Array,
  ]);
});

describe("what patches say without values", () => {
  test("noSlip is 0, a symmetry takes the normal part away, zeroGradient is the cell's", async () => {
    const mesh = await readMesh(write("cavity"));
    expect([...mesh.block("walls").cellData.field("U").values].every((x) => x === 0)).toBe(true);
    const cells = mesh.cellData.field("U").values as Float64Array;
    // the first layer of cells lies at the back, whose normal is z
    const back = mesh.block("back").cellData.field("U").values as Float64Array;
    const tangential = Array.from(back, (x, i) => (i % 3 === 2 ? 0 : x));
    back.forEach((value, i) => expect(value).toBeCloseTo(tangential[i]!, 15));
    const rowsOf = (values: Float64Array) =>
      [0, 3, 6, 9, 12, 15, 18, 21, 24].map((i) => `${values[i]} ${values[i + 1]}`);
    // faces of a patch come in another order than cells
    expect(rowsOf(back).sort()).toEqual(rowsOf(cells).sort());
  });
});

describe("times", () => {
  const pressureAt = async (time: number | "first" | "last") =>
    (await readMesh(folder, { time })).cellData.field("p").values[0];
  let folder: string;
  beforeAll(() => (folder = write("cavity")));

  test("of a file that has none", () => expect(meshTimes(join(root, "a.vtu"))).toEqual([]));
  test("are listed", () => expect(meshTimes(folder)).toEqual([0, 0.01, 0.02]));
  test("are chosen", async () => {
    const first = /internalField\s+nonuniform List<scalar> \n\d+\n\(\n(\S+)/.exec(textOf("cavity", "0.01/p"))![1];
    expect(await pressureAt(0.01)).toBe(Number(first));
    expect(await pressureAt("last")).toBe(expectedOf("cavity").internal.cellData.numbers.p!.values[0]);
  });
  test("the first, whose files people write: includes, macros, groups and patterns of patches", async () => {
    const mesh = await readMesh(folder, { time: "first" });
    expect(new Set([...mesh.cellData.field("p").values])).toEqual(new Set([0.5]));
    expect(new Set([...mesh.block("outlet").cellData.field("p").values])).toEqual(new Set([0.5]));
    expect(new Set([...mesh.block("walls").cellData.field("p").values])).toEqual(new Set([0.5]));
    expect([...mesh.block("outlet").cellData.field("U").values].slice(0, 3)).toEqual([0.1, 0.2, 0.3]);
    expect(mesh.time).toBe(0);
  });
  test("one that is not there", () =>
    expect(readMesh(folder, { time: 0.5 })).rejects.toThrow("expected a folder of the time 0.5, got 0, 0.01, 0.02"));
  test("a mesh that moved", async () => {
    const points = textOf("cavity", "constant/polyMesh/points").replace("(0 0 0)", "(-1 0 0)");
    const moved = write("cavity", { "0.01/polyMesh/points": points });
    expect((await readMesh(moved)).points[0]).toBe(-1);
    expect((await readMesh(moved, { time: 0 })).points[0]).toBe(0);
  });
});

describe("the processors of a decomposed case", () => {
  let mesh: Mesh;
  beforeAll(async () => (mesh = await readMesh(write("cavity-decomposed"))));

  test("are put together", () => {
    const { internal, patches } = expectedOf("cavity");
    const sorted = (values: Iterable<number | bigint | string>) => [...values].map(Number).sort((a, b) => a - b);
    expect(mesh.numberOfCells).toBe(internal.cells.length);
    expect(sorted(mesh.cellData.field("p").values)).toEqual(sorted(internal.cellData.numbers.p!.values));
    expect([...mesh.blocks.keys()].sort()).toEqual(Object.keys(patches).sort());
    for (const [name, part] of Object.entries(patches)) expect(mesh.block(name).numberOfCells).toBe(part.cells.length);
  });
  test("its cells have the volumes of the whole", () => {
    const volumes = mesh.cellData.field("V").values as Float64Array;
    volumes.forEach((volume, cell) => expect(volumeOf(mesh, cell)).toBeCloseTo(volume, 7));
  });
});

describe("options", () => {
  test("some fields, no cells", async () => {
    const mesh = await readMesh(write("cavity"), { fields: ["U"], cells: false });
    expect([mesh.numberOfCells, mesh.cellData.size]).toEqual([0, 0]);
    expect([...mesh.block("lid").cellData.keys()]).toEqual(["U"]);
  });
  test("a field that is nowhere", () =>
    expect(readMesh(write("cavity"), { fields: ["k"] })).rejects.toThrow(
      'expected the fields "k", got none of that name',
    ));
  test("by the name of a .foam file", async () => {
    const folder = write("cavity", { "case.foam": "" });
    expect((await readMesh(join(folder, "case.foam"))).numberOfCells).toBe(18);
  });
});

describe("bad input", () => {
  const p = () => textOf("cavity", "0.02/p");
  const field = (text: string) => readMesh(write("cavity", { "0.02/p": text }));
  test.each<[string, () => Promise<unknown>, string]>([
    ["too few values", () => field(p().replace("\n18\n", "\n17\n")), "0.02/p:41: expected ), got"],
    [
      "another number of cells",
      () => field(p().replace(/\n18\n\([^)]*\)/, "\n2\n(0 1)")),
      "0.02/p: expected 18 × 1 values in internalField, got 2 × 1",
    ],
    [
      "a vector for a scalar",
      () => field(p().replace(/nonuniform List<scalar>[^;]*/, "uniform (0 0 0)")),
      "expected 1 numbers behind uniform in internalField, got 3",
    ],
    [
      "no internalField",
      () => field(p().replace("internalField", "field")),
      "expected an entry internalField, got none",
    ],
    [
      "a patch without entry",
      () => field(p().replace("outlet", "exit")),
      'expected an entry for the patch "outlet" in boundaryField, got none',
    ],
    [
      "what only OpenFOAM works out",
      () => field(p().replace(/nonuniform List<scalar>[^;]*/, '#calc "1 + 1"')),
      "expected values in internalField, got #calc, which only OpenFOAM can work out",
    ],
    ["no end of a dictionary", () => field(p().replace(/\}\s*\/\/[^}]*$/, "")), "expected }, got the end of the file"],
    ["no number", () => field(p().replace(/\n18\n\(\n\S+/, "\n18\n(\nabc")), 'got "abc"'],
    [
      "a huge count",
      () => field(p().replace("\n18\n", "\n999999999999\n")),
      "expected 999999999999 values of a list: 999999999999 need at least",
    ],
    [
      "a missing include",
      () =>
        readMesh(write("cavity", { "0/p": textOf("cavity", "0/p").replace("walls.incl", "none.incl") }), { time: 0 }),
      'expected the file "none.incl" to include, got none',
    ],
    [
      "a file that includes itself",
      () => readMesh(write("cavity", { "0/walls.incl": '#include "walls.incl"' }), { time: 0 }),
      "expected at most 8 includes inside each other",
    ],
    [
      "an architecture",
      () => field(p().replace("class ", 'arch "LSB;label=16"; class ')),
      'expected arch like "LSB;label=32;scalar=64", got "LSB;label=16"',
    ],
  ])("%s", async (_, body, message) => {
    const error: unknown = await body().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileFormatError);
    expect((error as Error).message).toContain(message);
  });
  test("a compressed file that is cut short", async () => {
    const folder = write("cavity-ascii-gz", { "0.02/p.gz": gzipSync(p()).subarray(0, 200) });
    await expect(readMesh(folder)).rejects.toThrow("expected a file of gzip, got a damaged one");
  });
  test("a mesh without owners", async () => {
    const folder = write("cavity");
    rmSync(join(folder, "constant/polyMesh/owner"));
    await expect(readMesh(folder)).rejects.toThrow(FileNotFoundError);
  });
  test.each([
    ["owner", /\n\d+\n\(/, "\n2\n(", "constant/polyMesh/owner"],
    ["faces", /4\(\d+ /, "4(999 ", "expected indices of 48 points, got 999 at index 0"],
    ["boundary", /startFace\s+\d+/, "startFace 70", "expected faces below 75 in the patch"],
    ["neighbour", /\n\(\n\d+/, "\n(\n99", "expected"],
    ["points", /\n\d+\n\(/, "\n7\n(", "constant/polyMesh/points"],
  ])("a damaged %s", async (file, pattern, replacement, message) => {
    const path = `constant/polyMesh/${file}`;
    const text = textOf("cavity", path);
    expect(text).toMatch(pattern);
    const error: unknown = await readMesh(write("cavity", { [path]: text.replace(pattern, replacement) })).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FileFormatError);
    expect((error as Error).message).toContain(message);
  });
  test("a folder that is no case", async () => {
    mkdirSync(join(root, "empty"));
    await expect(readMesh(join(root, "empty"))).rejects.toThrow(ValueError);
    await expect(readMesh(join(root, "empty", "a.foam"))).rejects.toThrow(
      "expected an OpenFOAM case with constant/polyMesh, got none",
    );
  });
});

describe("units", () => {
  const unitOf = async (dimensions: string) => {
    const field = textOf("cavity", "0.01/p").replace(/dimensions\s+\[[^\]]*\]/, `dimensions ${dimensions}`);
    const mesh = await readMesh(write("cavity", { "0.01/p": field, "0.02/p": undefined }), { time: 0.01 });
    return mesh.cellData.units.get("p");
  };
  test.each([
    ["[0 2 -2 0 0 0 0]", "m^2/s^2"],
    ["[1 -1 -2 0 0 0 0]", "kg/m/s^2"],
    ["[0 0 0 1 0 0 0]", "K"],
    ["[0 0 -1 0 0]", "1/s"],
    ["[0 0 0 0 0 0 0]", "1"],
    ["[1 1 -3 -1 0 0 0]", "kg.m/s^3/K"],
    ["[0 0.5 0 0 0 0 0]", "m^0.5"],
    ["[Pa]", "Pa"],
  ])("%s", async (dimensions, unit) => expect(await unitOf(dimensions)).toBe(unit));
});

test("patches have the type of the boundary file as a text", async () => {
  const mesh = await readMesh(write("cavity"), { cells: false });
  const types = [...mesh.blocks].map(([name, { fieldData }]) => [name, fieldData.texts.get("type")]);
  const boundary = textOf("cavity", "constant/polyMesh/boundary");
  for (const [name, type] of types)
    expect(type).toEqual([new RegExp(`\\b${String(name)}\\s*\\{[^}]*?\\btype\\s+(\\w+)`).exec(boundary)![1]]);
  expect(types.length).toBeGreaterThan(0);
});
