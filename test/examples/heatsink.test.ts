import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { readMesh, readTable } from "../../lib/data";
import { loadRun, readCase, writePrediction } from "../../lib/inference";
import { HydraRunner } from "../../lib/training";
import { relativeError } from "../../examples/bluff-body/faces";
import {
  meanError,
  nearestCase,
  nearestField,
  oneTemperature,
  oneTemperatureField,
  Places,
  type Solution,
} from "../../examples/heatsink/baselines";
import { evaluate, solutions } from "../../examples/heatsink/evaluate";
import { allCases, latinHypercube, RANGES } from "../../examples/heatsink/generate/cases";
import { cooledArea, shareOnChip } from "../../examples/heatsink/generate/heatsink";
import { differenceFromFinEquation } from "../../examples/heatsink/generate/verify";

const root = join(__dirname, "..", "..");
const example = join(root, "examples", "heatsink");
const data = join(example, "data");

/** Area of a face with four corners in one plane. */
function areaOf(points: ArrayLike<number>, corners: ArrayLike<number>): number {
  const at = (i: number) => [0, 1, 2].map((axis) => points[3 * corners[i]! + axis]!) as [number, number, number];
  const [a, b, c, d] = [at(0), at(1), at(2), at(3)];
  const [u, v] = [c.map((x, i) => x - a[i]!), d.map((x, i) => x - b[i]!)];
  return Math.hypot(u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!) / 2;
}

describe("heatsinks", () => {
  test("each interval of each parameter has one heatsink", () => {
    const heatsinks = latinHypercube(6, 3);
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      if (name === "fin_count") continue; // whole numbers
      const intervals = heatsinks.map((each) =>
        Math.floor((6 * (each[name as keyof typeof RANGES] - low)) / (high - low)),
      );
      expect(intervals.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    }
    const counts = latinHypercube(7, 3).map((each) => each.fin_count);
    expect(counts.sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });

  test("fins do not touch, and the chip is under the base", () => {
    for (const { heatsink } of allCases()) {
      expect(heatsink.fin_count * heatsink.fin_thickness).toBeLessThan(heatsink.width - (heatsink.fin_count - 1));
      expect(Math.abs(heatsink.chip_offset) + heatsink.chip_size / 2).toBeLessThanOrEqual(heatsink.width / 2);
    }
  });

  test("the share of a face on the chip is that of their common rectangle", () => {
    const chip = { ...allCases()[0]!.heatsink, chip_size: 20, chip_offset: 5 }; // x from -5 to 15 mm, y to 10 mm
    expect(shareOnChip(chip, [0, 0.01], [0, 0.005])).toBeCloseTo(1, 12);
    expect(shareOnChip(chip, [-0.01, 0], [0, 0.02])).toBeCloseTo(0.25, 12);
    expect(shareOnChip(chip, [0.02, 0.03], [0, 0.01])).toBe(0);
  });
});

describe("data", () => {
  const names = readdirSync(data).filter((name) => name.startsWith("heatsink_"));

  test("60 cases, 6 MB or less, with the parameters of the generator", async () => {
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const size = files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    expect(size).toBeLessThan(6e6);
    expect(names).toEqual(allCases().map(({ name }) => name));
    const table = await readTable(join(data, "cases.csv"));
    expect([...table.texts.get("case")!]).toEqual(names);
    for (const [row, { heatsink }] of allCases().entries())
      for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[])
        expect(Number(table.field(name).values[row])).toBe(heatsink[name]);
  });

  test.each(allCases().filter((_, i) => i % 5 === 0))(
    "the heat that $name gives to the air is the power of its chip",
    async ({ name, heatsink }) => {
      const mesh = await readMesh(join(data, name), { fields: ["T"] });
      let [heat, area] = [0, 0];
      for (const [patch, block] of mesh.blocks) {
        if (patch === "underside" || patch === "middle") continue;
        const { connectivity, offsets } = block.cells;
        for (const [face, rise] of (block.cellData.field("T").values as Float64Array).entries()) {
          const size = areaOf(block.points, connectivity.subarray(offsets[face], offsets[face + 1]));
          area += size;
          heat += heatsink.convection * rise * size;
        }
      }
      // one half of the heatsink is computed; points and temperatures have six digits
      expect(2 * area).toBeCloseTo(cooledArea(heatsink), 6);
      expect(Math.abs((2 * heat) / heatsink.power - 1)).toBeLessThan(1e-4);
    },
  );

  test("the sections of a fin have the temperatures of the fin equation to 0.2 %", async () => {
    const mesh = await readMesh(join(example, "generate", "fin"), { fields: ["T", "C"] });
    expect(differenceFromFinEquation(mesh)).toBeLessThan(2e-3);
  });
});

