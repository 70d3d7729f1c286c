import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runExport } from "../../lib/cli/run-export";
import { exportFiles, exportRun, loadRun, modelCard, type TrainedRun } from "../../lib/inference";
import { writeYaml } from "../../lib/config";
import { aerodynamics } from "../../lib/modeling";
import { Collator, type BatchMap } from "../../lib/data";
import { getNumThreads, load, loadSafetensors, save, setNumThreads, toMap, type Tensor } from "../../lib/torch";
import { airfoilCase, trainAirfoil } from "../support/airfoil-run";
import { python } from "../support/python";
import { temporaryFolder } from "../support/small-run";
import { goldenCase, writeStoredRun } from "../support/stored-run";

const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));
const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

let run: TrainedRun;
beforeAll(async () => {
  run = await loadRun(await trainAirfoil(folder.path));
  exportRun(run, at("run.pt"));
  exportRun(run, at("weights.th"));
  exportRun(run, at("old.th"), { format: "1.1" });
  exportRun(run, at("weights.safetensors"));
}, 60_000);
afterAll(() => run.dispose());

describe("a whole run in one file", () => {
  test("predicts as its folder does, wherever it lies", async () => {
    mkdirSync(at("elsewhere"));
    copyFileSync(at("run.pt"), at("elsewhere/model.pt"));
    using alone = await loadRun(at("elsewhere/model.pt"));
    expect(alone.inputs).toEqual(run.inputs);
    expect(alone.outputs).toEqual(run.outputs);
    expect(alone.identity).toMatchObject({ checkpoint: "latest", weights: null });
    expect(await alone.predict(airfoilCase(0))).toEqual(await run.predict(airfoilCase(0)));
  });

  test("can be exported again, and stays the same", async () => {
    using alone = await loadRun(at("run.pt"));
    exportRun(alone, at("again.pt"));
    const [first, second] = ["run.pt", "again.pt"].map((name) => toMap(load(at(name))));
    for (const key of ["hp_resolved", "data_record", "name", "checkpoint"])
      expect(second!.get(key)).toEqual(first!.get(key));
    const weights = toMap<Tensor>(second!.get("state_dict"));
    for (const [name, value] of toMap<Tensor>(first!.get("state_dict")))
      expect(weights.get(name)!.equal(value)).toBe(true);
  });

  test("other weights than those inside are refused", async () => {
    await expect(loadRun(at("run.pt"), { checkpoint: "E7" })).rejects.toThrow(
      /expected the weights that were exported, "latest"/,
    );
    await expect(loadRun(at("run.pt"), { weights: "ema=0.9" })).rejects.toThrow(
      /expected the weights that were exported/,
    );
    using averaged = await loadRun(run.identity.folder, { weights: "ema=0.9" });
    exportRun(averaged, at("averaged.pt"));
    using alone = await loadRun(at("averaged.pt"));
    expect(alone.identity.weights).toBe("ema=0.9");
    expect(await alone.predict(airfoilCase(0))).toEqual(await averaged.predict(airfoilCase(0)));
  });

  test("has a card with inputs, outputs and the weights that it is of", () => {
    const card = modelCard(run);
    expect(card).toContain("- model: model.ts#AirfoilModel, 19,716 parameters");
    expect(card).toContain("- `inflow_design_parameters` (2), condition of the case");
    expect(card).toContain("- `volume_velocity` (N, 2), at the points of volume");
    expect(toMap(load(at("run.pt"))).get("card")).toBe(card);
  });

  test("another version, and another file of that ending, are errors", async () => {
    const content = toMap(load(at("run.pt")));
    save(new Map(content).set("version", 2), at("newer.pt"));
    await expect(loadRun(at("newer.pt"))).rejects.toThrow(/expected version 1 of an exported run, got 2/);
    save({ a: 1 }, at("other.pt"));
    await expect(loadRun(at("other.pt"))).rejects.toThrow(
      /expected the folder of a run, a model file .* or an exported run/,
    );
    writeFileSync(at("bad.pt"), "nothing");
    await expect(loadRun(at("bad.pt"))).rejects.toThrow("bad.pt");
  });

  test("of weights of the Python framework: they compute as they did there", async () => {
    const golden = goldenCase("ab_upt_untied");
    const config = { ...golden.config, kind: "noether.modeling.models.AeroABUPT", name: "ab_upt" };
    const weights = Object.fromEntries(
      Object.entries(golden.weights).map(([key, value]) => [`backbone.${key}`, value]),
    );
    const { input } = golden;
    const path = writeStoredRun(at("untied"), { config, weights }, { forward: Object.keys(input) });
    class Anchors extends Collator {
      override collate(): BatchMap {
        return Object.fromEntries(
          Object.entries(input).flatMap(([key, value]) => {
            const [, domain] = /^domain_anchor_positions\.(.+)$/.exec(key) ?? [];
            if (key.includes("query")) return [];
            return [[domain === undefined ? key : `${domain}_anchor_position`, value]];
          }),
        );
      }
    }
    using original = await loadRun(path, { pipeline: new Anchors(), normalizers: null });
    const forward = (each: TrainedRun) =>
      each.model.forward(new Anchors().collate() as never) as Record<string, Tensor>;
    const expected = forward(original);
    exportRun(original, at("untied.pt"));
    using alone = await loadRun(at("untied.pt"), { pipeline: new Anchors(), normalizers: null });
    for (const [name, value] of Object.entries(forward(alone)))
      expect([name, value.equal(expected[name]!)]).toEqual([name, true]);
    mkdirSync(at("again/checkpoints"), { recursive: true });
    exportRun(original, at("again/checkpoints/ab_upt_cp=latest_model.th"));
    using checkpoint = await loadRun(at("again"), { pipeline: new Anchors(), normalizers: null });
    for (const [name, value] of Object.entries(forward(checkpoint)))
      expect([name, value.equal(expected[name]!)]).toEqual([name, true]);
  });
});

