import { migrateConfig, readYaml, toPlain, toRelease11, writeYaml, type MapNode } from "../../../lib/config";
import { toWritable } from "../../../lib/config/yaml/to-writable";
import { formatProblem } from "../../../lib/config/errors";
import { registerClasses, Root } from "./classes";

beforeAll(registerClasses);

const dump = (text: string) => toWritable(readYaml(text, "new.yaml")) as Record<string, unknown>;
const written = (text: string) => {
  const { plain, problems } = toRelease11(dump(text), Root);
  return { yaml: writeYaml(plain), problems: problems.map(formatProblem) };
};

const FORMS: Record<string, { now: string; before: string }> = {
  "data specs and decoder blocks": {
    now: `
model:
  kind: test.migration.Branches
  data_specs:
    position_dim: 3
    domains:
      surface: { output_dims: { pressure: 1 }, feature_dim: { sdf: 1 } }
      volume: { output_dims: { velocity: 3 } }
  physics_blocks: [perceiver, self, cross]
  num_domain_decoder_blocks: { surface: 2, volume: 3 }
`,
    before: `
model:
  kind: test.migration.Branches
  data_specs:
    position_dim: 3
    surface_output_dims: { pressure: 1 }
    surface_feature_dim: { sdf: 1 }
    volume_output_dims: { velocity: 3 }
  physics_blocks: [perceiver, shared, cross]
  num_surface_blocks: 2
  num_volume_blocks: 3
`,
  },
  "the surface alone": {
    now: `
model: { kind: test.migration.Branches, data_specs: { position_dim: 3, domains: { surface: { output_dims: { p: 1 } } } } }
`,
    before: `
model: { kind: test.migration.Branches, data_specs: { position_dim: 3, surface_output_dims: { p: 1 } } }
`,
  },
  "what stays as it is, floats too": {
    now: "model: { kind: test.migration.Own, num_surface_blocks: 2 }\nother: { a: 1.0, b: 1, c: null }\n",
    before: "model: { kind: test.migration.Own, num_surface_blocks: 2 }\nother: { a: 1.0, b: 1, c: null }\n",
  },
};

describe.each(Object.entries(FORMS))("%s", (_name, { now, before }) => {
  test("has the form of release 1.1", () => {
    expect(written(now)).toEqual({ yaml: writeYaml(dump(before)), problems: [] });
  });
  test("is read as it was", () => {
    const { plain } = toRelease11(dump(now), Root);
    const again = migrateConfig(readYaml(writeYaml(plain), "old.yaml") as MapNode, Root);
    expect(toPlain(again.tree)).toEqual(toPlain(readYaml(now, "")));
  });
});

test("the blocks of a Transolver name their attention: by themselves they have none in release 1.1", () => {
  const { yaml } = written(`
model:
  kind: test.migration.TransolverConfig
  transformer_block_config: { num_heads: 2, max_wavelength: 10000 }
`);
  expect(toPlain(readYaml(yaml, ""))).toEqual({
    model: {
      kind: "test.migration.TransolverConfig",
      transformer_block_config: {
        num_heads: 2,
        attention_constructor: "transolver",
        attention_arguments: { num_slices: 512 },
      },
    },
  });
});

test("keys that only say how a run is made are left out", () => {
  const { yaml } = written(`
trainer: { kind: test.migration.Trainer, effective_batch_size: 1, checkpoint_format: "1.1" }
slurm: { folder: logs, name: j, mem_gb: 1.5, timeout_min: 0, slurm_additional_parameters: { nice: 0, account: x } }
`);
  expect(toPlain(readYaml(yaml, ""))).toEqual({
    trainer: { kind: "test.migration.Trainer", effective_batch_size: 1 },
    slurm: { job_name: "j", mem: "1536M", time: "UNLIMITED", nice: 0 },
  });
});

test.each([
  [
    "model: { kind: test.migration.Branches, data_specs: { position_dim: 3, domains: { a: {}, b: {} } } }",
    "model.data_specs.domains: release 1.1 has the domains surface and volume, in this order, not a, b",
  ],
  [
    "model: { kind: test.migration.Branches, data_specs: { position_dim: 3, domains: { volume: {}, surface: {} } } }",
    "model.data_specs.domains: release 1.1 has the domains surface and volume, in this order, not volume, surface",
  ],
  [
    "model: { kind: test.migration.Branches, physics_blocks: [perceiver, self_untied] }",
    'model.physics_blocks: release 1.1 has no "self_untied" blocks',
  ],
  [
    "model: { kind: test.migration.Branches, physics_blocks: [self, cross] }",
    "model.physics_blocks: release 1.1 has a geometry encoder in every AB-UPT, this model without perceiver blocks has none: its weights would be incomplete there",
  ],
  [
    "model: { kind: test.migration.TransolverConfig, transformer_block_config: { max_wavelength: 5000 } }",
    "model.transformer_block_config.max_wavelength: release 1.1 has the wavelength 10000 only",
  ],
])("%s cannot be said", (text, problem) => {
  expect(written(text).problems).toEqual([problem]);
});
