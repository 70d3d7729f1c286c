/** The configs of docs/your-own-case.md, trained on small cases with the files that the page names. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { predict } from "../../lib/cli/predict";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { composeConfig, readYaml, toPlain, writeYaml } from "../../lib/config";
import { FieldMap, Mesh, readMesh, writeMesh, type NdArray } from "../../lib/data";
import { uniformCells } from "../../lib/data/readers/cells";
import { CellType } from "../../lib/data/readers/cell-types";
import "../../lib/modeling";
import { HydraRunner } from "../../lib/training";
import { getNumThreads, setNumThreads } from "../../lib/torch";
import { developmentRun } from "../../lib/training/runners/development-run";
import { loadRunConfig } from "../../lib/training/runners/run-config";
import { writeOpenFoamCase } from "../data/datasets/folder/openfoam-case";

// the command imports the built file by this name
jest.mock("../../lib/cli/run-prediction.js", () => jest.requireActual("../../lib/cli/run-prediction"), {
  virtual: true,
});

const page = readFileSync(join(__dirname, "..", "..", "docs", "your-own-case.md"), "utf8");
const configs = [...page.matchAll(/<!-- (\w+\.yaml) -->\n+```yaml\n([^]*?)```/g)];

const folder = mkdtempSync(join(tmpdir(), "noether-own-case-"));
const before = process.cwd();
const threads = getNumThreads();
beforeAll(async () => {
  // the models are too small for two
  setNumThreads(1);
  process.chdir(folder);
  for (const [, name, text] of configs) writeFileSync(name!, text!);
  const lines = ["case,speed,angle"];
  for (let i = 1; i <= 20; i++) {
    const name = `body_${String(i).padStart(3, "0")}`;
    lines.push(`${name},${80 + i},${i % 5}`);
    await writeCase(join("data", name), 1 + i / 20);
    writeOpenFoamCase(join("foam", name), { 0: [0, 0], 100: [i, i + 1] });
  }
  for (const root of ["data", "foam"]) writeFileSync(join(root, "inflow.csv"), lines.join("\n"));
});
afterAll(() => {
  setNumThreads(threads);
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

const field = (values: readonly number[], channels = 1): NdArray => ({
  values: Float32Array.from(values),
  shape: channels === 1 ? [values.length] : [values.length / channels, channels],
});

/** An ellipsoid in mm with the pressure of potential flow, and some points around it. */
async function writeCase(path: string, length: number): Promise<void> {
  mkdirSync(path, { recursive: true });
  const [rings, sectors] = [12, 24];
  const [points, pressure, triangles]: number[][] = [[], [], []];
  for (let i = 0; i <= rings; i++) {
    for (let j = 0; j < sectors; j++) {
      const [theta, phi] = [(Math.PI * (i + 0.5)) / (rings + 1), (2 * Math.PI * j) / sectors];
      points!.push(
        1000 * length * Math.cos(theta),
        500 * Math.sin(theta) * Math.cos(phi),
        500 * Math.sin(theta) * Math.sin(phi),
      );
      pressure!.push(1 - (1 + 0.5 / length) ** 2 * Math.sin(theta) ** 2);
    }
  }
  for (let i = 0; i < rings; i++) {
    for (let j = 0; j < sectors; j++) {
      const [a, b] = [i * sectors + j, i * sectors + ((j + 1) % sectors)];
      triangles!.push(a, a + sectors, b + sectors, a, b + sectors, b);
    }
  }
  const cells = uniformCells(Int32Array.from(triangles!), 3, CellType.TRIANGLE);
  const onSurface = new FieldMap([["p", field(pressure!)]]);
  await writeMesh(
    new Mesh({ points: Float32Array.from(points!), cells, pointData: onSurface }),
    join(path, "surface.vtp"),
  );
  const [volume, velocity, p]: number[][] = [[], [], []];
  for (let i = 0; i < 600; i++) {
    const [x, y, z] = [4 * (((i * 7) % 20) / 20) - 2, 3 * (((i * 3) % 31) / 31) - 1.5, 3 * ((i % 13) / 13) - 1.5];
    const r = Math.hypot(x / length, y, z) + 0.5;
    volume!.push(x, y, z);
    velocity!.push(1 - 1 / r ** 3, (x * y) / r ** 5, (x * z) / r ** 5);
    p!.push(x / r ** 3);
  }
  const inVolume = new FieldMap([
    ["U", field(velocity!, 3)],
    ["p", field(p!)],
  ]);
  await writeMesh(new Mesh({ points: Float32Array.from(volume!), pointData: inVolume }), join(path, "volume.vtu"));
}