describe("weights alone", () => {
  test("a checkpoint of either release has the keys of that release, and its config", () => {
    const [current, old] = ["weights.th", "old.th"].map((name) => toMap(load(at(name))));
    const keys = (file: Map<unknown, unknown>) => [...toMap<Tensor>(file.get("state_dict")).keys()].map(String);
    expect(keys(current!).some((key) => key.endsWith(".q.weight"))).toBe(true);
    expect(keys(old!).some((key) => key.endsWith(".qkv.weight"))).toBe(true);
    expect(toMap(current!.get("model_config")).get("hidden_dim")).toBe(16);
  });

  test.each(["weights.th", "old.th", "weights.safetensors"])("%s names the class as the project does", async (name) => {
    const { modelConfig } = run.model;
    const written = modelConfig.kind;
    const path = at(`moved-${name}`);
    try {
      modelConfig.kind = join(__dirname, "..", "..", written); // as it is where another project's class was loaded
      exportRun(run, path, name === "old.th" ? { format: "1.1" } : {});
    } finally {
      modelConfig.kind = written;
    }
    const kind = name.endsWith(".th")
      ? toMap(toMap(load(path)).get("model_config")).get("kind")
      : (JSON.parse(loadSafetensors(path).metadata["model_config"]!) as { kind: string }).kind;
    expect(kind).toBe("./examples/airfoil/model.ts#AirfoilModel");
  });

  test("safetensors: every weight, and the config in the metadata", () => {
    const { tensors, metadata } = loadSafetensors(at("weights.safetensors"));
    const state = run.model.stateDict();
    expect([...tensors.keys()].sort()).toEqual([...state.keys()].sort());
    for (const [name, value] of tensors) expect([name, value.equal(state.get(name)!)]).toEqual([name, true]);
    expect(JSON.parse(metadata["model_config"]!)).toMatchObject({ hidden_dim: 16, name: "ab_upt" });
  });
});

