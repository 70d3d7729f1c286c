import { migrateConfig, readYaml, toPlain, type MapNode } from "../../../lib/config";
import { formatProblem } from "../../../lib/config/errors";
import type { AnyConfigClass } from "../../../lib/config/schema";
import { registerClasses, Root } from "./classes";

beforeAll(registerClasses);

/** A file's result, and what was found, as lines. */
function migrated(text: string, type: AnyConfigClass = Root) {
  const { tree, changes, problems } = migrateConfig(readYaml(text, "old.yaml") as MapNode, type);
  return { plain: toPlain(tree), changes: changes.map(formatProblem), problems: problems.map(formatProblem), tree };
}

/** Before, after, and every line of the report. */
const FORMS: Record<string, { before: string; after: string; changes: string[]; type?: AnyConfigClass }> = {
  "data specs of surface and volume": {
    before: `
model:
  kind: test.migration.Branches
  data_specs:
    position_dim: 3
    surface_feature_dim: { surface_sdf: 1 }
    volume_feature_dim: null
    surface_output_dims: { pressure: 1, friction: 3 }
    volume_output_dims:
      velocity: 3
    use_physics_features: true
    total_output_dim: 7
`,
    after: `
model:
  kind: test.migration.Branches
  data_specs:
    position_dim: 3
    domains:
      surface: { output_dims: { pressure: 1, friction: 3 }, feature_dim: { surface_sdf: 1 } }
      volume: { output_dims: { velocity: 3 } }
    use_physics_features: true
`,
    changes: [
      "old.yaml:8: model.data_specs.surface_output_dims: is domains.surface.output_dims now",
      "old.yaml:6: model.data_specs.surface_feature_dim: is domains.surface.feature_dim now",
      "old.yaml:9: model.data_specs.volume_output_dims: is domains.volume.output_dims now",
    ],
  },
  "data specs of the surface alone": {
    before: `
model:
  kind: test.migration.Branches
  data_specs: { position_dim: 2, surface_output_dims: { p: 1 }, volume_output_dims: null }
`,
    after: `
model:
  kind: test.migration.Branches
  data_specs: { position_dim: 2, domains: { surface: { output_dims: { p: 1 } } } }
`,
    changes: ["old.yaml:4: model.data_specs.surface_output_dims: is domains.surface.output_dims now"],
  },
  "volume inputs without outputs": {
    before: `
model:
  kind: test.migration.Branches
  data_specs: { surface_output_dims: { p: 1 }, volume_feature_dim: { sdf: 1 } }
`,
    after: `
model:
  kind: test.migration.Branches
  data_specs: { domains: { surface: { output_dims: { p: 1 } }, volume: { output_dims: {}, feature_dim: { sdf: 1 } } } }
`,
    changes: [
      "old.yaml:4: model.data_specs.surface_output_dims: is domains.surface.output_dims now",
      "old.yaml:4: model.data_specs.volume_feature_dim: is domains.volume.feature_dim now",
    ],
  },
  "decoder blocks of AB-UPT": {
    before: `
model:
  kind: test.migration.Branches
  num_surface_blocks: 2
  num_volume_blocks: 3
`,
    after: `
model:
  kind: test.migration.Branches
  num_domain_decoder_blocks: { surface: 2, volume: 3 }
`,
    changes: [
      "old.yaml:4: model.num_surface_blocks: is num_domain_decoder_blocks.surface now",
      "old.yaml:5: model.num_volume_blocks: is num_domain_decoder_blocks.volume now",
    ],
  },
  "shared blocks of AB-UPT": {
    before: `
model:
  kind: test.migration.Branches
  physics_blocks: [perceiver, shared, cross, shared, self]
`,
    after: `
model:
  kind: test.migration.Branches
  physics_blocks: [perceiver, self, cross, self, self]
`,
    changes: ['old.yaml:4: model.physics_blocks: the block "shared" is called "self" now (2 of 5)'],
  },
  "the attention of a Transolver": {
    before: `
model:
  kind: test.migration.TransolverConfig
  attention_constructor: transolver
  transformer_block_config: { num_heads: 2, attention_constructor: dot_product }
`,
    after: `
model:
  kind: test.migration.TransolverConfig
  transformer_block_config: { num_heads: 2, attention_constructor: dot_product }
`,
    changes: ["old.yaml:4: model.attention_constructor: is left out now: a Transolver has it"],
  },
  "the attention of a Transolver++": {
    before: `
model:
  kind: test.migration.TransolverConfig
  attention_constructor: transolver_plusplus
  transformer_block_config: { num_heads: 2 }
`,
    after: `
model:
  kind: test.migration.TransolverConfig
  transformer_block_config: { num_heads: 2, attention_constructor: transolver_plusplus }
`,
    changes: ["old.yaml:4: model.attention_constructor: is transformer_block_config.attention_constructor now"],
  },
  "submodels of a composite": {
    before: `
model:
  kind: test.migration.Both
  first: { kind: test.migration.Branches, num_surface_blocks: 1 }
  second: { kind: test.migration.TransolverConfig, attention_constructor: transolver }
`,
    after: `
model:
  kind: test.migration.Both
  first: { kind: test.migration.Branches, num_domain_decoder_blocks: { surface: 1 } }
  second: { kind: test.migration.TransolverConfig }
`,
    changes: [
      "old.yaml:4: model.first.num_surface_blocks: is num_domain_decoder_blocks.surface now",
      "old.yaml:5: model.second.attention_constructor: is left out now: a Transolver has it",
    ],
  },
  "normalizers of data sets": {
    before: `
datasets:
  train:
    kind: test.migration.DataSet
    normalizers: { p: { kind: x } }
  test: { kind: test.migration.DataSet, dataset_normalizers: null }
`,
    after: `
datasets:
  train: { kind: test.migration.DataSet, dataset_normalizers: { p: { kind: x } } }
  test: { kind: test.migration.DataSet, dataset_normalizers: null }
`,
    changes: ["old.yaml:5: datasets.train.normalizers: is dataset_normalizers now"],
  },
  "normalizers of data sets, one of the names null": {
    before: `
datasets:
  train: { kind: test.migration.DataSet, normalizers: null, dataset_normalizers: { p: { kind: x } } }
  test: { kind: test.migration.DataSet, normalizers: { p: { kind: x } }, dataset_normalizers: null }
`,
    after: `
datasets:
  train: { kind: test.migration.DataSet, dataset_normalizers: { p: { kind: x } } }
  test: { kind: test.migration.DataSet, dataset_normalizers: { p: { kind: x } } }
`,
    changes: ["old.yaml:4: datasets.test.normalizers: is dataset_normalizers now"],
  },
  "the slurm section": {
    before: `
slurm:
  folder: logs
  partition: gpu
  time: "1:30:00"
  nice: 0
  chdir: null
`,
    after: `
slurm:
  folder: logs
  slurm_partition: gpu
  timeout_min: 90
  slurm_additional_parameters: { nice: 0 }
`,
    changes: [
      "old.yaml:4: slurm.partition: is slurm_partition now",
      "old.yaml:5: slurm.time: is timeout_min now",
      "old.yaml:6: slurm.nice: is slurm_additional_parameters.nice now",
    ],
  },
  "callbacks without a kind": {
    before: `
trainer:
  kind: test.migration.Trainer
  effective_batch_size: 1
  callbacks:
    - { every_n_epochs: 1, save_weights: true }
    - { every_n_epochs: 1, metric_key: loss }
    - { every_n_epochs: 1, metric_key: loss, tolerance: 2 }
    - { every_n_epochs: 1, dataset_key: test }
    - { every_n_epochs: 1, target_factors: [0.9], save_weights: true }
    - { every_n_epochs: 1, keys: [a] }
    - { every_n_epochs: 1, source_metric_key: a, target_metric_keys: [b] }
    - { stop_at_epoch: 3 }
    - { name: OnlineLossCallback, every_n_epochs: 1, kind: null }
    - { kind: own.Callback, save_weights: true }
`,
    after: `
trainer:
  kind: test.migration.Trainer
  effective_batch_size: 1
  callbacks:
    - { every_n_epochs: 1, save_weights: true, kind: noether.core.callbacks.CheckpointCallback }
    - { every_n_epochs: 1, metric_key: loss, kind: noether.core.callbacks.BestCheckpointCallback }
    - { every_n_epochs: 1, metric_key: loss, tolerance: 2, kind: noether.core.callbacks.MetricEarlyStopper }
    - { every_n_epochs: 1, dataset_key: test, kind: noether.training.callbacks.OfflineLossCallback }
    - { every_n_epochs: 1, target_factors: [0.9], save_weights: true, kind: noether.core.callbacks.EmaCallback }
    - { every_n_epochs: 1, keys: [a], kind: noether.core.callbacks.TrackAdditionalOutputsCallback }
    - { every_n_epochs: 1, source_metric_key: a, target_metric_keys: [b], kind: noether.core.callbacks.BestMetricCallback }
    - { stop_at_epoch: 3, kind: noether.core.callbacks.FixedEarlyStopper }
    - { name: OnlineLossCallback, every_n_epochs: 1, kind: noether.core.callbacks.OnlineLossCallback }
    - { kind: own.Callback, save_weights: true }
`,
    changes: [
      [6, 0, "core.callbacks.CheckpointCallback"],
      [7, 1, "core.callbacks.BestCheckpointCallback"],
      [8, 2, "core.callbacks.MetricEarlyStopper"],
      [9, 3, "training.callbacks.OfflineLossCallback"],
      [10, 4, "core.callbacks.EmaCallback"],
      [11, 5, "core.callbacks.TrackAdditionalOutputsCallback"],
      [12, 6, "core.callbacks.BestMetricCallback"],
      [13, 7, "core.callbacks.FixedEarlyStopper"],
      [14, 8, "core.callbacks.OnlineLossCallback"],
    ].map(
      ([line, index, kind]) =>
        `old.yaml:${line}: trainer.callbacks.${index}.kind: is "noether.${kind}" by the other keys; write it`,
    ),
  },
  "a warm-up without its peak": {
    before: `
model:
  kind: test.migration.Scheduled
  schedules:
    - { kind: test.migration.Schedule, warmup_percent: 0.1 }
    - { kind: test.migration.Schedule, max_value: 0.5 }
`,
    after: `
model:
  kind: test.migration.Scheduled
  schedules:
    - { kind: test.migration.Schedule, warmup_percent: 0.1, max_value: 1 }
    - { kind: test.migration.Schedule, max_value: 0.5 }
`,
    changes: [
      "old.yaml:5: model.schedules.0.max_value: is 1 where it is left out, as in release 1.1: the value rises to 1, whatever lr is; set it (usually to lr)",
    ],
  },
  "the normalizer of the root": {
    before: "dataset_normalizer: { p: [] }\nkeep: 1\n",
    after: "keep: 1\n",
    changes: ["old.yaml:1: dataset_normalizer: has no effect, nor had it before: normalizers belong to data sets"],
  },
};

