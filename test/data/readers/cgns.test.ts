/**
 * CGNS files against what VTK reads from them (fixtures/make_cgns.py). The package that opens them is an ES module, which Jest
 * does not load: a process of its own reads all files.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadOptions } from "../../../lib/data/readers";
import { readFixture, type Described, type DescribedArray } from "./support";
import { builtPackage } from "../../support/child";

interface File {
  bytes: string;
  zones?: Record<string, Described>;
}
type Outcome = { mesh: Described; error?: undefined } | { mesh?: undefined; error: string };

const files = readFixture<Record<string, File>>("cgns.json.gz");
const folder = mkdtempSync(join(tmpdir(), "noether-cgns-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [name, { bytes }] of Object.entries(files)) writeFileSync(join(folder, name), Buffer.from(bytes, "base64"));
const sections = Buffer.from(files["sections.cgns"]!.bytes, "base64");
writeFileSync(join(folder, "adf.cgns"), "@(#)ADF Database Version A02007>".padEnd(600));
writeFileSync(join(folder, "other.cgns"), "no such file at all");
writeFileSync(join(folder, "short.cgns"), sections.subarray(0, sections.length / 3));
writeFileSync(join(folder, "empty.cgns"), "");

const requests: { path: string; options?: ReadOptions }[] = [
  ...Object.keys(files).map((path) => ({ path })),
  { path: "times.cgns", options: { time: "first" } },
  { path: "times.cgns", options: { time: 0.5 } },
  { path: "times.cgns", options: { time: 7 } },
  { path: "sections.cgns", options: { time: 7 } },
  { path: "sections.cgns", options: { fields: ["Density"] } },
  { path: "sections.cgns", options: { cells: false } },
  { path: "structured.cgns", options: { fields: ["VelocityY"] } },
  { path: "structured.cgns", options: { fields: ["Velocity"] } },
  { path: "structured.cgns", options: { fields: ["Mach"] } },
  ...["adf.cgns", "other.cgns", "short.cgns", "empty.cgns", "missing.cgns"].map((path) => ({ path })),
];

let outcomes: Outcome[] = [];
beforeAll(() => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", builtPackage, join(__dirname, "read-cgns.ts"), JSON.stringify(requests)],
    { cwd: folder, encoding: "utf8" },
  );
  if (stdout === "") throw new Error(stderr);
  outcomes = JSON.parse(stdout) as Outcome[];
});
function outcomeOf(path: string, options?: ReadOptions): Outcome {
  const isAsked = (request: (typeof requests)[number]) =>
    request.path === path && JSON.stringify(request.options) === JSON.stringify(options);
  return outcomes[requests.findIndex(isAsked)]!;
}
const meshOf = (path: string, options?: ReadOptions): Described => {
  const { mesh, error } = outcomeOf(path, options);
  if (mesh === undefined) throw new Error(error);
  return mesh;
};

/** What has to agree: VTK turns float32 coordinates into doubles, and has the points of a polyhedron in no order. */
const comparable = ({ points, cells, pointData, cellData }: Described) => ({
  points: { shape: points.shape, values: points.values },
  cells: cells.map((cell) => (cell.type === 42 ? { ...cell, points: [...cell.points].sort((a, b) => a - b) } : cell)),
  pointData: numbers(pointData.numbers),
  cellData: numbers(cellData.numbers),
});
const numbers = (arrays: Record<string, DescribedArray>) =>
  Object.fromEntries(Object.entries(arrays).sort(([a], [b]) => (a < b ? -1 : 1)));

const zonesOf = (name: string): [string, Described][] => {
  const bases = Object.values(files[name]!.zones ?? {});
  return bases.flatMap(({ blocks }) => Object.entries(blocks ?? {}));
};
test.each(Object.keys(files).filter((name) => zonesOf(name).length === 1))("%s is what VTK reads", (name) => {
  const [[, expected]] = zonesOf(name) as [[string, Described]];
  expect(comparable(meshOf(name))).toEqual(comparable(expected));
});

test.each(["zones.cgns", "link.cgns"])("zones are blocks: %s", (name) => {
  const blocks = meshOf(name).blocks!;
  expect(Object.keys(blocks)).toEqual(zonesOf(name).map(([zone]) => zone));
  for (const [zone, expected] of zonesOf(name)) expect(comparable(blocks[zone]!)).toEqual(comparable(expected));
});

test.each(["polyhedra-counts.cgns", "polyhedra-parents.cgns"])("the same polyhedra in %s", (name) => {
  expect(meshOf(name)).toEqual(meshOf("polyhedra-offsets.cgns"));
});

/** Points of the cells of a block. */
const corners = (mesh: Described): unknown[] =>
  mesh.cells.map(({ points }) => points.map((point) => mesh.points.values.slice(3 * point, 3 * point + 3)));