describe("a composite model", () => {
  const config = {
    kind: "tutorial.model.CompositeTransformer",
    name: "composite",
    hidden_dim: 32,
    num_heads: 2,
    mlp_expansion_factor: 2,
    low_level_blocks: { depth: 1 },
    high_level_blocks: { depth: 1 },
    data_specs: {
      position_dim: 3,
      domains: { surface: { output_dims: { pressure: 1 } }, volume: { output_dims: { velocity: 3 } } },
    },
  };
  const parts = ["low_level_blocks", "high_level_blocks"];
  const points = (factor: number) => Array.from({ length: 5 }, (_, i) => [factor * i, 1 - 0.1 * i, factor]);
  const inputs = { surface_position: points(0.1), volume_position: points(0.2) };
  const options = { pipeline: null, normalizers: null };
  let composite: TrainedRun;
  let written: string[];

  /** A folder as a checkpoint of the Python framework leaves it, with the config of the whole model. */
  const writeConfig = (path: string): string => {
    mkdirSync(join(path, "checkpoints"), { recursive: true });
    const hp = { model: config, trainer: {}, datasets: {} };
    writeFileSync(join(path, "hp_resolved.yaml"), writeYaml(hp));
    return path;
  };

  beforeAll(async () => {
    const model = new aerodynamics.CompositeTransformer(config as never);
    const path = writeConfig(at("composite"));
    for (const [key, part] of Object.entries(model.submodels)) {
      const content = { state_dict: part.stateDict(), model_config: { ...part.modelConfig } };
      save(content, join(path, "checkpoints", `composite.${key}_cp=latest_model.th`));
    }
    composite = await loadRun(path, options);
    exportRun(composite, at("composite.pt"));
    exportRun(composite, at("composite.safetensors"));
    written = exportRun(
      composite,
      join(writeConfig(at("composite_copy")), "checkpoints", "composite_cp=latest_model.th"),
    );
  });
  afterAll(() => composite.dispose());

  test("is one portable file, which predicts as its folder does", async () => {
    const expected = await composite.predict(inputs);
    expect(expected["volume_velocity"]!.values.some((value) => value !== 0)).toBe(true);
    using alone = await loadRun(at("composite.pt"), options);
    expect(await alone.predict(inputs)).toEqual(expected);
    exportRun(alone, at("composite_again.pt"));
    using again = await loadRun(at("composite_again.pt"), options);
    expect(await again.predict(inputs)).toEqual(expected);
  });

  test("is a checkpoint for each part, as the Python framework has it", async () => {
    const path = at("composite_copy");
    expect(written).toEqual(parts.map((key) => join(path, "checkpoints", `composite.${key}_cp=latest_model.th`)));
    using copy = await loadRun(path, options);
    expect(await copy.predict(inputs)).toEqual(await composite.predict(inputs));
    expect(exportFiles(composite, at("w.th"))).toEqual(parts.map((key) => at(`w.${key}.th`)));
    writeFileSync(at("w.high_level_blocks.th"), "here");
    const request = { run: path, output: at("w.th"), force: false, format: undefined, load: options };
    await expect(runExport(request)).rejects.toThrow(/w\.high_level_blocks\.th: expected the name of a new file/);
    expect(existsSync(at("w.low_level_blocks.th"))).toBe(false);
  });

  test("weights of every part are in safetensors under the names of the whole", () => {
    const { tensors } = loadSafetensors(at("composite.safetensors"));
    const state = composite.model.stateDict();
    expect([...tensors.keys()].sort()).toEqual([...state.keys()].sort());
    expect(parts.every((key) => [...tensors.keys()].some((name) => name.startsWith(`${key}.`)))).toBe(true);
    for (const [name, value] of tensors) expect([name, value.equal(state.get(name)!)]).toEqual([name, true]);
  });

  (python ? test : test.skip)("Python reads all of it with PyTorch alone", () => {
    const code = `
import json, struct, torch
run = torch.load(${JSON.stringify(at("composite.pt"))}, weights_only=True)
print(len(run["state_dict"]), sorted(run["part_configs"]), run["part_configs"]["low_level_blocks"]["depth"])
part = torch.load(${JSON.stringify(at("composite_copy/checkpoints/composite.low_level_blocks_cp=latest_model.th"))}, weights_only=True)
print(all(run["state_dict"]["low_level_blocks." + key].equal(value) for key, value in part["state_dict"].items()), len(part["state_dict"]) > 0)
with open(${JSON.stringify(at("composite.safetensors"))}, "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    start = file.tell()
    name, entry = next((name, entry) for name, entry in header.items() if name != "__metadata__")
    file.seek(start + entry["data_offsets"][0])
    data = bytearray(file.read(entry["data_offsets"][1] - entry["data_offsets"][0]))
print(sorted(key for key in header if key != "__metadata__") == sorted(run["state_dict"]))
print(torch.frombuffer(data, dtype=torch.float32).reshape(entry["shape"]).equal(run["state_dict"][name]))
`;
    const lines = execFileSync(python!, ["-c", code], { encoding: "utf8" }).trim().split("\n");
    expect(lines).toEqual([
      `${composite.model.stateDict().size} ['high_level_blocks', 'low_level_blocks'] 1`,
      "True True",
      "True",
      "True",
    ]);
  });
});

