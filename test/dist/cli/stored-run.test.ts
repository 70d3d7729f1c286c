/** A run that the Python framework left, with the config as PyYAML writes it, is evaluated and resumed as it is. */
import { cpSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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
  const { code, stderr } = runCli("noether-train", ["--hp", join(output, RUN, "train/hp_resolved.yaml"), `resume_run_id=${RUN}`, "resume_stage_name=train", "resume_checkpoint=E2", "+run_id=next", "trainer.max_epochs=4", `output_path=${output}`], project);
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
