import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeUnresolved } from "../../../lib/config";
import { composeEvaluation } from "../../../lib/inference/runners/evaluation-config";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "noether-"));
  mkdirSync(join(root, "12345", "train"), { recursive: true });
  writeFileSync(join(root, "12345", "train", "hp_resolved.yaml"), `output_path: ${root}\nstage_name: train\n`);
});
afterAll(() => rmSync(root, { recursive: true }));
const evaluate = (...overrides: string[]) =>
  composeEvaluation(composeUnresolved({ overrides: [`+input_dir=${root}`, "+stage_name=train", ...overrides] }));

test.each(["+run_id=12345", '+run_id="12345"'])("%s: the number of a Slurm job is a run id", (override) => {
  expect(evaluate(override).composed.plain).toMatchObject({
    run_id: "12345",
    resume_run_id: "12345",
    stage_name: "train_eval",
  });
});

test.each(["+run_id=true", "+run_id=1.5"])("%s is none", (override) => {
  expect(() => evaluate(override)).toThrow("run_id: expected a string");
});

/** The composed config of an evaluation of a run with another stored config. */
function composed(stored: string, overrides: readonly string[], stage = "train") {
  const runId = `run${Math.abs([...stored, ...overrides.join("")].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 7))}`;
  mkdirSync(join(root, runId, stage), { recursive: true });
  writeFileSync(join(root, runId, stage, "hp_resolved.yaml"), stored);
  const all = [
    `+input_dir=${root}`,
    `+run_id=${runId}`,
    ...(stage === "" ? [] : [`+stage_name=${stage}`]),
    ...overrides,
  ];
  return { runId, evaluation: composeEvaluation(composeUnresolved({ overrides: all })) };
}

test("the run id that is stored is that of the weights; without one it is the given one", () => {
  const { runId, evaluation } = composed("run_id: stored\nstage_name: train\n", []);
  expect(evaluation.composed.plain).toMatchObject({ run_id: runId, resume_run_id: "stored" });
  const other = composed("run_id: null\nstage_name: train\n", []);
  expect(other.evaluation.composed.plain).toMatchObject({ run_id: other.runId, resume_run_id: other.runId });
});

test("a run without a stage is evaluated in a stage of its own", () => {
  const { composed: plain } = composed("seed: 0\n", [], "").evaluation;
  expect(plain.plain).toMatchObject({ resume_stage_name: "", stage_name: "eval" });
});

test("what the run itself was resumed from does not count; a stage and a checkpoint that are given do", () => {
  const stored = "resume_run_id: before\nresume_stage_name: x\nresume_checkpoint: E3\nstage_name: train\n";
  expect(composed(stored, []).evaluation.composed.plain).toMatchObject({
    resume_stage_name: "train",
    resume_checkpoint: "latest",
  });
  const given = ["+resume_stage_name=pretrain", "+resume_checkpoint=E1"];
  expect(composed(stored, given).evaluation.composed.plain).toMatchObject({
    resume_stage_name: "pretrain",
    resume_checkpoint: "E1",
  });
});

test("mappings are merged key by key, lists are replaced, and what says which run is evaluated is no part of the config", () => {
  const stored = "trainer: { a: 1, b: { c: 2 }, callbacks: [x, y] }\nstage_name: train\n";
  const { evaluation } = composed(stored, ["+trainer.b.d=3", "+trainer.callbacks=[z]", '+model_info="ema=0.9"']);
  const { plain } = evaluation.composed;
  expect(plain["trainer"]).toEqual({ a: 1, b: { c: 2, d: 3 }, callbacks: ["z"] });
  expect(["input_dir", "model_info"].filter((key) => key in plain)).toEqual([]);
  expect([evaluation.inputDir, evaluation.modelInfo]).toEqual([root, "ema=0.9"]);
});

test("sets and tuples of Python become lists, wherever they are", () => {
  const stored =
    "a: !!set { x: null, y: null }\nb: { c: !!python/tuple [1, 2] }\nd: [!!set { z: null }]\nstage_name: train\n";
  expect(composed(stored, []).evaluation.composed.plain).toMatchObject({
    a: ["x", "y"],
    b: { c: [1, 2] },
    d: [["z"]],
  });
});

test.each([
  [["+run_id=12345"], "expected input_dir"],
  [["+input_dir=nowhere"], "expected run_id"],
])("%j: %s", (overrides, message) => {
  expect(() => composeEvaluation(composeUnresolved({ overrides }))).toThrow(message);
});

test("what is not there of a run, and what is", () => {
  const outcome = (...overrides: string[]) => {
    try {
      composeEvaluation(composeUnresolved({ overrides }));
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  expect(outcome(`+input_dir=${root}/nowhere`, "+run_id=12345")).toBe(
    `expected input_dir, the output root of a training run: there is no ${root}/nowhere`,
  );
  expect(outcome(`+input_dir=${root}`, "+run_id=12354")).toBe(
    `expected a run in ${root}, there is no 12354; did you mean "12345"?`,
  );
  expect(outcome(`+input_dir=${root}`, "+run_id=12345")).toMatch(
    /hp_resolved.yaml, the config .*: its stage_name is "train"$/,
  );
  // as in a config file whose run_id is to be given
  expect(outcome(`+input_dir=${root}`, "+run_id=???")).toMatch(/^expected run_id \(the run to evaluate\): give it/);
});