describe.each(Object.entries(FORMS))("%s", (_name, { before, after, changes, type }) => {
  const expected = toPlain(readYaml(after, "new.yaml"));
  test("has the new form, with a report", () => {
    expect(migrated(before, type)).toMatchObject({ plain: expected, changes, problems: [] });
  });
  test("in its new form stays as it is", () => {
    expect(migrated(after, type)).toMatchObject({ plain: expected, changes: [], problems: [] });
  });
});

test("the order of the domains is surface, volume, whatever the file's", () => {
  const { plain } = migrated(`
model:
  kind: test.migration.Branches
  data_specs: { volume_output_dims: { v: 3 }, surface_output_dims: { p: 1 } }
`);
  const { domains } = (plain as { model: { data_specs: { domains: object } } }).model.data_specs;
  expect(Object.keys(domains)).toEqual(["surface", "volume"]);
});

test("the tree that is read stays as it is", () => {
  const tree = readYaml(FORMS["data specs of surface and volume"]!.before, "old.yaml") as MapNode;
  const copy = structuredClone(toPlain(tree));
  migrateConfig(tree, Root);
  expect(toPlain(tree)).toEqual(copy);
});

test("keys of a class that has fields of these names stay", () => {
  const before = `
model: { kind: test.migration.Own, num_surface_blocks: 2, normalizers: { a: 1 }, surface_output_dims: { p: 1 } }
`;
  expect(migrated(before)).toMatchObject({ plain: toPlain(readYaml(before, "")), changes: [], problems: [] });
});

