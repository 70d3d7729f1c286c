/** A run that the Python framework left, with the config as PyYAML writes it, is evaluated and resumed as it is. */
import { cpSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "./run-cli";

interface Tensor {
  allclose(other: Tensor, rtol: number, atol: number): boolean;
}
const { load, loadSafetensors, save, toMap } = jest.requireActual<{
  load(path: string): unknown;
  loadSafetensors(path: string): { tensors: Map<string, Tensor> };
  save(value: unknown, path: string): void;
  toMap<T>(value: unknown): Map<string, T>;
}>("../../../dist/torch");

const project = join(__dirname, "stored-run");
const golden = join(__dirname, "../../golden/training");
const RUN = "2026-01-01_abcde";
const { trace } = JSON.parse(readFileSync(join(golden, "trace.json"), "utf8")) as { trace: { loss: number; lr: number[] }[] };

let output: string;
beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), "noether-stored-"));
  cpSync(join(golden, "run"), output, { recursive: true });
  const run = join(output, RUN, "train");
  copyFileSync(join(project, "hp_resolved.yaml"), join(run, "hp_resolved.yaml"));
  // the record has no trainer file; this is what Python's would hold
  const trainer = { callback_state_dicts: {}, training_iteration: { epoch: 2, update: 10, sample: 10 }, grad_scaler: {} };
  save(trainer, join(run, "checkpoints/ab_upt_cp=E2_U10_S10_trainer.th"));
});
afterEach(() => rmSync(output, { recursive: true }));

const metrics = (path: string, key: string) =>
  [...readFileSync(join(output, path, "log.txt"), "utf8").matchAll(new RegExp(`${key}: ([\\d.e+-]+)`, "g"))].map(([, value]) => Number(value));

test("evaluation", () => {
  const { code, stderr } = runCli("noether-eval", [`+input_dir=${output}`, `+run_id=${RUN}`, "+stage_name=train", "+resume_checkpoint=E2", `+output_path=${output}`], project);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  // the weights after ten updates, on the eleventh batch
  expect(metrics(`${RUN}/train_eval`, "loss/val/total")[0]).toBeCloseTo(trace[10]!.loss, 5);
});