test("what cannot be written is an error that leaves nothing", async () => {
  expect(() => exportRun(run, at("run.zip"))).toThrow(/endings .pt, .th, .safetensors, got .zip/);
  expect(() => exportRun(run, at("no/run.pt"))).toThrow(/expected an existing folder/);
  expect(() => exportRun(run, at("x.pt"), { format: "1.1" })).toThrow(/expected no format for a whole run/);
  const before = readFileSync(at("run.pt"));
  const request = { run: run.identity.folder, output: at("run.pt"), force: false, format: undefined, load: {} };
  await expect(runExport(request)).rejects.toThrow(
    /expected the name of a new file, got one that is there; --force replaces it/,
  );
  expect(readFileSync(at("run.pt"))).toEqual(before);
  expect(readdirSync(folder.path).filter((name) => /zip|tmp|^x/.test(name))).toEqual([]);
  const write = jest.spyOn(process.stdout, "write").mockImplementation(() => true);
  expect(await runExport({ ...request, output: at("cli.pt") })).toBe(0);
  expect(await runExport({ ...request, output: at("cli.pt"), force: true })).toBe(0);
  write.mockRestore();
  expect(existsSync(at("cli.pt"))).toBe(true);
});

if (python === undefined)
  console.warn("PYTHON names no Python with torch: what it reads of an exported run is not tested");
(python ? test : test.skip)("Python reads the file with PyTorch alone, and scales as the run does", () => {
  const code = `
import torch
run = torch.load(${JSON.stringify(at("run.pt"))}, weights_only=True)
step = run["scales"]["surface_pressure"][0]
print(run["format"], run["name"], len(run["state_dict"]))
print(float((torch.tensor([[2.0]]) / step["scale"] - step["shift"]).item()))
print([field["name"] for field in run["outputs"]])
old = torch.load(${JSON.stringify(at("weights.th"))}, weights_only=True)
print(sorted(old), old["model_config"]["hidden_dim"])
`;
  const lines = execFileSync(python!, ["-c", code], { encoding: "utf8" }).trim().split("\n");
  expect(lines[0]).toBe(`noether-ts run ab_upt ${run.model.stateDict().size}`);
  expect(Number(lines[1])).toBeCloseTo(2 * 0.7593 - 0.23966, 5);
  expect(lines[2]).toBe("['surface_pressure', 'volume_velocity', 'volume_pressure']");
  expect(lines[3]).toBe("['checkpoint_tag', 'config_kind', 'model_config', 'state_dict'] 16");
});
