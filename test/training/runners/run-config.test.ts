import "../../../lib/modeling";
import "../../../lib/training";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml, resolveConfig, summarizeChanges, type MapNode } from "../../../lib/config";
import type { ConfigError } from "../../../lib/config/errors";
import { register } from "../../../lib/config/registry";
import { any, dumpConfig, list, registered } from "../../../lib/config/schema";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { ScheduleBaseConfig } from "../../../lib/core/schedules/base";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { loadRunConfig } from "../../../lib/training/runners";
import { BaseTrainerConfig } from "../../../lib/training/trainers/base-trainer-config";

beforeAll(() => {
  register("test.migrated.Model", {
    schema: ModelBaseConfig.extend("MigratedModelConfig", {
      fields: { schedules: list(registered(ScheduleBaseConfig)).default(() => []), more: any() },
    }),
  });
  register("test.migrated.Trainer", { schema: BaseTrainerConfig });
  register("test.migrated.Dataset", { schema: DatasetBaseConfig });
});

const OLD = `
output_path: ./outputs
dataset_normalizer: {}
scale: { p: { kind: noether.data.preprocessors.normalizers.ShiftAndScaleNormalizer, shift: 0, scale: 2 } }
datasets:
  train: &d
    kind: test.migrated.Dataset
    normalizers: \${scale}
  test: *d
model:
  kind: test.migrated.Model
  name: m
  schedules:
    - { kind: noether.core.schedules.LinearWarmupCosineDecaySchedule, warmup_percent: 0.1 }
trainer:
  kind: test.migrated.Trainer
  max_epochs: 1
  effective_batch_size: 1
  callbacks: [{ every_n_epochs: 1, dataset_key: test }]
slurm: { job_name: j }
`;
const compose = (text: string) =>
  resolveConfig({
    tree: readYaml(text, "old.yaml") as MapNode,
    job: { name: "old", overrides: [], choices: new Map(), started: new Date() },
  });

test("a run's config of release 1.1 is read, with a short report", async () => {
  const { config, changes } = await loadRunConfig(compose(OLD), {});
  const scale = [{ kind: "noether.data.preprocessors.normalizers.ShiftAndScaleNormalizer", shift: 0, scale: 2 }];
  expect(dumpConfig(config, { onlyGiven: true })).toMatchObject({
    datasets: { train: { dataset_normalizers: { p: expect.anything() } }, test: expect.anything() },
    model: { schedules: [{ max_value: { value: 1 } }] },
    trainer: { callbacks: [{ kind: "noether.training.callbacks.OfflineLossCallback" }] },
    slurm: { name: "j" },
  });
  expect(config.datasets["test"]!.dataset_normalizers).toMatchObject({ p: scale });
  expect(summarizeChanges(changes ?? [])).toEqual([
    "old.yaml:3: dataset_normalizer: has no effect, nor had it before: normalizers belong to data sets",
    "old.yaml:20: slurm.job_name: is name now",
    "old.yaml:8: datasets.train.normalizers: is dataset_normalizers now (also in datasets.test.normalizers)",
    expect.stringMatching(/^old\.yaml:14: model\.schedules\.0\.max_value: is 1 where it is left out/),
    expect.stringMatching(/^old\.yaml:19: trainer\.callbacks\.0\.kind: is "noether\.training\.callbacks\.Offline/),
  ]);
});

test("what release 1.1 says twice is one of the errors, at its line; those of moved keys keep theirs", async () => {
  const text = OLD.replace("normalizers: ${scale}", "normalizers: { p: { kind: no.Such } }").replace(
    "job_name: j",
    "job_name: j, name: k",
  );
  const error: unknown = await loadRunConfig(compose(text), {}).catch((reason: unknown) => reason);
  expect((error as ConfigError).problems.map(({ path, location }) => [path, location?.line])).toEqual(
    expect.arrayContaining([
      ["slurm.job_name", 20],
      ["datasets.train.dataset_normalizers.p.kind", 8],
    ]),
  );
});

/** What the Python framework leaves in a run's folder: computed keys in files of 1.1, tuples and sets by their tags. */
describe("hp_resolved.yaml of both releases", () => {
  const stored = async (release: string) => {
    const file = `hp_resolved_${release}.yaml`;
    const composed = compose(readFileSync(join(__dirname, "fixtures", file), "utf8"));
    const { trainer, ...rest } = composed.plain;
    // how the stored run was started itself is no part of what is read of it
    const { initializer: _, ...others } = trainer as Record<string, unknown>;
    return loadRunConfig({ ...composed, plain: { ...rest, trainer: others } }, {});
  };

  test("is the same config", async () => {
    const [old, current] = [await stored("1.1"), await stored("2026.4")];
    expect(dumpConfig(old.config)).toEqual(dumpConfig(current.config));
    expect(current.changes).toEqual([]);
    expect(old.changes!.map(({ path }) => path)).toEqual([
      "slurm.job_name",
      "slurm.partition",
      "model.num_surface_blocks",
      "model.num_volume_blocks",
      "model.physics_blocks",
      "model.data_specs.surface_output_dims",
      "model.data_specs.volume_output_dims",
    ]);
  });

  test("has no form of release 1.1 for what that does not have: an error with its place, before the run", async () => {
    const text = readFileSync(join(__dirname, "fixtures", "hp_resolved_2026.4.yaml"), "utf8")
      .replace("- self", "- self_untied")
      .replace(/ {2}initializer:[\s\S]*(?=output_path)/, '  checkpoint_format: "1.1"\n');
    const error: unknown = await loadRunConfig(compose(text), {}).catch((reason: unknown) => reason);
    const line = text.split("\n").findIndex((content) => content.includes("physics_blocks")) + 1;
    expect((error as ConfigError).problems).toEqual([
      {
        path: "model.physics_blocks",
        message: 'release 1.1 has no "self_untied" blocks (trainer.checkpoint_format)',
        location: expect.objectContaining({ line }),
      },
    ]);
  });
});
