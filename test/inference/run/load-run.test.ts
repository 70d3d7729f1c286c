import { AnchorBranchedUPTConfig, AnchoredBranchedUPT, type ABUPTInputs, type Fields } from "../../../lib/modeling";
import { register } from "../../../lib/config/registry";
import { Model } from "../../../lib/core/models";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadRun } from "../../../lib/inference";
import { Collator, type BatchMap } from "../../../lib/data";
import {
  getNumThreads,
  getRngState,
  load,
  loadSafetensors,
  manualSeed,
  setNumThreads,
  toMap,
  type Tensor,
} from "../../../lib/torch";
import { airfoilCase, trainAirfoil } from "../../support/airfoil-run";
import { temporaryFolder } from "../../support/small-run";

// small products gain nothing from threads
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));
const folder = temporaryFolder();
let run: string;
beforeAll(async () => {
  run = await trainAirfoil(folder.path);
}, 60_000);
afterAll(() => folder.remove());

/** Names, sizes and times of all files. */
const listing = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(path, name));
      return `${name} ${size} ${mtimeMs}`;
    });

const weightsIn = (file: string) => toMap<Tensor>(toMap(load(join(run, "checkpoints", file))).get("state_dict"));

describe("a run of ours", () => {
  test("the model is in evaluation mode, with the weights of the file, and has inputs and outputs by name", async () => {
    using trained = await loadRun(run);
    expect(trained.model.training).toBe(false);
    const state = trained.model.stateDict();
    for (const [name, value] of weightsIn("ab_upt_cp=latest_model.th"))
      expect([name, state.get(String(name))!.equal(value)]).toEqual([name, true]);
    expect(trained.inputs.map(({ name, role, channels }) => [name, role, channels])).toEqual([
      ["surface_position", "position", 2],
      ["volume_position", "position", 2],
      ["inflow_design_parameters", "condition", 2],
    ]);
    expect(trained.outputs.map(({ name, domain, channels }) => [name, domain, channels])).toEqual([
      ["surface_pressure", "surface", 1],
      ["volume_velocity", "volume", 2],
      ["volume_pressure", "volume", 1],
    ]);
  });

  test("averaged weights, a checkpoint by its parts and a single file are what is asked for", async () => {
    using averaged = await loadRun(run, { weights: "ema=0.9" });
    const [key] = averaged.model.stateDict().keys();
    expect(averaged.model.stateDict().get(key!)!.equal(weightsIn("ab_upt_ema=0.9_cp=latest_model.th").get(key!)!)).toBe(
      true,
    );
    using byUpdate = await loadRun(run, { checkpoint: "U2" });
    expect(byUpdate.identity).toMatchObject({ checkpoint: "U2", weights: null });
    using file = await loadRun(join(run, "checkpoints", "ab_upt_ema=0.9_cp=latest_model.th"));
    expect(file.identity).toMatchObject({ checkpoint: "latest", weights: "ema=0.9" });
  });

  test("nothing is written, and the default generator does not notice", async () => {
    const before = listing(folder.path);
    manualSeed(7);
    const state = getRngState().toArray();
    using trained = await loadRun(run);
    await trained.predict(airfoilCase(0));
    expect(getRngState().toArray()).toEqual(state);
    expect(listing(folder.path)).toEqual(before);
  });

  test("the folder above, a URL and a folder that was moved are the same run", async () => {
    const { surface_pressure: expected } = await (await loadRun(run)).predict(airfoilCase(0));
    const moved = join(folder.path, "moved");
    cpSync(join(run, ".."), moved, { recursive: true });
    for (const path of [moved, pathToFileURL(moved).href, join(moved, "train", "checkpoints")]) {
      using trained = await loadRun(path);
      expect((await trained.predict(airfoilCase(0)))["surface_pressure"]).toEqual(expected);
    }
    rmSync(moved, { recursive: true });
  });

  test("the training data is not needed", async () => {
    const config = join(run, "hp_resolved.yaml");
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replaceAll(/root: .*/g, "root: /there/is/no/such/folder"));
    using trained = await loadRun(run);
    expect(Object.keys(await trained.predict(airfoilCase(1)))).toEqual([
      "surface_pressure",
      "volume_velocity",
      "volume_pressure",
    ]);
    writeFileSync(config, text);
  });
});

