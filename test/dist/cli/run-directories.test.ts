import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli, startCli } from "./run-cli";

/** Nobody overwrites somebody's run by accident. */

const config = "configs/train.yaml";
let output: string;
beforeEach(() => (output = mkdtempSync(join(tmpdir(), "noether-runs-"))));
afterEach(() => rmSync(output, { recursive: true, force: true }));

const train = (...args: string[]) => runCli("noether-train", [config, `output_path=${output}`, "trainer.max_epochs=1", ...args]);
const evaluate = (...args: string[]) => runCli("noether-eval", [`+input_dir=${output}`, "+run_id=run", "+stage_name=train", ...args]);
/** Everything in a folder, with its content. */
function contentOf(folder: string): Record<string, string> {
  const names = (readdirSync(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), "latin1")]));
}

test("a second run with the id of another is refused with the way out, and changes nothing", () => {
  expect(train("+run_id=run").code).toBe(0);
  const before = contentOf(output);
  const { code, stderr } = train("+run_id=run");
  expect(code).toBe(1);
  expect(stderr).toMatch(/override "\+run_id=run": run_id: expected the id of a new run.*resume_run_id: run, resume_stage_name: train/);
  expect(contentOf(output)).toEqual(before);
});

test("another stage of a run is a run of its own; a run may go on in its own folder", () => {
  expect(train("+run_id=run").code).toBe(0);
  expect(train("+run_id=run", "stage_name=second").code).toBe(0);
  const again = ["+run_id=run", "+resume_run_id=run", "+resume_stage_name=train", "trainer.max_epochs=2"];
  const { code, stderr } = train(...again);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(readdirSync(join(output, "run")).sort()).toEqual(["second", "train"]);
  expect(readdirSync(join(output, "run", "train", "checkpoints"))).toEqual(expect.arrayContaining(["classifier_cp=E1_U4_S32_model.th", "classifier_cp=E2_U8_S64_model.th"]));
  expect(train(...again, "stage_name=third").code).toBe(0);
});

test("evaluations never write where another run has been, nor another evaluation", () => {
  expect(train("+run_id=run").code).toBe(0);
  expect(train("+run_id=run", "stage_name=train_eval").code).toBe(0);
  const before = contentOf(output);
  for (const stage of ["train_eval_2", "train_eval_3"]) {
    const { code, stderr } = evaluate();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(existsSync(join(output, "run", stage, "hp_resolved.yaml"))).toBe(true);
    expect(readFileSync(join(output, "run", stage, "hp_resolved.yaml"), "utf8")).toContain(`stage_name: ${stage}\n`);
  }
  expect(contentOf(output)).toMatchObject(before);
});

test("an evaluation of a run without stage, too", () => {
  expect(train("+run_id=run", "stage_name=null").code).toBe(0);
  const before = contentOf(output);
  expect(runCli("noether-eval", [`+input_dir=${output}`, "+run_id=run"]).code).toBe(0);
  expect(existsSync(join(output, "run", "eval", "tracker", "entries.th"))).toBe(true);
  expect(contentOf(output)).toMatchObject(before);
});

test("of two processes at once the second is refused; of one that was killed the folder is free again", async () => {
  const id = ["+run_id=run"];
  const child = startCli("noether-train", [config, `output_path=${output}`, ...id, "trainer.max_epochs=100000", "+trainer.track_every_n_epochs=100000"]);
  child.stderr!.resume();
  const latest = join(output, "run", "train", "checkpoints", "classifier_cp=latest_trainer.th");
  while (!existsSync(latest)) await new Promise((resolve) => setImmediate(resolve));
  const resume = [...id, "+resume_run_id=run", "+resume_stage_name=train", "trainer.max_epochs=100000"];
  const { code, stderr } = train(...resume);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`in use by process ${child.pid} on .*remove .*run/train/\\.lock`));
  child.kill("SIGKILL");
  await once(child, "exit");
  const after = train(...resume, "trainer.max_epochs=1");
  expect({ code: after.code, stderr: after.stderr }).toMatchObject({ code: 0 });
  expect(existsSync(join(output, "run", "train", ".lock"))).toBe(false);
});

test("a run that fails before it begins leaves its log, and its id free", () => {
  const failed = train("+run_id=run", "datasets.train.num_samples=1");
  expect(failed.code).toBe(1);
  expect(readdirSync(join(output, "run", "train"))).toEqual(["log.txt"]);
  expect(train("+run_id=run").code).toBe(0);
});

describe("ids that lead out of the output root are refused before anything is written", () => {
  test.each([
    ["+run_id=../escape", /run_id: expected a name below the output root/],
    ["stage_name=../../escape", /stage_name: expected a name below the output root/],
    ["+run_id=/tmp/escape", /run_id: .*not an absolute path/],
    ["+resume_run_id=../escape", /resume_run_id: expected a name below the output root/],
    ["model.name=../../escape", /model\.name: expected a part of a file's name/],
  ])("%s", (override, message) => {
    const { code, stderr } = train(override);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(readdirSync(output)).toEqual([]);
  });

  test("a symbolic link", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "noether-elsewhere-"));
    symlinkSync(elsewhere, join(output, "run"));
    const { code, stderr } = train("+run_id=run");
    expect(code).toBe(1);
    expect(stderr).toContain("a symbolic link leads to");
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
  });

  test("of a run that is to be evaluated", () => {
    mkdirSync(join(output, "outputs"));
    mkdirSync(join(output, "run"));
    writeFileSync(join(output, "run", "hp_resolved.yaml"), "{}\n");
    const { code, stderr } = runCli("noether-eval", [`+input_dir=${join(output, "outputs")}`, "+run_id=../run"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/run_id: expected a name below the output root/);
  });
});