describe("boundary conditions", () => {
  const bottom = [
    [0, 0, 0],
    [0, 1, 0],
    [1, 1, 0],
    [1, 0, 0],
  ];
  const roof = [
    [
      [0, 0, 1],
      [1, 0, 1],
      [0.5, 0.5, 1.7],
    ],
    [
      [1, 0, 1],
      [1, 1, 1],
      [0.5, 0.5, 1.7],
    ],
  ];

  test.each(["sections.cgns", "mixed.cgns", "wide.cgns"])("faces by number, in any section: %s", (name) => {
    const { wing, top, old, corner } = meshOf(name).blocks!;
    expect(corners(wing!)).toEqual([bottom, roof[1]]);
    expect(corners(top!)).toEqual(roof);
    expect(corners(old!)).toEqual([roof[0]]);
    expect(corner!.cells.map(({ type }) => type)).toEqual([1, 1]);
    expect(corners(corner!)).toEqual([[[0, 0, 0]], [[1.5, 0.5, 1.9]]]);
  });
  test("have their type and family", () => {
    const { wing, top } = meshOf("sections.cgns").blocks!;
    expect(wing!.fieldData.texts).toEqual({ type: ["FamilySpecified"], family: ["Wing"] });
    expect(top!.fieldData.texts).toEqual({ type: ["BCFarfield"] });
  });
  test("have the values at their points", () => {
    const mesh = meshOf("sections.cgns");
    const { values } = mesh.pointData.numbers.Pressure!;
    expect(mesh.blocks!.top!.pointData.numbers.Pressure!.values).toEqual([4, 5, 6, 8].map((point) => values[point]));
  });
  test("sections of faces are blocks, too", () => {
    expect(corners(meshOf("sections.cgns").blocks!.Roof!)).toEqual(roof);
  });
  test("faces of polyhedra", () => {
    const { left } = meshOf("polyhedra-offsets.cgns").blocks!;
    expect(corners(left!)).toEqual([
      [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 1],
        [0, 1, 0],
      ],
    ]);
  });
  test("ranges of structured zones, of points and of faces", () => {
    const mesh = meshOf("structured.cgns");
    const at = (i: number, j: number, k: number) =>
      mesh.points.values.slice(3 * (i + 4 * (j + 3 * k)), 3 * (i + 4 * (j + 3 * k)) + 3);
    const { iMin, kMax } = mesh.blocks!;
    expect(corners(iMin!)).toEqual([
      [at(0, 0, 0), at(0, 1, 0), at(0, 1, 1), at(0, 0, 1)],
      [at(0, 1, 0), at(0, 2, 0), at(0, 2, 1), at(0, 1, 1)],
    ]);
    expect(kMax!.cells).toHaveLength(6);
    expect(corners(kMax!)[5]).toEqual([at(2, 1, 1), at(3, 1, 1), at(3, 2, 1), at(2, 2, 1)]);
  });
});

test("a time is chosen", () => {
  const pressure = (options?: ReadOptions) => meshOf("times.cgns", options).cellData.numbers.Pressure!.values;
  expect(pressure()).toEqual([20]);
  expect(pressure({ time: "first" })).toEqual([10]);
  expect(pressure({ time: 0.5 })).toEqual([10]);
});

test("only the wanted fields are read, one component of a vector as well", () => {
  const { pointData, cellData } = meshOf("sections.cgns", { fields: ["Density"] });
  expect([...Object.keys(pointData.numbers), ...Object.keys(cellData.numbers)]).toEqual(["Density"]);
  const velocity = meshOf("structured.cgns").cellData.numbers.Velocity!;
  const one = meshOf("structured.cgns", { fields: ["VelocityY"] }).cellData.numbers;
  expect(one).toEqual({
    VelocityY: { type: "float64", shape: [6], values: velocity.values.filter((_, i) => i % 3 === 1) },
  });
  expect(meshOf("structured.cgns", { fields: ["Velocity"] }).cellData.numbers).toEqual({ Velocity: velocity });
});

test("without cells: points and their fields", () => {
  const mesh = meshOf("sections.cgns", { cells: false });
  expect(mesh.cells).toEqual([]);
  expect(mesh.points).toEqual(meshOf("sections.cgns").points);
  expect(Object.keys(mesh.pointData.numbers).sort()).toEqual(["MomentumX", "Pressure"]);
});

test.each<[string, ReadOptions | undefined, string]>([
  ["adf.cgns", undefined, "FileFormatError: adf.cgns: expected a CGNS file in HDF5 form, got one in ADF form"],
  ["other.cgns", undefined, "FileFormatError: other.cgns: expected an HDF5 file"],
  ["short.cgns", undefined, "FileFormatError: short.cgns: expected an HDF5 file"],
  ["empty.cgns", undefined, "FileFormatError: empty.cgns: expected an HDF5 file"],
  ["missing.cgns", undefined, "FileNotFoundError: missing.cgns: expected a file, got nothing of that name"],
  ["times.cgns", { time: 7 }, "expected a step of the time 7, got 0.5, 1.5"],
  ["sections.cgns", { time: 7 }, "expected a step of the time 7, got a file without times"],
  ["structured.cgns", { fields: ["Mach"] }, 'expected the fields "Mach"'],
])("%s %j", (path, options, message) => {
  expect(outcomeOf(path, options).error).toContain(message);
});
