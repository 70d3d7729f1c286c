import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { layoutOf } from "../../../lib/data/inspect";

const root = mkdtempSync(join(tmpdir(), "noether-layout-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** What {@link layoutOf} says about a folder with these files; their content plays no part, but for collections. */
function of(files: Record<string, string> | readonly string[]) {
  const folder = join(root, String(count++));
  const entries = Array.isArray(files) ? files.map((file: string) => [file, ""] as const) : Object.entries(files);
  mkdirSync(folder);
  for (const [file, text] of entries as [string, string][]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const layout = layoutOf(folder);
  return layout && { ...layout, cases: layout.cases.map(({ name, files }) => ({ name, files })) };
}

test("folders of equal files are cases, in the order in which people count", () => {
  expect(of(["run_10/surface.vtp", "run_2/surface.vtp", "run_2/notes.txt", "drag.csv"])).toEqual({
    pattern: "*/",
    casesAreFiles: false,
    cases: [
      { name: "run_2", files: ["surface.vtp"] },
      { name: "run_10", files: ["surface.vtp"] },
    ],
    empty: [],
    beside: ["drag.csv"],
  });
});

test("numbered files are cases", () => {
  expect(of(["wing_1.vtu", "wing_2.vtu", "wing_10.vtu", "table.csv"])).toEqual({
    pattern: "wing_*.vtu",
    casesAreFiles: true,
    cases: ["wing_1", "wing_2", "wing_10"].map((name) => ({ name, files: [`${name}.vtu`] })),
    empty: [],
    beside: ["table.csv"],
  });
});

test("the digit of an ending is no number", () => {
  expect(of(["a1.h5", "a2.h5"])?.pattern).toBe("a*.h5");
});

test("files of different kinds are one case", () => {
  const layout = of(["surface.vtp", "volume.vtu", "cd.csv"]);
  expect(layout).toMatchObject({ pattern: null });
  expect(layout?.cases[0]!.files).toEqual(["cd.csv", "surface.vtp", "volume.vtu"]);
});

test("files that have the name of the case", () => {
  expect(of(["run_1/run_1_wall.stl", "run_2/run_2_wall.stl"])?.cases[1]).toEqual({
    name: "run_2",
    files: ["{case}_wall.stl"],
  });
});

test("folders inside a case belong to it", () => {
  const files = ["geometry/body.stl", "VTK/surface.vtp"];
  expect(of(["run_1", "run_2"].flatMap((run) => files.map((file) => `${run}/${file}`)))?.cases).toEqual([
    { name: "run_1", files },
    { name: "run_2", files },
  ]);
});

test("cases in folders of folders", () => {
  expect(of(["train/a_1/x.vtu", "train/a_2/x.vtu", "test/a_3/x.vtu", "test/a_4/x.vtu"])).toMatchObject({
    pattern: "*/*/",
    cases: ["test/a_3", "test/a_4", "train/a_1", "train/a_2"].map((name) => ({ name, files: ["x.vtu"] })),
  });
});

test("folders beside cases that hold nothing to read", () => {
  const below = ["a_1/x.vtu", "a_2/x.vtu", "log/out.txt"];
  expect(of(below)?.empty).toEqual(["log"]);
  expect(of(["train", "test"].flatMap((split) => below.map((file) => `${split}/${file}`)))?.empty).toEqual([
    "test/log",
    "train/log",
  ]);
});

test("cases in one of several folders: its name is in the pattern, and not in those of the cases", () => {
  expect(of(["data/a_1/x.vtu", "data/a_2/x.vtu", "data/table.csv", "pictures/one/readme.txt"])).toMatchObject({
    pattern: "data/*/",
    cases: ["a_1", "a_2"].map((name) => ({ name, files: ["x.vtu"] })),
    beside: ["data/table.csv"],
  });
});

test("OpenFOAM cases are read as a whole", () => {
  const mesh = ["constant/polyMesh/points", "constant/polyMesh/faces", "0/U", "processor0/constant/polyMesh/points"];
  expect(of(["a", "b"].flatMap((name) => mesh.map((file) => `${name}/${file}`)))).toMatchObject({
    pattern: "*/",
    cases: [
      { name: "a", files: ["."] },
      { name: "b", files: ["."] },
    ],
  });
});

test("the files that a collection names are not files of their own", () => {
  const vtm = '<DataSet index="0" file="flow/flow_0.vtu"/>';
  expect(of({ "flow.vtm": vtm, "flow/flow_0.vtu": "", "flow/flow_1.vtu": "" })?.cases[0]!.files).toEqual(["flow.vtm"]);
});

test("nothing to read", () => {
  expect(of(["notes.txt", "deep/er/.hidden.vtu"])).toBeUndefined();
});
