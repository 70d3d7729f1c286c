import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { any, int } from "../../../lib/config/schema";
import { register } from "../../../lib/config/registry";
import { DEFAULT_SCHEMA_KIND } from "../../../lib/core/writers/hyperparameters";
import { Model, type ModelOptions } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { Dataset, StandardDatasetConfig } from "../../../lib/data";
import { DomainPreset, HydraRunner, modelDefaults } from "../../../lib/training";
import { nn, type Tensor, tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";
import "../../../lib/initializers";

/** The pressure x² at points of a line. */
class LineDataset extends Dataset {
  static readonly schema = StandardDatasetConfig;
  static override readonly statistics = { surface_pressure_mean: 0.3, surface_pressure_std: [0.3] };

  constructor(config: StandardDatasetConfig) {
    super(config);
    this.addGetter("surface_position", (index) => tensor([[index / 8], [index / 4]]));
    this.addGetter("surface_pressure_target", (index) => tensor([[(index / 8) ** 2], [(index / 4) ** 2]]), {
      normalize: "surface_pressure",
    });
    this.addGetter("surface_sdf", () => Promise.reject(new Error("there is no such file")));
  }
  override get length(): number {
    return 4;
  }
}
register("test.LineDataset", { class: LineDataset });

const LineModelConfig = ModelBaseConfig.extend("LineModelConfig", {
  fields: { hidden_dim: int({ ge: 1 }), data_specs: any() },
});
class LineModel extends Model {
  static readonly schema = LineModelConfig;
  readonly layers: nn.Sequential;

  constructor(config: ReturnType<typeof LineModelConfig.create>, options: ModelOptions = {}) {
    super(config, options);
    this.layers = new nn.Sequential(
      new nn.Linear(1, config.hidden_dim),
      new nn.Tanh(),
      new nn.Linear(config.hidden_dim, 1),
    );
  }
  override forward({ surface_position }: { surface_position: Tensor }): Record<string, Tensor> {
    return { surface_pressure: this.layers.forward(surface_position) };
  }
}
register("test.LineModel", { class: LineModel });

class LinePreset extends DomainPreset {
  readonly datasetKind = "test.LineDataset";
  readonly dataSpecs = { position_dim: 1, domains: { surface: { output_dims: { pressure: 1 } } } };
  override readonly normalizerSpec = { surface_pressure: {} };
  override readonly excludedProperties = ["surface_sdf"];
  override readonly forwardPropertiesMap = { _default: ["surface_position"] };
}

const folder = temporaryFolder();
afterAll(() => folder.remove());
const preset = new LinePreset();

test("a model is trained from a preset", async () => {
  const config = preset.buildConfig("test.LineModel", {
    datasetRoot: folder.path,
    modelParameters: { name: "line", hidden_dim: 8 },
    optimizer: preset.buildOptimizer({ kind: "torch.optim.AdamW", lr: 0.02 }),
    accelerator: "cpu",
    maxEpochs: 10,
    batchSize: 2,
    root: { run_id: "preset", store_code_in_output: false, log_level: "error" },
  });
  const runner = new HydraRunner();
  const { trainer } = await runner.main({ config, schemaKind: DEFAULT_SCHEMA_KIND, device: "cpu" });
  const losses = trainer.logWriter.getAllMetricValues("loss/test/surface_pressure_loss").map(Number);
  expect(losses).toHaveLength(10);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
  const run = join(folder.path, "outputs", "preset");
  const names = ["line_cp=best_model.loss.test.total_model.th", "line_ema=0.9999_cp=latest_model.th"];
  expect(names.filter((name) => !existsSync(join(run, "checkpoints", name)))).toEqual([]);
  expect(readFileSync(join(run, "hp_resolved.yaml"), "utf8")).toContain("effective_batch_size: 2");
});

test("the parts of a config", () => {
  expect(preset.targetProperties()).toEqual(["surface_pressure_target"]);
  expect(preset.datasetStatistics).toBe(LineDataset.statistics);
  expect(preset.buildNormalizers()).toEqual({
    surface_pressure: [{ kind: "noether.data.preprocessors.normalizers.FieldNormalizer" }],
  });
  expect(preset.buildOptimizer({ lr: 1e-3 })).toEqual({
    kind: "noether.core.optimizer.Lion",
    lr: 1e-3,
    weight_decay: 0.05,
    clip_grad_norm: 1,
    schedule_config: {
      kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
      warmup_percent: 0.05,
      max_value: 1e-3,
      end_value: 1e-6,
    },
  });
  expect(preset.buildOptimizer({ endLr: null })).not.toHaveProperty("schedule_config");
  expect(preset.standardCallbacks({ ema: false }).map(({ kind }) => (kind as string).split(".").at(-1))).toEqual([
    "CheckpointCallback",
    "OfflineLossCallback",
    "BestCheckpointCallback",
  ]);
});

test("a pipeline has the defaults, those of the model, then what is asked for", () => {
  class Piped extends LinePreset {
    override readonly pipelineDefaults = { kind: "Pipeline", a: 1, b: 1, c: 1 };
    override readonly pipelineModelOverrides = { Wide: { b: 2, c: 2 } };
  }
  expect(new Piped().buildPipeline("Wide", { c: 3 })).toEqual({ kind: "Pipeline", a: 1, b: 2, c: 3 });
  expect(new Piped().buildPipeline("Other")).toEqual({ kind: "Pipeline", a: 1, b: 1, c: 1 });
  expect(preset.buildPipeline("Other")).toBeNull();
});

test("errors come before the run", () => {
  const options = { datasetRoot: folder.path, accelerator: "cpu" } as const;
  expect(() => preset.buildConfig("test.LineModel", { ...options, modelParameters: {}, modelConfig: {} })).toThrow(
    "modelParameters or modelConfig, received both",
  );
  expect(() => preset.buildConfig("test.LineModel", { ...options, modelParameters: { name: "line" } })).toThrow(
    "model.hidden_dim: missing value",
  );
  class Bare extends LinePreset {
    override readonly datasetKind = "test.LineModel" as never;
  }
  expect(() => new Bare().datasetStatistics).toThrow("expected statsFile, stats, or statistics");
});

describe("defaults of the aerodynamics models", () => {
  const specs = { position_dim: 3, domains: { surface: {}, volume: {} } };
  const block = { hidden_dim: 96, num_heads: 3, mlp_expansion_factor: 4, use_rope: true };
  const pooling = { hidden_dim: 96, input_dim: 3, radius: 9 };

  test.each(["noether.modeling.models.AeroABUPT", "noether.modeling.models.aerodynamics.AeroABUPT"])("%s", (kind) => {
    const parameters = { hidden_dim: 96, geometry_depth: 1, physics_blocks: ["perceiver", "self"] };
    expect(modelDefaults(kind, parameters, specs)).toEqual({
      name: "ab_upt",
      num_domain_decoder_blocks: { surface: 12, volume: 12 },
      supernode_pooling_config: pooling,
      transformer_block_config: block,
      ...parameters,
    });
  });

  test("AeroUPT", () => {
    const kind = "noether.modeling.models.AeroUPT";
    expect(modelDefaults(kind, { hidden_dim: 96, radius: 2, decoder_depth: 4 }, specs)).toEqual({
      name: "upt",
      hidden_dim: 96,
      num_heads: 3,
      mlp_expansion_factor: 4,
      use_rope: true,
      approximator_depth: 12,
      bias_layers: false,
      supernode_pooling_config: { ...pooling, radius: 2 },
      approximator_config: block,
      decoder_config: { depth: 4, input_dim: 3, perceiver_block_config: block },
    });
  });

  test("AeroTransformer and AeroTransolver have no rotary positions unless they are asked for", () => {
    const plain = { ...block, use_rope: false };
    expect(modelDefaults("noether.modeling.models.AeroTransformer", { hidden_dim: 96, depth: 2 }, specs)).toEqual({
      name: "transformer",
      depth: 2,
      hidden_dim: 96,
      transformer_block_config: plain,
    });
    expect(modelDefaults("noether.modeling.models.AeroTransolver", { hidden_dim: 96 }, specs)).toEqual({
      name: "transolver",
      depth: 12,
      hidden_dim: 96,
      attention_arguments: { num_slices: 512 },
      transformer_block_config: plain,
    });
  });

  test("of other models the parameters are taken as they are", () => {
    expect(modelDefaults("./mlp.ts#Mlp", { radius: 1 }, specs)).toEqual({ radius: 1 });
  });
});