/** Small enough for a test. */
const SMALL = [
  "model.hidden_dim=24",
  "model.transformer_block_config.num_heads=2",
  "model.physics_blocks=[perceiver,self]",
  "pipeline.num_points={surface: 32, volume: 32}",
  "pipeline.geometry.num_supernodes=8",
  "store_code_in_output=false",
];
const compose = (...args: string[]) => composeConfig(parseHydraArguments([...args, ...SMALL]));

/** Losses by name and epoch of a run that is written to `outputs/<id>`. */
async function train(...args: string[]): Promise<string> {
  await new HydraRunner().run(compose(...args));
  const [run] = readdirSync("outputs").filter((name) => args.includes(`+run_id=${name}`));
  return readFileSync(join("outputs", run!, "log.txt"), "utf8");
}

test("the VTK cases: the loss on unseen bodies falls below that of the mean", async () => {
  const log = await train(
    "train.yaml",
    "+run_id=vtk",
    "trainer.max_epochs=10",
    "model.optimizer_config.lr=5e-3",
    "model.optimizer_config.schedule_config.max_value=5e-3",
  );
  const losses = [...log.matchAll(/loss\/val\/surface_pressure_loss[: ]+([\d.]+)/g)].map((match) => Number(match[1]));
  expect(losses.at(-1)!).toBeLessThan(0.7);
  const stored = readFileSync(join("outputs", "vtk", "hp_resolved.yaml"), "utf8");
  expect(stored).toMatch(/dataset_normalizers:\n\s+surface_position:/);
});

test("the trained run predicts a case", async () => {
  const output = jest.spyOn(process.stdout, "write").mockReturnValue(true);
  const [, args] = /npx noether-ts predict outputs\/<run id> (.*)/.exec(page)!;
  expect(await predict(["outputs/vtk", ...args!.split(" ")])).toBe(0);
  output.mockRestore();
  const surface = await readMesh("predicted/surface.vtp");
  expect([...surface.pointData.keys()]).toEqual(expect.arrayContaining(["p", "pressure_predicted"]));
});

test("the OpenFOAM cases train", async () => {
  const log = await train("openfoam.yaml", "+run_id=foam", "trainer.max_epochs=1", "dataset_root=foam");
  expect(log).toMatch(/epoch 1\/1/);
});

test("the development command shows a sample", async () => {
  const lines: string[] = [];
  await developmentRun(await loadRunConfig(compose("train.yaml"), {}), (line) => lines.push(line));
  const text = lines.join("\n");
  expect(text).toMatch(/surface_pressure: tensor \(312, 1\)/);
  expect(text).toMatch(/surface_anchor_position: tensor \(2, 32, 3\)/);
  expect(text).toMatch(/backward: every trainable parameter got a gradient/);
});

type Tree = Record<string, Record<string, unknown>>;

/** What the development command prints of the page's run with another model. */
async function develop(name: string, change: (config: Tree) => void = () => undefined): Promise<string> {
  const read = (file: string) => toPlain(readYaml(readFileSync(file, "utf8"), file)) as Tree;
  const config = read("train.yaml");
  const { data_specs, optimizer_config } = config["model"]!;
  config["model"] = { ...read("models.yaml")[name]!, data_specs, optimizer_config };
  const { geometry, ...pipeline } = config["pipeline"]!;
  config["pipeline"] = { ...pipeline, ...(name === "upt" ? { geometry } : {}), model: name };
  change(config);
  writeFileSync(`${name}.yaml`, writeYaml(config));
  const lines: string[] = [];
  const composed = composeConfig(parseHydraArguments([`${name}.yaml`, "pipeline.num_points=16"]));
  await developmentRun(await loadRunConfig(composed, {}), (line) => lines.push(line));
  return lines.join("\n");
}

test.each(["transformer", "transolver", "upt"])("a batch goes through %s", async (name) => {
  const text = await develop(name, ({ data_specs }) => delete data_specs!["conditioning_dims"]);
  expect(text).toMatch(/surface_pressure: tensor \(2, 16, 1\)/);
  expect(text).toMatch(/volume_velocity: tensor \(2, 16, 3\)/);
  expect(text).toMatch(/total loss: \d/);
});

test("surface fields only", async () => {
  const text = await develop("transformer", ({ data_specs, trainer, datasets }) => {
    delete data_specs!["conditioning_dims"];
    data_specs!["domains"] = { surface: { output_dims: { pressure: 1 } } };
    trainer!["target_properties"] = ["surface_pressure_target"];
    trainer!["field_weights"] = { surface_pressure: 1 };
    for (const dataset of Object.values(datasets as Tree)) delete dataset["volume"];
  });
  expect(text).toMatch(/volume_position: tensor \(2, 0, 3\)/);
  expect(text).toMatch(/surface_pressure_loss/);
});