test("resuming, in a new run", () => {
  const { code, stderr } = runCli("noether-train", ["--hp", join(output, RUN, "train/hp_resolved.yaml"), `resume_run_id=${RUN}`, "resume_stage_name=train", "resume_checkpoint=E2", "+run_id=next", "trainer.max_epochs=4", "+trainer.checkpoint_format=1.1", `output_path=${output}`], project);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const entries = toMap(load(join(output, "next/train/tracker/entries.th")));
  const losses = toMap<number>(entries.get("loss/online/total/U1"));
  expect([...losses.keys()].map(Number)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  [...losses.values()].forEach((loss, i) => expect(loss).toBeCloseTo(trace[10 + i]!.loss, 4));

  const file = toMap(load(join(output, "next/train/checkpoints/ab_upt_cp=E4_U20_S20_model.th")));
  const weights = toMap<Tensor>(file.get("state_dict"));
  const { tensors } = loadSafetensors(join(golden, "final.safetensors"));
  expect([...weights.keys()].sort()).toEqual([...tensors.keys()].sort());
  for (const [name, tensor] of tensors) expect([name, weights.get(name)!.allclose(tensor, 0, 1e-5)]).toEqual([name, true]);
});

describe("a Transolver of release 1.1, whose blocks have plain attention though its config does not say so", () => {
  const BLOCK = "transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2 }";
  const config = `
name: transolver
accelerator: cpu
stage_name: train
datasets:
  train: { kind: recorded.datasets.Points }
  test: { kind: recorded.datasets.Points }
model:
  kind: tutorial.model.Transolver
  name: transolver
  hidden_dim: 8
  depth: 2
  ${BLOCK}
  attention_constructor: transolver
  attention_arguments: { num_slices: 4 }
  use_output_projection: true
  data_specs:
    position_dim: 3
    surface_output_dims: !!python/object/apply:collections.OrderedDict [[[pressure, 1]]]
    volume_output_dims: !!python/object/apply:collections.OrderedDict [[[velocity, 3]]]
  forward_properties: [surface_position, volume_position]
  optimizer_config: { kind: torch.optim.AdamW, lr: 0.001 }
trainer:
  kind: tutorial.trainers.AutomotiveAerodynamicsCFDTrainer
  max_epochs: 3
  effective_batch_size: 1
  callbacks:
  - { kind: noether.training.callbacks.OfflineLossCallback, name: OfflineLossCallback, every_n_epochs: 1, batch_size: 1, dataset_key: test }
  forward_properties: [surface_position, volume_position]
  target_properties: [surface_pressure_target, volume_velocity_target]
store_code_in_output: false
tracker: null
output_path: /scratch/somebody/outputs
config_schema_kind: noether.core.schemas.schema.ConfigSchema
`;
  const said = "attention_constructor: is not given, and taken to be dot_product, as the weights of run 'old' have it";
  let stored: string;

  /** A run of one epoch: what was trained with plain attention. */
  let trained: string;
  beforeAll(() => {
    trained = mkdtempSync(join(tmpdir(), "noether-trained-"));
    const explicit = config
      .replace(BLOCK, "transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, attention_constructor: dot_product }")
      .replace("max_epochs: 3", "max_epochs: 1")
      .replace("callbacks:", "callbacks:\n  - { kind: noether.core.callbacks.CheckpointCallback, every_n_epochs: 1, save_weights: true, save_optim: true, save_latest_optim: true }");
    const file = join(trained, "explicit.yaml");
    writeFileSync(file, explicit);
    const { code, stderr } = runCli("noether-train", ["--hp", file, "+run_id=old", `output_path=${trained}`], project);
    if (code !== 0) throw new Error(stderr);
  }, 120_000);
  afterAll(() => rmSync(trained, { recursive: true }));

  /** Its stored config leaves the attention open. */
  beforeEach(() => {
    stored = join(output, "old/train");
    cpSync(join(trained, "old"), join(output, "old"), { recursive: true });
    writeFileSync(join(stored, "hp_resolved.yaml"), config);
  });

  test("is evaluated, and the log says what was assumed", () => {
    const [loss] = metrics("old/train", "loss/test/total");
    const { code, stderr } = runCli("noether-eval", [`+input_dir=${output}`, "+run_id=old", "+stage_name=train", `+output_path=${output}`], project);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain(said);
    expect(readFileSync(join(output, "old/train_eval/log.txt"), "utf8")).toContain(said);
    expect(metrics("old/train_eval", "loss/test/total")[0]).toBeCloseTo(loss!, 6);
  });

  test("is resumed from its own config, and the new run's config names the attention", () => {
    const args = ["--hp", join(stored, "hp_resolved.yaml"), "+resume_run_id=old", "+resume_stage_name=train", "+run_id=next", `output_path=${output}`];
    const { code, stderr } = runCli("noether-train", args, project);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain(said);
    expect(readFileSync(join(output, "next/train/hp_resolved.yaml"), "utf8")).toContain("attention_constructor: dot_product");
  });

  test("is not what a new config means that reads its weights: the error names the key", () => {
    const file = join(output, "new.yaml");
    const initializers = `  initializers: [{ kind: noether.core.initializers.PreviousRunInitializer, run_id: old, stage_name: train, model_name: transolver, checkpoint_tag: latest }]\n`;
    writeFileSync(file, config.replace("trainer:\n", `${initializers}trainer:\n`));
    const { code, stderr } = runCli("noether-train", ["--hp", file, "+run_id=new", `output_path=${output}`], project);
    expect(code).toBe(1);
    expect(stderr).toContain("set attention_constructor: dot_product in the transformer_block_config of the model");
  });

  test("is not what is assumed where the stored config names another attention", () => {
    writeFileSync(join(stored, "hp_resolved.yaml"), config.replace(BLOCK, `${BLOCK.slice(0, -2)}, attention_constructor: transolver }`));
    const { code, stderr } = runCli("noether-eval", [`+input_dir=${output}`, "+run_id=old", "+stage_name=train", `+output_path=${output}`], project);
    expect(code).toBe(1);
    expect(stderr).toContain("its blocks have transolver attention, but the weights are of dot_product attention");
  });
});
