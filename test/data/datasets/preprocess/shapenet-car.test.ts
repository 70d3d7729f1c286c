import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preprocessShapeNetCar, ShapeNetCarDataset, writeArray, type ShapeNetCarOptions } from "../../../../lib/data";
import { StandardDatasetConfig } from "../../../../lib/data/base/dataset-config";
import { temporaryFolder } from "../../../support/temporary-folder";
import { values } from "../../support";

const folder = temporaryFolder();

/** A cube of quads, the side from x = 0 to 2; the third point is of no quad. */
const POINTS = ["0 0 0", "2 0 0", "1 9 9", "0 2 0", "2 2 0", "0 0 2", "2 0 2", "0 2 2", "2 2 2"];
const QUADS = ["0 5 7 3", "1 4 8 6", "0 1 6 5", "3 7 8 4", "0 3 4 1", "5 6 8 7"];
const PRESSURE = [1, 2, 99, 3, 4, 5, 6, 7, 8];
// the first is on the surface; the third is nearest to the point that is of no quad
const VOLUME = ["2 0 2", "5 0 4", "1 9 12"];

const vtk = (
  points: readonly string[],
  cells: readonly string[],
  type: number,
  data: string,
) => `# vtk DataFile Version 3.0
raw
ASCII
DATASET UNSTRUCTURED_GRID
POINTS ${points.length} float
${points.join("\n")}
CELLS ${cells.length} ${cells.length * 5}
${cells.map((cell) => `4 ${cell}`).join("\n")}
CELL_TYPES ${cells.length}
${cells.map(() => type).join("\n")}
POINT_DATA ${points.length}
${data}
`;

async function writeSimulation(name: string, pressure = PRESSURE): Promise<void> {
  const path = folder.at("raw", name);
  mkdirSync(path, { recursive: true });
  const scalars = `SCALARS point_scalars float\nLOOKUP_TABLE default\n${PRESSURE.join("\n")}`;
  writeFileSync(join(path, "quadpress_smpl.vtk"), vtk(POINTS, QUADS, 9, scalars));
  const vectors = "VECTORS point_vectors float\n1 0 0\n2 0 0\n3 0 1";
  // one cell, of the type tetra: cells of the volume are not used
  writeFileSync(join(path, "hexvelo_smpl.vtk"), vtk(VOLUME, ["0 1 2 2"], 10, vectors));
  await writeArray({ values: Float32Array.from(pressure), shape: [pressure.length] }, join(path, "press.npy"));
}

async function writeRaw(): Promise<void> {
  for (let k = 0; k < 9; k++) mkdirSync(folder.at("raw", `param${k}`), { recursive: true });
  await writeSimulation("param0/b");
  await writeSimulation("param1/a");
  // one of those without a surface: left out
  mkdirSync(folder.at("raw", "param2", "854bb96a96a4d1b338acbabdc1252e2f"));
}

const run = async (more: Partial<ShapeNetCarOptions> = {}) =>
  preprocessShapeNetCar({ root: folder.at("raw"), outputDir: folder.at("out"), expected: 2, ...more });

test("the data set reads what is written", async () => {
  await writeRaw();
  const seen: string[] = [];
  expect(await run({ onProgress: ({ done, total, name }) => seen.push(`${done}/${total} ${name}`) })).toEqual(
    new Map(),
  );
  expect(seen).toEqual(["1/2 param0/b", "2/2 param1/a"]);
  const config = StandardDatasetConfig.create({ kind: "test", root: folder.at("out"), split: "test" });
  const sample = await new ShapeNetCarDataset(config).get(0);
  expect(values(sample["surface_pressure"])).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((p) => [p]));
  expect((values(sample["surface_position"]) as number[][]).slice(0, 3)).toEqual([
    [0, 0, 0],
    [2, 0, 0],
    [0, 2, 0],
  ]);
  // at the corners of a cube the three normals around have the mean (±1, ±1, ±1) / √3
  const normals = values(sample["surface_normals"]) as number[][];
  const third = 1 / Math.sqrt(3);
  const kept = POINTS.filter((_, row) => row !== 2);
  normals.forEach((normal, i) => {
    const corner = kept[i]!.split(" ");
    corner.forEach((at, d) => expect(normal[d]).toBeCloseTo(at === "2" ? third : -third, 6));
  });
  expect(values(sample["volume_position"])).toEqual([
    [5, 0, 4],
    [1, 9, 12],
  ]);
  expect(values(sample["volume_velocity"])).toEqual([
    [2, 0, 0],
    [3, 0, 1],
  ]);
  const [[near], [far]] = values(sample["volume_sdf"]) as [[number], [number]];
  expect(near).toBeCloseTo(Math.sqrt(13), 6);
  expect(far).toBeCloseTo(3, 6);
  const [first, second] = values(sample["volume_normals"]) as [number[], number[]];
  [3 / Math.sqrt(13), 0, 2 / Math.sqrt(13)].forEach((x, d) => expect(first[d]).toBeCloseTo(x, 6));
  [0, 0, 1].forEach((x, d) => expect(second[d]).toBeCloseTo(x, 6));
});

test("a dry run writes nothing; what is there is replaced only if asked", async () => {
  await writeRaw();
  await run({ dryRun: true });
  expect(existsSync(folder.at("out"))).toBe(false);
  await run();
  await expect(run()).rejects.toThrow(/expected no .*preprocessed, but it is there: overwrite replaces its samples/);
  await run({ dryRun: true });
  await run({ overwrite: true });
  expect(readdirSync(folder.at("out", "preprocessed")).sort()).toEqual(["param0", "param1"]);
});

test("a damaged simulation ends the call, or is told in the end", async () => {
  await writeRaw();
  await writeSimulation("param0/b", [1, 2, 99, 3, 4, 5, 6, 7, 8.1]);
  await expect(run()).rejects.toThrow(
    /param0\/b: expected the pressure of quadpress_smpl.vtk in press.npy, but point 8 has 8/,
  );
  const errors = await run({ continueOnError: true, overwrite: true });
  expect([...errors.keys()]).toEqual(["param0/b"]);
  expect(readdirSync(folder.at("out", "preprocessed"))).toEqual(["param1"]);
});

test("folders that are not as published", async () => {
  mkdirSync(folder.at("raw", "param0"), { recursive: true });
  await expect(run()).rejects.toThrow(/expected param0 to param8 in .*, but there is no folder param1/);
  await writeRaw();
  await expect(run({ expected: undefined as never })).rejects.toThrow(
    /expected 889 simulations in .*, but there are 2/,
  );
});