describe("baselines", () => {
  const solution = (power: number, height: number, temperature: number[]): Solution => ({
    name: "plate",
    // count, fin height, fin thickness, base, chip, offset, power, h
    design: Float32Array.of(4, height, 0.002, 0.004, 0.02, 0, power, 50),
    // in the base, at half the height of a fin, at its tip
    position: Float32Array.of(0, 0, 0.002, 0, 0, 0.004 + height / 2, 0, 0, 0.004 + height),
    temperature: Float32Array.from(temperature),
  });

  test("a field is carried to the same places of fins of another height, and with the power", () => {
    const carried = new Places(solution(20, 0.02, [3, 2, 1])).carriedTo(solution(40, 0.03, [0, 0, 0]));
    [6, 4, 2].forEach((value, i) => expect(carried[i]).toBeCloseTo(value, 4));
  });

  test("the nearest case is that of the nearest parameters", () => {
    const training = [solution(20, 0.02, [0]), solution(60, 0.02, [0]), solution(20, 0.04, [0])];
    expect(nearestCase(solution(25, 0.035, [0]), training)).toBe(2);
    expect(nearestCase(solution(55, 0.025, [0]), training)).toBe(1);
  });

  test("one temperature is the power by h and the area", () => {
    // base 36 cm² and its edges 9.6 cm², four fins of 2 · 62 mm · 20 mm
    expect(oneTemperature(solution(20, 0.02, []))).toBeCloseTo(20 / (50 * (36e-4 + 9.6e-4 + 4 * 2 * 0.062 * 0.02)), 3);
  });
});

test.each([
  ["on the surface", "surface"],
  ["inside", "solid"],
])("the errors without a model %s are those of the README", async (row, domain) => {
  const { datasets } = parse(readFileSync(join(example, "train.yaml"), "utf8"), { merge: true }) as {
    datasets: Record<string, Record<string, unknown>>;
  };
  const [training, testing] = await Promise.all(
    ["train", "test"].map((key) => solutions({ ...datasets[key], root: data }, domain)),
  );
  const readme = readFileSync(join(example, "README.md"), "utf8");
  const [one, nearest] = new RegExp(`^\\| ${row} \\| \\*\\*.*?\\*\\* \\| ([\\d.]+) % \\| ([\\d.]+) %`, "m")
    .exec(readme)!
    .slice(1);
  expect((100 * meanError(testing!, oneTemperatureField)).toFixed(1)).toBe(one);
  expect((100 * meanError(testing!, nearestField(training!))).toFixed(1)).toBe(nearest);
});

describe("the run", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "heatsink-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("the loss falls in a few updates; a case is predicted into files, and compared with the baselines", async () => {
    const cases = Array.from({ length: 8 }, (_, i) => `heatsink_0${i + 1}`);
    const splits = `{train: [${cases.slice(0, 5).join(", ")}], val: [${cases[5]}], test: [${cases.slice(6).join(", ")}]}`;
    const overrides = [
      "+num_workers=0",
      "trainer.max_epochs=null",
      "+trainer.max_updates=60",
      "model.optimizer_config.lr=0.01",
      "trainer.callbacks=[{kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 60, save_weights: false, save_latest_weights: true, save_latest_optim: false}, {kind: noether.training.callbacks.OfflineLossCallback, every_n_updates: 30, batch_size: 1, dataset_key: train}]",
      ...["train", "val", "test"].flatMap((key) => [
        `datasets.${key}.splits=${splits}`,
        `datasets.${key}.cases=[${cases.map((name) => `"${name}/"`).join(", ")}]`,
      ]),
      `dataset_root=${data}`,
      "model.hidden_dim=24",
      "model.drop_path_rate=0",
      "pipeline.num_points={surface: 32, solid: 32}",
      "evaluation_pipeline.num_points={surface: 64, solid: 64}",
      "pipeline.geometry.num_points=64",
      "pipeline.geometry.num_supernodes=8",
      "+run_id=tiny",
      `output_path=${directory}`,
    ];
    const parsed = parseHydraArguments([join(example, "train.yaml"), ...overrides]);
    if (parsed.action !== "run") throw new Error("expected a run");
    await new HydraRunner().run(composeConfig(parsed));
    const losses = [
      ...readFileSync(join(directory, "tiny", "train", "log.txt"), "utf8").matchAll(/loss\/train\/total ([\d.e+-]+)/g),
    ].map((match) => Number(match[1]));
    // both fields have the deviation 1, so that two is the loss of a model that predicts their means
    expect(losses).toHaveLength(2);
    expect(losses[1]!).toBeLessThan(1);
    expect(losses[1]!).toBeLessThan(losses[0]!);

    const { relative_l2, cases: compared } = await evaluate(join(directory, "tiny"));
    expect(compared.map(({ name }) => name).sort()).toEqual(cases.slice(6));
    for (const { model, mean_field, nearest_case, one_temperature } of Object.values(relative_l2)) {
      expect(model).toBeGreaterThan(0);
      for (const baseline of [mean_field, nearest_case, one_temperature]) {
        expect(baseline).toBeGreaterThan(0.02);
        expect(baseline).toBeLessThan(1);
      }
    }

    using run = await loadRun(join(directory, "tiny"));
    const files = await readCase(run, join(data, cases[6]!));
    const fields = await run.predict(files.inputs);
    await writePrediction(run, { files, fields }, join(directory, "predicted"));
    const { cellData } = await readMesh(join(directory, "predicted", "solid.vtu"));
    const [predicted, truth] = ["temperature_predicted", "T"].map((name) => cellData.field(name).values);
    expect(relativeError(predicted as Float32Array, truth as Float32Array)).toBeCloseTo(
      compared.find(({ name }) => name === cases[6])!.relative_l2["solid_temperature"]!,
      4,
    );
  });
});
