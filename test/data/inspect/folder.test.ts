import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { layoutOf, proposeConfig, readFolder, type FolderContents } from "../../../lib/data/inspect";
import { validateConfig } from "../../../lib/config/schema";
import { FolderDataset, FolderDatasetConfig } from "../../../lib/data";
import { scope } from "../../../lib/torch";
import { CellType, FieldMap, Mesh, writeArray, writeMesh, type NdArray } from "../../../lib/data/readers";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-folder-"))));
afterEach(() => rmSync(folder, { recursive: true }));

interface Fields {
  points?: Record<string, NdArray>;
  cells?: Record<string, NdArray>;
  size?: number;
}
const scalar = (...values: number[]): NdArray => ({ values: Float32Array.from(values), shape: [values.length] });
const vector = (rows: number): NdArray => ({ values: new Float64Array(3 * rows).fill(1), shape: [rows, 3] });

function square({ points = {}, cells = {}, size = 1 }: Fields = {}): Mesh {
  return new Mesh({
    points: Float32Array.of(0, 0, 0, size, 0, 0, size, size, 0, 0, size, 0),
    cells: {
      connectivity: Int32Array.of(0, 1, 2, 3),
      offsets: Int32Array.of(0, 4),
      types: Uint8Array.of(CellType.QUAD),
    },
    pointData: new FieldMap(Object.entries(points)),
    cellData: new FieldMap(Object.entries(cells)),
  });
}

async function put(path: string, mesh: Mesh): Promise<void> {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  await writeMesh(mesh, join(folder, path));
}
const read = (mostCases = Infinity): Promise<FolderContents> => readFolder(folder, layoutOf(folder)!, { mostCases });
const proposed = async (): Promise<unknown> => parse(proposeConfig(await read())!);

const p = scalar(1, 2, 3, 4);

test("cases that hold the same differ in nothing", async () => {
  for (const i of [1, 2, 3]) await put(`run_${i}/s.vtp`, square({ points: { p } }));
  expect(await read()).toMatchObject({ differences: [], problems: [], files: { "s.vtp": 3 }, incomplete: [] });
});

test("differences are named: files, fields, values that are not finite, sizes that ask for other units", async () => {
  for (const i of [1, 2, 3, 4, 5, 6]) await put(`run_${i}/s.vtp`, square({ points: { p }, size: i === 2 ? 1000 : 1 }));
  for (const i of [1, 2, 3, 4, 5]) await put(`run_${i}/v.vtp`, square({ points: { p: i === 3 ? vector(4) : p } }));
  await put("run_4/s.vtp", square({ points: { p: scalar(1, NaN, 3, 4) } }));
  await put("run_5/s.vtp", square());
  const { differences, incomplete } = await read();
  expect(differences).toEqual([
    "run_6 has no v.vtp",
    'run_4 in s.vtp: field on points "p" float32 with NaN, elsewhere float32',
    'run_5 in s.vtp: field on points "p" none, elsewhere float32',
    "run_2 in s.vtp: extent 1000, elsewhere about 1: are the units others?",
    'run_3 in v.vtp: field on points "p" float64 of 3 components, elsewhere float32',
  ]);
  expect(incomplete).toEqual(["run_6"]);
});

test("a damaged file is a problem, and the others are read", async () => {
  for (const i of [1, 2, 3]) await put(`run_${i}/s.vtp`, square({ points: { p } }));
  writeFileSync(join(folder, "run_2/s.vtp"), "<VTKFile");
  const { problems, read: done } = await read();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(join("run_2", "s.vtp"));
  expect(done.map(({ files }) => Object.keys(files).length)).toEqual([1, 0, 1]);
});

test("at most so many cases are read, first and last among them", async () => {
  for (let i = 1; i <= 9; i++) await put(`run_${i}/s.vtp`, square());
  const { read: done, cases } = await read(3);
  expect(done.map(({ name }) => name)).toEqual(["run_1", "run_5", "run_9"]);
  expect(cases).toHaveLength(9);
});

