import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AhmedMLDataset,
  ahmedMLSplitIDs,
  CellType,
  FieldMap,
  Mesh,
  preprocessCAEML,
  writeMesh,
  type CAEMLOptions,
} from "../../../../lib/data";
import { StandardDatasetConfig } from "../../../../lib/data/base/dataset-config";
import { load, type Tensor } from "../../../../lib/torch";
import { temporaryFolder } from "../../../support/temporary-folder";
import { sphere } from "../../../support/sphere-run";
import { values } from "../../support";

const folder = temporaryFolder();
// PyTorch: torch.randperm(8, generator=torch.Generator().manual_seed(1))
const ORDER_OF_8 = [5, 4, 2, 6, 7, 3, 1, 0];

const field = (rows: number, channels: number, first: number) => ({
  values: Float32Array.from({ length: rows * channels }, (_, i) => first + i),
  shape: channels === 1 ? [rows] : [rows, channels],
});

/** Eight quads of 2 × 1 in the plane z = 0. */
function plates(): Mesh {
  const points = Array.from({ length: 18 }, (_, i) => [2 * (i % 9), Math.floor(i / 9), 0]);
  return new Mesh({
    points: Float64Array.from(points.flat()),
    cells: {
      connectivity: Int32Array.from(Array.from({ length: 8 }, (_, i) => [i, i + 1, i + 10, i + 9]).flat()),
      offsets: Int32Array.from({ length: 9 }, (_, i) => 4 * i),
      types: new Uint8Array(8).fill(CellType.QUAD),
    },
  });
}

/** Eight cubes in a row along x, from x = 3 on. */
function cubes(): Mesh {
  const points = Array.from({ length: 36 }, (_, i) => [3 + (i % 9), Math.floor(i / 9) % 2, Math.floor(i / 18)]);
  const cell = (i: number) => [i, i + 1, i + 10, i + 9, i + 18, i + 19, i + 28, i + 27];
  return new Mesh({
    points: Float64Array.from(points.flat()),
    cells: {
      connectivity: Int32Array.from(Array.from({ length: 8 }, (_, i) => cell(i)).flat()),
      offsets: Int32Array.from({ length: 9 }, (_, i) => 8 * i),
      types: new Uint8Array(8).fill(CellType.HEXAHEDRON),
    },
  });
}

async function writeRun(
  id: number,
  dataset: CAEMLOptions["dataset"],
  more: Record<string, number> = {},
): Promise<string> {
  const isAhmed = dataset === "ahmedml";
  const path = folder.at("raw", `run_${id}`);
  mkdirSync(path, { recursive: true });
  await writeMesh(sphere(6), join(path, `${isAhmed ? "ahmed" : "drivaer"}_${id}.stl`));
  const surface: [string, number][] = isAhmed
    ? [
        ["pMean", 1],
        ["wallShearStressMean", 3],
      ]
    : [
        ["pMeanTrim", 1],
        ["wallShearStressMeanTrim", 3],
      ];
  const volume: [string, number][] = isAhmed
    ? [
        ["pMean", 1],
        ["total(p)_coeffMean", 1],
        ["UMean", 3],
        ["vorticityMean", 3],
      ]
    : [
        ["pMeanTrim", 1],
        ["CptMeanTrim", 1],
        ["UMeanTrim", 3],
      ];
  const fields = (list: [string, number][]) =>
    new FieldMap(list.map(([name, channels], i) => [name, field(8, more[name] ?? channels, 100 * (i + 1))]));
  await writeMesh(plates().with({ cellData: fields(surface) }), join(path, `boundary_${id}.vtp`));
  await writeMesh(cubes().with({ cellData: fields(volume) }), join(path, `volume_${id}.vtu`));
  return path;
}

const run = async (more: Partial<CAEMLOptions> = {}) =>
  preprocessCAEML({
    dataset: "ahmedml",
    root: folder.at("raw"),
    outputDir: folder.at("out"),
    subsampleFactor: 4,
    ...more,
  });
const read = (name: string, id = 1) => values(load(folder.at("out", `run_${id}`, name)) as Tensor);

