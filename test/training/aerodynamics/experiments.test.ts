/** Every experiment of examples/aerodynamics trains on files of the real layout. The configs are the real ones; only sizes are smaller. */
import "../../../lib";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { composeConfig } from "../../../lib/config";
import { HydraRunner } from "../../../lib/training";
import { getNumThreads, load, setNumThreads, type Tensor } from "../../../lib/torch";
import experiments from "../../config/compose/fixtures/experiments.json";
import { temporaryFolder } from "../../support/temporary-folder";
import { WRITERS } from "./data-files";

const configs = join(__dirname, "../../../examples/aerodynamics/configs");
const folder = temporaryFolder();

/** Overrides that make a model small. */
const SMALL_MODELS: Readonly<Record<string, readonly string[]>> = {
  ab_upt: [
    "model.hidden_dim=12",
    "model.transformer_block_config.num_heads=1",
    "model.physics_blocks=[perceiver,self,cross]",
    "model.num_domain_decoder_blocks={surface: 1, volume: 1}",
  ],
  upt: ["model.hidden_dim=12", "model.num_heads=1", "model.approximator_depth=1", "model.decoder_config.depth=1"],
  transformer: ["model.hidden_dim=12", "model.transformer_block_config.num_heads=1", "model.depth=1"],
  transolver: [
    "model.hidden_dim=12",
    "model.transformer_block_config.num_heads=1",
    "model.depth=1",
    "model.attention_arguments.num_slices=4",
  ],
  composite: [
    "model.hidden_dim=12",
    "model.num_heads=1",
    "model.low_level_blocks.depth=1",
    "model.high_level_blocks.depth=1",
  ],
};

/** The counts of points that a model's experiments set. */
const COUNTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ab_upt: {
    num_geometry_points: 30,
    num_geometry_supernodes: 10,
    num_surface_anchor_points: 16,
    num_volume_anchor_points: 16,
  },
  upt: {
    num_surface_points: 30,
    num_volume_points: 30,
    num_supernodes: 10,
    num_surface_queries: 16,
    num_volume_queries: 16,
  },
};

function overridesOf(name: string, experiment: string): string[] {
  const model = experiment.includes("composite")
    ? "composite"
    : /=(ab_upt|upt|transformer|transolver)/.exec(experiment)![1]!;
  const counts = COUNTS[model] ?? { num_surface_points: 16, num_volume_points: 16 };
  const isShapeNet = name === "train_shapenet";
  const wrap = (...wrappers: string[]) => `dataset_wrappers=[${wrappers.join(", ")}]`;
  const first = (count: number) => `{kind: noether.data.base.wrappers.SubsetWrapper, end_index: ${count}}`;
  const twice = "{kind: noether.data.base.wrappers.RepeatWrapper, repetitions: 2}";
  const repeated = isShapeNet ? "test_repeat" : "chunked_test";
  return [
    ...SMALL_MODELS[model]!,
    ...Object.entries(counts).map(([key, count]) => `++pipeline.${key}=${count}`),
    // the inference pipelines take all points, in chunks
    ...(isShapeNet ? [] : ["chunk_size=16"]),
    ...Object.entries(isShapeNet ? {} : counts)
      .filter(([key]) => /geometry|supernodes|^num_(surface|volume)_points$/.test(key) && model.endsWith("upt"))
      .map(([key, count]) => `++inference_pipeline.${key}=${count}`),
    `+datasets.train.${wrap(first(2))}`,
    ...(isShapeNet ? [] : [`+datasets.val.${wrap(first(1))}`]),
    `+datasets.test.${wrap(first(1))}`,
    `datasets.${repeated}.${wrap(first(1), twice)}`,
    "trainer.max_epochs=1",
    // workers load the samples of each data set once, for one model
    ...(model === "ab_upt" ? [] : ["+num_workers=0"]),
    // every model once with its blocks computed again
    ...(isShapeNet ? ["+trainer.activation_checkpointing=true"] : []),
  ];
}

/** Fields that are predicted, ShapeNet-Car's first. */
const FIELDS = ["surface_pressure", "volume_velocity", "surface_friction", "volume_pressure", "volume_vorticity"];

/** The 19 experiments; the last of the list is one of them with other options. */
const all = [
  ...experiments.slice(0, 19).map(({ name, overrides }) => [name, overrides[0]!, []] as const),
  ["train_wing", "+experiment/emmi_wing=ab_upt", ["dataset_kind=noether.data.datasets.cfd.EmmiWingHFDataset"]] as const,
];

// small models: several threads would only wait for each other
let threads = 0;
beforeAll(() => {
  threads = getNumThreads();
  setNumThreads(1);
});
afterAll(() => setNumThreads(threads));

test.each(all)("%s %s %j", async (name, experiment, more) => {
  const root = folder.at("data");
  mkdirSync(root);
  WRITERS[name]!(root);
  const composed = composeConfig({
    file: join(configs, `${name}.yaml`),
    overrides: [
      experiment,
      `dataset_root=${root}`,
      `output_path=${folder.at("outputs")}`,
      "+run_id=run",
      "+accelerator=cpu",
      ...overridesOf(name, experiment),
      ...more,
    ],
  });
  await new HydraRunner().run(composed);
  const run = folder.at("outputs", "run", "train");
  const metrics = load(join(run, "tracker", "entries.th")) as Record<string, Map<number, number>>;
  const isShapeNet = name === "train_shapenet";
  expect([...metrics["loss/online/total/U1"]!.keys()]).toEqual([1, 2]);
  for (const dataset of isShapeNet ? ["test", "test_repeat"] : ["val", "chunked_test"]) {
    const errors = FIELDS.slice(0, isShapeNet ? 2 : 5).map((field) => metrics[`loss/${dataset}/${field}_mse`]?.get(2));
    expect(errors.filter((value) => Number.isFinite(value))).toHaveLength(errors.length);
  }
  expect(Object.values(metrics).every((values) => [...values.values()].every(Number.isFinite))).toBe(true);
  // the moving average keeps nearly the weights of the start; parts of a composite model have files of their own
  const files = readdirSync(join(run, "checkpoints")).filter((file) => file.endsWith("_cp=latest_model.th"));
  const weightsOf = (file: string): Map<string, Tensor> => {
    const { state_dict } = load(join(run, "checkpoints", file)) as { state_dict: Map<string, Tensor> | object };
    return state_dict instanceof Map ? state_dict : new Map(Object.entries(state_dict));
  };
  const slow = weightsOf(files.find((file) => file.includes("_ema="))!);
  const trained = files.filter((file) => !file.includes("_ema="));
  expect(trained.length).toBeGreaterThan(0);
  for (const file of trained) {
    const part = file.replace("_cp=latest_model.th", "").split(".")[1];
    const isSame = [...weightsOf(file)].map(([key, x]) => x.equal(slow.get(part ? `${part}.${key}` : key)!));
    expect(isSame).toContain(false);
  }
});
