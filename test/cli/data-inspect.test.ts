import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { validateConfig } from "../../lib/config/schema";
import { FolderDataset, FolderDatasetConfig } from "../../lib/data";
import { dataInspect } from "../../lib/cli/data-inspect";
import { contentsReport } from "../../lib/cli/data-inspect-report";
import { readContents } from "../../lib/data/inspect";
import { CellType, FieldMap, Mesh, writeMesh } from "../../lib/data/readers";
import { scope } from "../../lib/torch";

let folder: string;
let printed: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-inspect-"));
  printed = "";
  jest.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  jest.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function file(name: string): Promise<string> {
  const mesh = new Mesh({
    points: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0),
    cells: {
      connectivity: Int32Array.of(0, 1, 2),
      offsets: Int32Array.of(0, 3),
      types: Uint8Array.of(CellType.TRIANGLE),
    },
    pointData: new FieldMap([
      ["p", { values: Float32Array.of(1, NaN, 3), shape: [3] }],
      ["U", { values: new Float64Array(9).fill(0.5), shape: [3, 3] }],
    ]),
  });
  await writeMesh(mesh, join(folder, name));
  return join(folder, name);
}

test("what a file holds, and a config for it", async () => {
  expect(await dataInspect([await file("wing.vtp")])).toBe(0);
  const lines = printed.split("\n").map((line) => line.trim().replace(/\s+/g, " "));
  expect(lines).toEqual(
    expect.arrayContaining([
      "3 points (float32), 1 cells",
      "cells: 1 triangle",
      "extent 1 × 2 × 0",
      "p float32 (3) 1 3 2 ! 1 NaN",
      "U float64 (3, 3) 0.5 0.5 0.5",
      "kind: noether.data.datasets.FolderDataset",
      "pressure: p",
    ]),
  );
});

test("the proposed config reads the file", async () => {
  const path = await file("wing.vtp");
  await dataInspect([path]);
  const text = printed.slice(printed.indexOf("kind: noether"));
  const dataset = new FolderDataset(validateConfig(FolderDatasetConfig, { ...parse(text), normalize: null }));
  expect(dataset.length).toBe(1);
  expect(await scope(async () => (await dataset.getitem("surface_velocity", 0)).shape)).toEqual([3, 3]);
});

test("nothing to propose: says what that takes", async () => {
  writeFileSync(join(folder, "a.csv"), "cd,cl\n1,2\n");
  await dataInspect([join(folder, "a.csv")]);
  expect(printed).toContain("No data set is proposed: that takes a mesh, or an array of positions (N, 3).");
});

test.each([30, 44, 60, 80])("in %d columns no line is longer", async (width) => {
  const { contents } = await readContents(await file("wing.vtp"));
  const lines = contentsReport({ ...contents, path: "wing.vtp" }, width).split("\n");
  expect(Math.max(...lines.slice(1).map((line) => line.length))).toBeLessThanOrEqual(width);
  expect(lines.join(" ")).toContain("1 NaN");
});

test("--json is for programs, with the YAML in it", async () => {
  await dataInspect([await file("wing.vtp"), "--json"]);
  const { mesh, proposal } = JSON.parse(printed) as { mesh: { points: number }; proposal: string };
  expect(mesh.points).toBe(3);
  expect(proposal).toContain("position: points");
});

test("--html writes a picture", async () => {
  const path = join(folder, "picture.html");
  expect(await dataInspect([await file("wing.vtp"), "--html", path])).toBe(0);
  expect(existsSync(path)).toBe(true);
});

test("a folder with a damaged file fails, after all others were printed", async () => {
  await file("wing_1.vtp");
  await file("wing_2.vtp");
  writeFileSync(join(folder, "wing_3.vtp"), "no VTK");
  expect(await dataInspect([folder])).toBe(1);
  expect(printed).toContain("3 cases (wing_1, wing_2, wing_3)");
  expect(printed).toContain("2 of 3 cases were read");
  expect(printed).toContain("Could not be read:");
});

test.each([
  [["nowhere"], "nowhere: expected a file or folder, got nothing of that name"],
  [["a", "b"], "expected one path, received 2: a b"],
  [["a", "--points", "many"], '--points: expected a whole number of at least 1, got "many"'],
  [["a", "--time", "soon"], '--time: expected first, last or a number, got "soon"'],
  [["a", "--html", "a.png"], "expected a name with the ending .html for --html, received a.png"],
  [["a", "--htm", "b"], "unknown option --htm; did you mean --html?"],
])("%j", async (args, message) => {
  await expect(dataInspect(args)).rejects.toThrow(message);
});

test("a file that no reader knows, and a folder with nothing in it", async () => {
  writeFileSync(join(folder, "a.step"), "");
  await expect(dataInspect([join(folder, "a.step")])).rejects.toThrow("got the ending .step");
  await expect(dataInspect([folder])).rejects.toThrow("expected files of a format that is read here");
});