test("the config has a domain for each file, with fields where most of them are", async () => {
  for (const i of [1, 2, 3]) {
    await put(`run_${i}/wall.vtp`, square({ points: { p, wallShearStress: vector(4) }, cells: { id: scalar(1) } }));
    await put(`run_${i}/flow.vtp`, square({ cells: { UMean: vector(1), T: scalar(300) } }));
  }
  writeFileSync(join(folder, "drag.csv"), "case,cd\nrun_1,1\nrun_2,2\nrun_3,3\n");
  const start = relative("", folder).startsWith("..") ? folder : relative("", folder);
  expect(await proposed()).toEqual({
    kind: "noether.data.datasets.FolderDataset",
    cases: `${start}/*/`,
    split: "train",
    splits: { train: 0.4, val: 0.3, test: 0.3, seed: 0 },
    surface: {
      file: "flow.vtp",
      position: "cell_centers",
      velocity_mean: "UMean",
      temperature: "T",
      normals: "computed",
    },
    wall: {
      file: "wall.vtp",
      position: "points",
      pressure: "p",
      wall_shear_stress: "wallShearStress",
      normals: "computed",
    },
    conditions: { drag: { table: `${start}/drag.csv` } },
    normalize: "auto",
  });
});

test("the proposed config is one of a FolderDataset, which has the fields", async () => {
  for (const i of [1, 2, 3]) {
    await put(`run_${i}/s.vtp`, square({ points: { p, U: vector(4) } }));
    await put(`run_${i}/f.vtp`, square({ cells: { T: scalar(300) } }));
  }
  await put("run_1/only.vtp", square());
  const dataset = new FolderDataset(
    validateConfig(FolderDatasetConfig, { ...((await proposed()) as object), normalize: null }),
  );
  const shapes = await scope(async () =>
    Promise.all(
      ["s_velocity", "surface_temperature", "s_normals"].map(async (key) => (await dataset.getitem(key, 0)).shape),
    ),
  );
  expect(shapes).toEqual([
    [4, 3],
    [1, 1],
    [4, 3],
  ]);
});

test("cases that lack a file are excluded; a file that few have is left out", async () => {
  for (const i of [1, 2, 3, 4]) await put(`run_${i}/s.vtp`, square({ points: { p } }));
  for (const i of [2, 3, 4]) await put(`run_${i}/v.vtu`, square({ points: { p } }));
  await put("run_3/odd.vtu", square({ points: { p } }));
  expect(await proposed()).toMatchObject({
    cases: { exclude: ["run_1"] },
    surface: { file: "s.vtp" },
    v: { file: "v.vtu" },
  });
});

test("folders that the pattern finds, too, and that hold nothing to read are told and excluded", async () => {
  for (const i of [1, 2, 3]) await put(`run_${i}/s.vtp`, square({ points: { p } }));
  for (const name of ["run_4", "scripts"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "scripts", "mesh.py"), "");
  expect((await read()).differences).toEqual(["run_4, scripts: no files that are read"]);
  expect(await proposed()).toMatchObject({ cases: { exclude: ["run_4", "scripts"] } });
});

test("files of one array each become a domain of those with as many rows", async () => {
  for (const i of [1, 2, 3]) {
    mkdirSync(join(folder, `case_${i}`));
    const path = (name: string): string => join(folder, `case_${i}`, name);
    await writeArray({ values: new Float32Array(12), shape: [4, 3] }, path("surface_points.npy"));
    await writeArray({ values: new Float32Array(4), shape: [4] }, path("surface_pressure.npy"));
    await writeArray({ values: new Float32Array(15), shape: [5, 3] }, path("volume_points.npy"));
  }
  expect(await proposed()).toMatchObject({
    surface: { position: { file: "surface_points.npy" }, pressure: { file: "surface_pressure.npy" } },
    volume: { position: { file: "volume_points.npy" } },
  });
});

test("columns of coordinates in a table", async () => {
  for (const i of [1, 2, 3]) writeFileSync(join(folder, `case_${i}.csv`), "x,y,z,Cp\n0,0,0,1\n1,0,0,2\n");
  expect(await proposed()).toMatchObject({ points: { position: ["x", "y", "z"], pressure_coefficient: "Cp" } });
});

test("without points there is nothing to propose", async () => {
  writeFileSync(join(folder, "a.csv"), "cd,cl\n1,2\n");
  expect(proposeConfig(await read())).toBeUndefined();
});