test("kinds that nobody knows stay", () => {
  const before = `
model: { kind: unknown.Model, num_surface_blocks: 2, data_specs: { surface_output_dims: { p: 1 } } }
datasets: { train: { kind: unknown.DataSet, normalizers: {} } }
`;
  expect(migrated(before)).toMatchObject({ plain: toPlain(readYaml(before, "")), changes: [], problems: [] });
});

describe("what is said twice is an error that names both places", () => {
  test.each([
    [
      "model:\n  kind: test.migration.Branches\n  num_domain_decoder_blocks: { surface: 3 }\n  num_surface_blocks: 2\n",
      'old.yaml:4: model.num_surface_blocks: expected this or "num_domain_decoder_blocks.surface", which is its name since release 2026.4, not both: here it is the number 2, there the number 3 (old.yaml:3); delete one',
    ],
    [
      "model:\n  kind: test.migration.Branches\n  data_specs:\n    surface_output_dims: { p: 1 }\n    domains: { surface: { output_dims: { p: 1 } } }\n",
      'old.yaml:4: model.data_specs.surface_output_dims: expected this or "domains.surface.output_dims", which is its name since release 2026.4, not both: here it is a mapping, there a mapping (old.yaml:5); delete one',
    ],
    [
      "datasets:\n  train:\n    kind: test.migration.DataSet\n    normalizers: {}\n    dataset_normalizers: {}\n",
      'old.yaml:4: datasets.train.normalizers: expected this or "dataset_normalizers", which is its name since release 2026.4, not both: here it is a mapping, there a mapping (old.yaml:5); delete one',
    ],
    [
      "slurm: { partition: a, slurm_partition: b }\n",
      'old.yaml:1: slurm.partition: "partition" is an old name of "slurm_partition": give only one',
    ],
    [
      "model: { kind: test.migration.TransolverConfig, attention_constructor: dot_product }\n",
      'old.yaml:1: model.attention_constructor: expected "transolver" or "transolver_plusplus", as release 1.1 had it here, received the string "dot_product"',
    ],
  ])("%j", (text, problem) => {
    expect(migrated(text).problems).toEqual([problem]);
    // whoever does not look at the problems has both keys still
    expect(migrated(text).plain).toEqual(toPlain(readYaml(text, "")));
  });
});

describe("a callback without kind that may be several", () => {
  const entry = (text: string) =>
    migrated(`
trainer: { kind: test.migration.Trainer, effective_batch_size: 1, callbacks: [${text}] }
`).problems;
  test.each([
    ["{ every_n_epochs: 1 }", ""],
    ["{ every_n_epochs: 1, name: Nobody }", ""],
    [
      "{ every_n_epochs: 1, verbose: true }",
      ': by its keys it may be "noether.core.callbacks.OnlineLossCallback" or "noether.core.callbacks.TrackAdditionalOutputsCallback"',
    ],
  ])("%s", (text, which) => {
    expect(entry(text)).toEqual([
      `old.yaml:2: trainer.callbacks.0: missing "kind": expected the class of this callback${which}`,
    ]);
  });
});