describe("what cannot be loaded is one clear error", () => {
  test("a precision that there is not", async () => {
    await expect(loadRun("nowhere", { dtype: "bfloat16" as never })).rejects.toThrow(
      "dtype: expected float32 or float64, got bfloat16",
    );
  });

  const message = async (path: string, options = {}) =>
    (await loadRun(path, options).catch((error: Error) => error.message)) as string;

  test.each([
    ["a path that is not there", "nothing-here", /expected the folder of a run, got nothing of that name/],
    ["a URL of the network", "https://example.org/run", /expected a path or a file: URL, got "https:"/],
    ["another file", __filename, /expected the folder of a run, a model file .* or an exported run/],
    [
      "another folder",
      __dirname,
      /expected the folder of a run \(with "checkpoints" and "hp_resolved.yaml"\), got load-run.test.ts/,
    ],
  ])("%s", async (_, path, expected) => expect(await message(path)).toMatch(expected));

  test("a checkpoint or averages that are not there, with those that are", async () => {
    expect(await message(run, { checkpoint: "E7" })).toMatch(
      /checkpoint "E7"; there are E0_U2_S4, last, latest, E0_U1_S2 with weights "ema=0.9"/,
    );
    expect(await message(run, { weights: "ema=0.5" })).toMatch(/and weights "ema=0.5"; there are /);
  });

  test("a class that cannot be found names its file", async () => {
    const config = join(run, "hp_resolved.yaml");
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace("./examples/airfoil/model.ts#AirfoilModel", "./gone/model.ts#AirfoilModel"));
    expect(await message(run)).toMatch(/expected the file .*gone\/model\.ts/);
    writeFileSync(config, text);
  });

  test("two stages in one folder", async () => {
    cpSync(run, join(run, "..", "second"), { recursive: true });
    expect(await message(join(run, ".."))).toMatch(
      /expected the folder of one run, got one with several: second, train/,
    );
    rmSync(join(run, "..", "second"), { recursive: true });
  });

  test("a class of a pipeline that is given in place of the stored one, which its file in the project has not", async () => {
    const project = join(folder.path, "project");
    mkdirSync(project);
    writeFileSync(join(project, "own.mjs"), "export class Other {}");
    const kind = join(project, "own.mjs#Own");
    expect(await message(run, { pipeline: { kind } })).toMatch(
      /pipeline of the run cannot be built: expected .*own\.mjs to export "Own"; known: "Other"/,
    );
  });

  test("statistics that are nowhere", async () => {
    const config = join(run, "hp_resolved.yaml");
    const text = readFileSync(config, "utf8");
    const field = "noether.data.preprocessors.normalizers.FieldNormalizer";
    const broken = text.replaceAll(
      /surface_pressure:\n(\s+)- kind: noether.data.preprocessors.normalizers.MeanStdNormalization\n\s+mean:\n\s+- .*\n\s+std:\n\s+- .*\n/g,
      `surface_pressure:\n$1- kind: ${field}\n`,
    );
    expect(broken).not.toBe(text);
    writeFileSync(config, broken);
    expect(await message(run)).toMatch(
      /FieldNormalizer of "surface_pressure" needs the statistics.*give loadRun \{ statistics \}/,
    );
    using given = await loadRun(run, { statistics: { surface_pressure_mean: [-0.2], surface_pressure_std: [0.7] } });
    expect(given.data.normalizerOf("surface_pressure")).not.toBeNull();
    writeFileSync(config, text);
  });
});

describe("release 1.1 of the Python framework", () => {
  const golden = join(__dirname, "../../golden/training");
  const stored = join(golden, "run/2026-01-01_abcde/train");
  const { tensors: batches } = loadSafetensors(join(golden, "batches.safetensors"));
  const { trace } = JSON.parse(readFileSync(join(golden, "trace.json"), "utf8")) as { trace: { loss: number }[] };
  const keys = [
    "geometry_position",
    "geometry_supernode_idx",
    "geometry_batch_idx",
    "surface_anchor_position",
    "volume_anchor_position",
  ];
  /** The recorded model is the network alone. */
  class Recorded extends Model {
    static readonly schema = AnchorBranchedUPTConfig;
    readonly abUpt: AnchoredBranchedUPT;
    constructor(config: AnchorBranchedUPTConfig) {
      super(config);
      this.abUpt = new AnchoredBranchedUPT(config);
    }
    override forward(inputs: ABUPTInputs): Fields {
      return this.abUpt.forward(inputs);
    }
  }
  beforeAll(() => register("test.golden.Recorded", { class: Recorded as never }));
  const model = { kind: "test.golden.Recorded" };
  const batch = () => Object.fromEntries(keys.map((key) => [key, batches.get(`10.${key}`)!]));

  test("without a stored config, what is missing is asked for by name", async () => {
    await expect(loadRun(stored)).rejects.toThrow(/give loadRun the options "pipeline" .* and "normalizers"/);
  });

  test("the weights after ten updates give the loss of the eleventh", async () => {
    using trained = await loadRun(stored, { checkpoint: "E2", model, pipeline: null, normalizers: null });
    const fields = trained.model.forward(batch() as never) as Record<string, Tensor>;
    const loss = Object.entries(fields).reduce(
      (sum, [name, value]) =>
        sum +
        value
          .sub(batches.get(`10.target.${name}`)!)
          .square()
          .mean()
          .item(),
      0,
    );
    expect(loss).toBeCloseTo(trace[10]!.loss, 5);
  });

  test("predictions are scaled back", async () => {
    class Anchors extends Collator {
      override collate(): BatchMap {
        return batch();
      }
    }
    const normalizers = {
      surface_pressure: { kind: "noether.data.preprocessors.normalizers.MeanStdNormalization", mean: [3], std: [2] },
    };
    using trained = await loadRun(stored, { checkpoint: "E2", model, pipeline: new Anchors(), normalizers });
    using raw = await loadRun(stored, { checkpoint: "E2", model, pipeline: new Anchors(), normalizers: null });
    const [surface_position, volume_position] = ["surface", "volume"].map((name) =>
      batches.get(`10.${name}_anchor_position`)!.select(0, 0),
    );
    const scaled = (await trained.predict({ surface_position: surface_position!, volume_position: volume_position! }))[
      "surface_pressure"
    ]!.values;
    const values = (await raw.predict({ surface_position: surface_position!, volume_position: volume_position! }))[
      "surface_pressure"
    ]!.values;
    scaled.forEach((value, i) => expect(value).toBeCloseTo(3 + 2 * values[i]!, 5));
  });
});
