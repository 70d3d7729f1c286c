import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeUnresolved } from "../../../lib/config";
import { composeEvaluation } from "../../../lib/inference";

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
