import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { preprocessDrivAerNet, type DrivAerNetOptions } from "../../../../lib/data";
import { volumeSeed } from "../../../../lib/data/datasets/preprocess/drivaernet";
import { load, type Tensor } from "../../../../lib/torch";
import { temporaryFolder } from "../../../support/temporary-folder";
import { values } from "../../support";

const folder = temporaryFolder();
const SURFACE = ["0 0 0", "1 0 0", "0 1 0"];

const write = (path: string, content: string) => {
  mkdirSync(dirname(folder.at("raw", path)), { recursive: true });
  writeFileSync(folder.at("raw", path), content);
};

const surface = (points: readonly string[], data: string) => `# vtk DataFile Version 3.0
raw
ASCII
DATASET POLYDATA
POINTS ${points.length} float
${points.join("\n")}
POLYGONS 1 4
3 0 1 2
POINT_DATA ${points.length}
${data}
`;

/** A cube whose velocity is that of a body turning about z: (-y, x, 0), with the curl (0, 0, 2). */
const CUBE = Array.from({ length: 8 }, (_, i) => [(i & 1) ^ ((i >> 1) & 1), (i >> 1) & 1, i >> 2] as const);
const VOLUME = `# vtk DataFile Version 3.0
raw
ASCII
DATASET UNSTRUCTURED_GRID
POINTS 8 float
${CUBE.map((p) => p.join(" ")).join("\n")}
CELLS 1 9
8 0 1 2 3 4 5 6 7
CELL_TYPES 1
12
CELL_DATA 1
SCALARS cellID float
LOOKUP_TABLE default
7
SCALARS k float
LOOKUP_TABLE default
4
POINT_DATA 8
SCALARS p float
LOOKUP_TABLE default
${CUBE.map((_, i) => i).join("\n")}
VECTORS U float
${CUBE.map(([x, y]) => `${-y} ${x} 0`).join("\n")}
`;

function writeDesign(path: string, points: readonly string[] = ["0 1 0", "0 0 0", "1 0 0"]): void {
  const [experiment, file] = path.split("/");
  write(`PressureVTK/${path}`, surface(SURFACE, "SCALARS p float\nLOOKUP_TABLE default\n1\n2\n3"));
  const friction = `SCALARS patchID float\nLOOKUP_TABLE default\n9\n9\n9\nVECTORS wallShearStress float\n3 0 0\n1 0 0\n2 0 0`;
  write(`WallShearStressVTK_Updated/${path}`, surface(points, friction));
  write(`CFD/${experiment}_part2/${file}`, VOLUME);
}

const run = async (more: Partial<DrivAerNetOptions> = {}) =>
  preprocessDrivAerNet({
    root: folder.at("raw"),
    outputDir: folder.at("out"),
    expected: 1,
    subsampleFactorVolume: 1,
    ...more,
  });
const read = (design: string, name: string) => values(load(folder.at("out", design, name)) as Tensor);
const blacklist = () => readFileSync(folder.at("out", "blacklist.txt"), "utf8");

test("the seed of the points of a volume", () => {
  expect(volumeSeed("F_D_WM_WW/F_D_WM_WW_0001.vtk")).toBe(4197672093);
});

test("shear stress in the order of the pressure's points, fields of the volume, vorticity", async () => {
  writeDesign("F_D_WM_WW/F_D_WM_WW_0001.vtk");
  expect(await run()).toEqual([]);
  const design = "F_D_WM_WW_0001";
  expect(read(design, "surface_position.pt")).toEqual(SURFACE.map((row) => row.split(" ").map(Number)));
  expect(read(design, "surface_p.pt")).toEqual([1, 2, 3]);
  expect(read(design, "surface_wallShearStress.pt")).toEqual([
    [1, 0, 0],
    [2, 0, 0],
    [3, 0, 0],
  ]);
  const pressure = read(design, "volume_p.pt") as number[];
  // all of the points, in another order, and each with its own values
  expect([...pressure].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(pressure).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(read(design, "volume_position.pt")).toEqual(pressure.map((i) => [...CUBE[i]!]));
  expect(read(design, "volume_U.pt")).toEqual(pressure.map((i) => [-CUBE[i]![1] + 0, CUBE[i]![0], 0]));
  for (const [x, y, z] of read(design, "volume_vorticity.pt") as [number, number, number][])
    expect([x, y, z].map((value) => Math.round(value * 1e6) / 1e6 + 0)).toEqual([0, 0, 2]);
  expect(read(design, "volume_k.pt")).toEqual(new Array(8).fill(4));
  expect(() => read(design, "volume_cellID.pt")).toThrow();
  expect(() => read(design, "surface_patchID.pt")).toThrow();
  expect(blacklist()).toBe("");
});

test("designs whose files have different points are blacklisted, also by a later call that finds them there", async () => {
  writeDesign("N_S_WW_WM/N_S_WW_WM_1.vtk", ["0 1 0", "0 0 0.5", "1 0 0"]);
  writeDesign("N_S_WW_WM/N_S_WW_WM_2.vtk");
  for (let call = 0; call < 2; call++) {
    expect(await run({ expected: 2 })).toEqual(["N_S_WW_WM/N_S_WW_WM_1.vtk"]);
    expect(blacklist()).toBe("N_S_WW_WM/N_S_WW_WM_1.vtk\n");
    expect(read("N_S_WW_WM_1", "surface_wallShearStress.pt")).toEqual([
      [3, 0, 0],
      [1, 0, 0],
      [2, 0, 0],
    ]);
  }
});

test("one of the points of the volume in so many is kept", async () => {
  writeDesign("F_D_WM_WW/F_D_WM_WW_0001.vtk");
  await run({ subsampleFactorVolume: 3 });
  expect(read("F_D_WM_WW_0001", "volume_p.pt")).toHaveLength(2);
  expect(read("F_D_WM_WW_0001", "surface_p.pt")).toHaveLength(3);
});

test("folders and files that are not as published", async () => {
  await expect(run()).rejects.toThrow(/expected the folder .*PressureVTK, but there is none/);
  writeDesign("F_D_WM_WW/F_D_WM_WW_0001.vtk");
  await expect(run({ expected: undefined as never })).rejects.toThrow(
    /expected 8129 different designs in .*, but there are 1/,
  );
  write("CFD/F_D_WM_WW_part1/F_D_WM_WW_0001.vtk", VOLUME);
  await expect(run()).rejects.toThrow(
    /expected F_D_WM_WW_0001.vtk in F_D_WM_WW_part1 or F_D_WM_WW_part2 .*got it 2 times/,
  );
  write("PressureVTK/F_D_WM_WW/F_D_WM_WW_0002.vtk", "");
  await expect(run()).rejects.toThrow(/expected F_D_WM_WW\/F_D_WM_WW_0002.vtk in PressureVTK and in WallShear/);
});

test("points that are there twice cannot be brought into order", async () => {
  writeDesign("F_D_WM_WW/F_D_WM_WW_0001.vtk", ["0 1 0", "0 0 0", "0 0 0"]);
  await expect(run()).rejects.toThrow(/expected different points in WallShearStressVTK_Updated\/.*, got 1 twice/);
});