test("one of four cells is kept, in PyTorch's order of the run's number as a seed", async () => {
  await writeRun(1, "ahmedml");
  await run();
  const [a, b] = ORDER_OF_8 as [number, number];
  expect(read("surface_pressure.pt")).toEqual([100 + a, 100 + b]);
  expect(read("surface_wallshearstress.pt")).toEqual([a, b].map((i) => [200 + 3 * i, 201 + 3 * i, 202 + 3 * i]));
  expect(read("surface_position_vtp.pt")).toEqual([a, b].map((i) => [2 * i + 1, 0.5, 0]));
  expect(read("surface_area_vtp.pt")).toEqual([2, 2]);
  expect(read("surface_normal_vtp.pt")).toEqual([
    [0, 0, 1],
    [0, 0, 1],
  ]);
  expect(read("volume_cell_position.pt")).toEqual([a, b].map((i) => [i + 3.5, 0.5, 0.5]));
  // the static pressure and the total one are two files
  expect(read("volume_cell_pressure.pt")).toEqual([100 + a, 100 + b]);
  expect(read("volume_cell_totalpcoeff.pt")).toEqual([200 + a, 200 + b]);
  expect(read("volume_cell_velocity.pt")).toEqual([a, b].map((i) => [300 + 3 * i, 301 + 3 * i, 302 + 3 * i]));
  expect(read("volume_cell_vorticity.pt")).toEqual([a, b].map((i) => [400 + 3 * i, 401 + 3 * i, 402 + 3 * i]));
  // the sphere of radius 1 is made of triangles, a little smaller
  (read("volume_cell_surface_distance_trimesh.pt") as number[]).forEach((distance, row) =>
    expect(Math.abs(distance - (Math.hypot([a, b][row]! + 3.5, 0.5, 0.5) - 1))).toBeLessThan(0.1),
  );
});

test("the data set reads what is written, with normals and areas", async () => {
  const [id] = ahmedMLSplitIDs().train as [number];
  await writeRun(id, "ahmedml");
  await run();
  const config = StandardDatasetConfig.create({ kind: "test", root: folder.at("out"), split: "train" });
  const sample = await new AhmedMLDataset(config).get(0);
  expect(Object.keys(sample)).toEqual([
    "index",
    "surface_area",
    "surface_friction",
    "surface_normals",
    "surface_position",
    "surface_pressure",
    "surface_sdf",
    "volume_position",
    "volume_pressure",
    "volume_velocity",
    "volume_vorticity",
  ]);
});

test("DrivAerML: files in parts are joined, the vorticity is computed, the raw data stay", async () => {
  const path = await writeRun(7, "drivaerml");
  const whole = readFileSync(join(path, "volume_7.vtu"));
  rmSync(join(path, "volume_7.vtu"));
  [whole.subarray(0, 500), whole.subarray(500, 900), whole.subarray(900)].forEach((bytes, part) =>
    writeFileSync(join(path, `volume_7.vtu.0${part}.part`), bytes),
  );
  const before = readdirSync(path);
  await run({ dataset: "drivaerml", subsampleFactor: 1 });
  expect(readdirSync(path)).toEqual(before);
  // the velocity grows by 3 from one cube to the next, all components alike: the curl of (3x, 3x, 3x) is (0, -3, 3)
  const positions = read("volume_cell_position.pt", 7) as number[][];
  const curls = read("volume_cell_vorticity.pt", 7) as number[][];
  const inner = positions.flatMap(([x], row) => (x! > 4 && x! < 10 ? [curls[row]!] : []));
  expect(inner).toHaveLength(6);
  for (const curl of inner) [0, -3, 3].forEach((expected, d) => expect(curl[d]).toBeCloseTo(expected, 4));
});

test("runs that are there are kept", async () => {
  await writeRun(1, "ahmedml");
  await writeRun(12, "ahmedml");
  mkdirSync(folder.at("out", "run_1"), { recursive: true });
  const seen: string[] = [];
  await run({ onProgress: ({ done, total, name }) => seen.push(`${done}/${total} ${name}`) });
  expect(seen).toEqual(["1/2 run_1", "2/2 run_12"]);
  expect(readdirSync(folder.at("out", "run_1"))).toEqual([]);
  expect(readdirSync(folder.at("out")).sort()).toEqual(["run_1", "run_12"]);
});

test("what cannot be, and nothing of such a run is left behind", async () => {
  await expect(run()).rejects.toThrow(/expected a folder with run_<id>, but there is no/);
  mkdirSync(folder.at("raw"));
  await expect(run()).rejects.toThrow(/expected folders run_<id> in .*, but there are none/);
  await expect(run({ subsampleFactor: 0 })).rejects.toThrow(
    "expected a whole number from 1 as subsample factor, received 0",
  );
  await expect(run({ dataset: "cars" as never })).rejects.toThrow(
    'expected the data set ahmedml or drivaerml, received "cars"',
  );
  await expect(run({ outputDir: folder.at("a", "b") })).rejects.toThrow(/expected the folder .*a, but there is none/);
  const path = await writeRun(1, "ahmedml", { UMean: 1 });
  await expect(run()).rejects.toThrow(/expected 3 numbers for each row of "UMean" in .*volume_1.vtu, received \(8\)/);
  await writeRun(1, "drivaerml");
  rmSync(join(path, "volume_1.vtu"));
  await expect(run()).rejects.toThrow(/expected the field "pMean" in .*boundary_1.vtp, which has pMeanTrim/);
  await expect(run({ dataset: "drivaerml" })).rejects.toThrow(/expected the file .*volume_1.vtu, but there is none/);
  expect(existsSync(folder.at("out")) ? readdirSync(folder.at("out")) : []).toEqual([]);
});
