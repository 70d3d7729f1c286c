import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "./run-cli";

let output: string;
beforeAll(() => {
  output = mkdtempSync(join(tmpdir(), "noether-eval-"));
  const { code, stderr } = runCli("noether-train", ["configs/train.yaml", `output_path=${output}`, "+run_id=run", "trainer.max_epochs=1"]);
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(output, { recursive: true, force: true }));

const base = () => [`+input_dir=${output}`, "+run_id=run", "+stage_name=train"];
const loss = (log: string, key = "loss/test/total") => [...log.matchAll(new RegExp(`${key}: ([\\d.]+)`, "g"))].map((match) => match[1]);

describe("evaluation of a finished run", () => {
  test("gives the loss of training's last epoch, in a stage of its own", () => {
    const before = readdirSync(join(output, "run", "train"));
    const trained = loss(readFileSync(join(output, "run", "train", "log.txt"), "utf8"));
    const { code, stderr } = runCli("noether-eval", base());
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const evaluated = loss(readFileSync(join(output, "run", "train_eval", "log.txt"), "utf8"));
    expect(evaluated[0]).toBe(trained[0]);
    expect(stderr).toContain(`loss/test/total ${Number(evaluated[0]).toPrecision(5)}`);
    expect(readdirSync(join(output, "run"))).toEqual(["train", "train_eval"]);
    expect(readdirSync(join(output, "run", "train"))).toEqual(before);
  });

  test("takes a config file whose callbacks replace those of training", () => {
    const file = join(output, "eval.yaml");
    writeFileSync(
      file,
      `input_dir: ${output}
run_id: run
stage_name: train
trainer:
  callbacks:
    - kind: noether.training.callbacks.OfflineLossCallback
      every_n_epochs: 1
      batch_size: 8
      dataset_key: train
`,
    );
    const { code, stderr } = runCli("noether-eval", [file, "resume_checkpoint=E1".replace(/^/, "+")]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("loss/train/total");
    expect(stderr).not.toContain("loss/test/total");
  });

  test("reads the weights where the run has been moved to", () => {
    const moved = mkdtempSync(join(tmpdir(), "noether-moved-"));
    renameSync(join(output, "run"), join(moved, "run"));
    try {
      const { code, stderr } = runCli("noether-eval", [`+input_dir=${moved}`, "+run_id=run", "+stage_name=train", `+output_path=${moved}`]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
    } finally {
      renameSync(join(moved, "run"), join(output, "run"));
      rmSync(moved, { recursive: true });
    }
  });
});

describe("bad input", () => {
  const fails = (args: string[], message: RegExp) => {
    const { code, stderr } = runCli("noether-eval", args);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  };
  test("no input_dir", () => fails(["+run_id=run"], /noether-eval: error: expected input_dir/));
  test("no run_id", () => fails([`+input_dir=${output}`], /expected run_id/));
  test("a key without plus", () => fails([`input_dir=${output}`], /write \+input_dir=.* to add it/));
  test("a run that is not there", () => fails([`+input_dir=${output}`, "+run_id=nope"], /expected a run in .*, there is no nope/));
  test("a checkpoint that is not there", () => fails([...base(), "+resume_checkpoint=best_model"], /noether-eval: error: .*best_model/));
  test("a misspelt key of the run", () => fails([...base(), "+trainer.precison=fp32"], /trainer\.precison: unknown key of BaseTrainerConfig; did you mean "precision"/));
});
