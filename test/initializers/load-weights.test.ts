/** Weights of release 2026.4 of the Python framework, from a model file with its stored config, in models whose configs are new. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Factory } from "../../lib/config/factory/factory";
import { CheckpointKeys } from "../../lib/core/checkpoint-keys";
import type { Model } from "../../lib/core/models";
import { PathProvider } from "../../lib/core/providers";
import { PreviousRunInitializer } from "../../lib/initializers";
import { PreviousRunInitializerConfig } from "../../lib/initializers/previous-run-initializer";
import { AeroABUPT, UntiedLinear } from "../../lib/modeling";
import { loadSafetensors, manualSeed, noGrad, rand, save, scope, type Tensor } from "../../lib/torch";
import { relativeError } from "../golden/cases";
import { ints } from "../modeling/helpers";
import { temporaryFolder } from "../support/small-run";

type Config = Record<string, unknown>;

const AERO_AB_UPT = "noether.modeling.models.AeroABUPT";
const GOLDEN = join(__dirname, "..", "golden", "2026.4");

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

/** A golden case: the config as it was stored, weights, inputs and float64 outputs. */
function golden(name: string) {
  const cases = JSON.parse(readFileSync(join(GOLDEN, "index.json"), "utf8")) as { name: string; config: Config }[];
  const { tensors } = loadSafetensors(join(GOLDEN, `${name}.safetensors`));
  const group = (prefix: string) =>
    new Map(
      [...tensors].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [])),
    );
  return {
    config: cases.find((entry) => entry.name === name)!.config,
    weights: group("weight."),
    inputs: Object.fromEntries(group("input.")),
    outputs: group("output64."),
  };
}

/** Writes a model file as the Python framework does, and loads it into a new model. */
function through(stored: Config, weights: ReadonlyMap<string, Tensor>, config: Config): Model {
  const directory = join(folder.path, "old", "train", "checkpoints");
  mkdirSync(directory, { recursive: true });
  const model = new Factory().create(config as never) as Model;
  const content = {
    [CheckpointKeys.STATE_DICT]: new Map(weights),
    [CheckpointKeys.MODEL_CONFIG]: stored,
    [CheckpointKeys.CONFIG_KIND]: stored["kind"],
  };
  save(content, join(directory, `${model.name}_cp=latest_model.th`));
  const initializer = new PreviousRunInitializer(
    PreviousRunInitializerConfig.create({ run_id: "old", stage_name: "train", checkpoint_tag: "latest" } as never),
    { pathProvider: new PathProvider({ outputRootPath: folder.path, runId: "new" }) },
  );
  initializer.initWeights(model);
  return model;
}

describe("weights of release 2026.4 with their stored config", () => {
  it.each(["aero_transformer", "aero_transolver_features", "aero_upt"])("predict as there (%s)", (name) =>
    scope(() => {
      const { config, weights, inputs, outputs } = golden(name);
      const fields = noGrad(() => through(config, weights, config).forward(inputs) as Record<string, Tensor>);
      expect(Object.keys(fields).sort()).toEqual([...outputs.keys()].sort());
      for (const [field, truth] of outputs)
        expect([field, relativeError(fields[field]!, truth) < 1e-5]).toEqual([field, true]);
    }),
  );

  it("multiply untied square weights as there", () =>
    scope(() => {
      const config = { ...golden("ab_upt_untied").config, kind: AERO_AB_UPT };
      const model = through(config, new AeroABUPT(config as never).stateDict(), config);
      const layers = [...model.modules()].filter((module) => module instanceof UntiedLinear);
      expect(layers.length).toBeGreaterThan(0);
      expect(new Set(layers.map(({ squareWeights }) => squareWeights))).toEqual(new Set(["upstream"]));
    }));
});

describe("eps of AB-UPT's perceiver blocks", () => {
  const config = (more: Config = {}) => {
    const { config } = golden("ab_upt_condition");
    const { conditioning_dims: _, ...data_specs } = config["data_specs"] as Config;
    const block = { ...(config["transformer_block_config"] as Config), eps: 0.5 };
    return { ...config, kind: AERO_AB_UPT, data_specs, transformer_block_config: block, ...more };
  };
  const fieldsOf = (model: Model) => {
    manualSeed(5);
    const inputs = {
      geometry_position: rand([20, 3]),
      geometry_supernode_idx: ints([0, 3, 6]),
      geometry_batch_idx: ints(Array<number>(20).fill(0)),
      surface_anchor_position: rand([1, 4, 3]),
      volume_anchor_position: rand([1, 5, 3]),
    };
    return noGrad(() => model.forward(inputs) as Record<string, Tensor>)["surface_pressure"]!;
  };
  const build = (own: Config) => new AeroABUPT(own as never);

  it("is the default where the stored config has no perceiver blocks, as in release 2026.4", () =>
    scope(() => {
      manualSeed(1);
      const truth = build(config({ perceiver_block_config: { eps: 1e-6 } }));
      const weights = truth.stateDict();
      expect(relativeError(fieldsOf(through(config(), weights, config())), fieldsOf(truth))).toBeLessThan(1e-6);
    }));

  it("is the config's own where that differs from the other blocks'", () =>
    scope(() => {
      manualSeed(1);
      const own = config({ perceiver_block_config: { eps: 0.1 } });
      const truth = build(own);
      expect(relativeError(fieldsOf(through(config(), truth.stateDict(), own)), fieldsOf(truth))).toBe(0);
    }));

  it("is that of all blocks where the stored config says so, as ours do", () =>
    scope(() => {
      manualSeed(1);
      const truth = build(config());
      const stored = truth.backbone.config as unknown as Config;
      expect(stored["perceiver_block_config"]).toMatchObject({ eps: 0.5 });
      expect(relativeError(fieldsOf(through(stored, truth.stateDict(), config())), fieldsOf(truth))).toBe(0);
    }));
});
