import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { project, runCli, startCli } from "./run-cli";

const config = "configs/train.yaml";
let output: string;
beforeEach(() => (output = mkdtempSync(join(tmpdir(), "noether-cli-"))));
afterEach(() => rmSync(output, { recursive: true, force: true }));

const train = (...args: string[]) => runCli("noether-train", [config, `output_path=${output}`, "+run_id=run", ...args]);
const runFile = (...parts: string[]) => join(output, "run", "train", ...parts);
const read = (...parts: string[]) => readFileSync(runFile(...parts), "utf8");

describe("a training run", () => {
  test("a project's own classes train, and leave a run directory behind", () => {
    const { code, stderr } = train();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(readdirSync(runFile("checkpoints"))).toEqual(
      expect.arrayContaining([
        "classifier_cp=E2_U8_S64_model.th",
        "classifier_cp=latest_model.th",
        "classifier_cp=latest_optim.th",
        "classifier_cp=latest_trainer.th",
      ]),
    );
    expect(read("log.txt")).toContain("loss/test/total");
    expect(existsSync(runFile("tracker", "entries.th"))).toBe(true);
    expect(read("hp_resolved.yaml")).toContain("kind: ./spiral.ts#Classifier");
    expect(read("hp_resolved.yaml").trimEnd().split("\n").at(-1)).toBe("config_schema_kind: noether.core.schemas.schema.ConfigSchema");
  });

  test("an experiment and overrides change the run, and name it", () => {
    expect(train("+experiment=wide", "trainer.max_epochs=1", "optimizer.lr=1e-3", "tracker=disabled").code).toBe(0);
    expect(read("hp_resolved.yaml")).toContain("hidden_dim: 32");
    expect(read("hp_resolved.yaml").match(/(lr|max_value): 0\.001/g)).toHaveLength(2);
    expect(read("log.txt")).toContain("circles-wide--");
    expect(read("log.txt")).toContain("-experiment=wide-trainer.max_epochs=1-optimizer.lr=1e-3");
  });

  test("a run is resumed from another's checkpoint", () => {
    expect(train("trainer.max_epochs=1").code).toBe(0);
    const again = ["+run_id=again", "+resume_run_id=run", "+resume_stage_name=train"];
    const { code, stderr } = runCli("noether-train", [config, `output_path=${output}`, ...again]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(readdirSync(join(output, "again", "train", "checkpoints"))).not.toContain("classifier_cp=E1_U4_S32_model.th");
    expect(readdirSync(join(output, "again", "train", "checkpoints"))).toContain("classifier_cp=E2_U8_S64_model.th");
    expect(readdirSync(join(output, "again", "train", "ancestor"))).toContain("checkpoints");
  });

  test("the same seed gives the same run", () => {
    const losses = ["a", "b"].map((id) => {
      expect(runCli("noether-train", [config, `output_path=${output}`, `+run_id=${id}`, "+seed=3"]).code).toBe(0);
      const log = readFileSync(join(output, id, "train", "log.txt"), "utf8");
      return log.split("\n").filter((line) => / loss\/.*: /.test(line)).map((line) => line.slice(20));
    });
    expect(losses[0]!.length).toBeGreaterThan(2);
    expect(losses[0]).toEqual(losses[1]);
  });

  test("SIGTERM finishes the update, saves a checkpoint and exits with 0", async () => {
    const child = startCli("noether-train", [config, `output_path=${output}`, "+run_id=run", "trainer.max_epochs=100000", "trainer.callbacks=null"]);
    let log = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      const before = log.includes("epoch 1/");
      log += chunk.toString();
      if (!before && log.includes("epoch 1/")) child.kill("SIGTERM");
    });
    const [code] = (await once(child, "exit")) as [number | null];
    expect({ code, log }).toMatchObject({ code: 0 });
    expect(readdirSync(runFile("checkpoints")).some((name) => name.includes("signal_interrupt_model.th"))).toBe(true);
  });

  test("Ctrl-C ends at once, says what that means, and leaves no half-written file", async () => {
    const child = startCli("noether-train", [
      config,
      `output_path=${output}`,
      "+run_id=run",
      "trainer.max_epochs=100000",
    ]);
    let log = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      if (!log.includes("epoch 1/") && `${log}${chunk.toString()}`.includes("epoch 1/")) child.kill("SIGINT");
      log += chunk.toString();
    });
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    expect([code, signal]).toEqual([null, "SIGINT"]);
    expect(log.match(/interrupted: .*save_on_sigint: true/g)).toHaveLength(1);
    expect(readdirSync(runFile("checkpoints")).filter((name) => !name.endsWith(".th"))).toEqual([]);
  });

  test("a sweep runs one job after the other, and ends with a table", () => {
    const { code, stdout, stderr } = runCli("noether-train", [config, "-m", `output_path=${output}`, "trainer.max_epochs=1", "+seed=1,2", "+run_id=run"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("job 2 of 2");
    const seeds = ["0", "1"].map((job) => readFileSync(join(output, "run", job, "train", "log.txt"), "utf8").match(/set seed to [12]/g));
    expect(seeds).toEqual([["set seed to 1"], ["set seed to 2"]]);
    expect(stdout.split("\n")[0]).toMatch(/^run {2}seed {2}status {2}time .*loss\/test\/total\/min/);
    expect(stdout).toMatch(/^0 {4}1 {5}done /m);
  });

  test("a sweep at the same time: one failing run loses no other, results.csv has all, the exit code says it", () => {
    const sweep = ["-m", "+jobs=2", `output_path=${output}`, "trainer.max_epochs=1", "model.hidden_dim=4,x,8", "+run_id=run"];
    const { code, stdout, stderr } = runCli("noether-train", [config, ...sweep]);
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain("[2/3] noether-train: error: ");
    expect(stdout.match(/^\d +\S+ +(done|failed) /gm)!.map((line) => line.split(/ +/).slice(0, 3))).toEqual([
      ["0", "4", "done"],
      ["1", "x", "failed"],
      ["2", "8", "done"],
    ]);
    const [head, ...rows] = readFileSync(join(output, "run", "results.csv"), "utf8").trimEnd().split("\n").map((line) => line.split(","));
    const cell = (row: number, name: string) => rows[row]![head!.indexOf(name)];
    expect([0, 1, 2].map((row) => cell(row, "path"))).toEqual([join(output, "run", "0", "train"), "", join(output, "run", "2", "train")]);
    expect(Number(cell(0, "loss/test/total/last"))).toBeGreaterThan(0);
    expect(cell(1, "loss/test/total/last")).toBe("");
  });

  test("SIGTERM to a sweep stops its runs with checkpoints, and none begins", async () => {
    const child = startCli("noether-train", [config, "-m", "+jobs=2", `output_path=${output}`, "+run_id=run", "trainer.max_epochs=100000", "trainer.callbacks=null", "+seed=1,2,3"]);
    let log = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      const ready = () => ["[1/3]", "[2/3]"].every((job) => log.includes(`${job} `) && new RegExp(`\\${job} .*epoch 1/`).test(log));
      const before = ready();
      log += chunk.toString();
      if (!before && ready()) child.kill("SIGTERM");
    });
    const [code] = (await once(child, "exit")) as [number | null];
    expect({ code, log }).toMatchObject({ code: 143 });
    for (const job of ["0", "1"])
      expect(readdirSync(join(output, "run", job, "train", "checkpoints")).some((name) => name.includes("signal_interrupt"))).toBe(true);
    expect(existsSync(join(output, "run", "2"))).toBe(false);
    expect(readFileSync(join(output, "run", "results.csv"), "utf8").match(/stopped|not run/g)).toEqual(["stopped", "stopped", "not run"]);
  });
});

describe("showing instead of running", () => {
  test("--help and no argument at all", () => {
    const help = runCli("noether-train", ["--help"]);
    expect([help.code, help.stdout.split("\n")[0]]).toEqual([0, "Usage: noether-train CONFIG.yaml [key=value ...]"]);
    const nothing = runCli("noether-train", []);
    expect([nothing.code, nothing.stdout]).toEqual([2, ""]);
    expect(nothing.stderr).toContain("Usage: noether-train");
  });

  test("--cfg job prints the composed config; --hp works anywhere", () => {
    const { code, stdout } = runCli("noether-train", ["model=large", "--hp", config, "--cfg", "job", "--resolve", "--package", "model"]);
    expect(code).toBe(0);
    expect(stdout).toContain("hidden_dim: 32\n");
    expect(stdout).toContain("  lr: 0.01\n");
    expect(runCli("noether-train", ["-cp", "configs", "-cn", "train", "--cfg", "job"]).stdout).toContain("optimizer_config: ${optimizer}");
  });

  test("--info lists the files in their order", () => {
    const { stdout } = runCli("noether-train", [config, "--info", "+experiment=wide"]);
    expect(stdout.match(/^\S+/gm)!.slice(2)).toEqual(["model/small", "model/large", "optimizer/adamw", "callbacks/standard", "train", "experiment/wide"]);
  });
});

describe("bad input: one clear error, nothing written", () => {
  const fails = (args: string[], message: RegExp | string, code = 1) => {
    const result = runCli("noether-train", args);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).not.toContain("    at ");
    expect(readdirSync(output)).toEqual([]);
  };
  const run = (...args: string[]) => [config, `output_path=${output}`, ...args];

  test("a missing file", () => fails(["configs/trian.yaml"], /noether-train: error: expected the config file trian\.yaml below configs.*did you mean "train"\?/));
  test("an unknown flag", () => fails([config, "--mulitrun"], /unknown flag --mulitrun; did you mean --multirun\?/, 2));
  test("a file that is no YAML file", () => fails(["--hp", "train.yml.txt"], /expected a \.yaml file/, 2));
  test("a misspelt override", () =>
    fails(run("trainer.max_epoch=3"), 'override "trainer.max_epoch=3": trainer.max_epoch: "trainer" has no key "max_epoch"; did you mean "max_epochs"?'));
  test("an unknown option of a group", () => fails(run("model=lagre"), /override "model=lagre": expected the config file model\/lagre\.yaml.*did you mean "large"\?/));
  test("a misspelt key", () => fails(run("+trainer.precison=bf16"), 'trainer.precison: unknown key of BaseTrainerConfig; did you mean "precision"?'));
  test("a wrong type, with its line", () =>
    fails(run("trainer.max_epochs=ten"), 'override "trainer.max_epochs=ten": trainer.max_epochs: expected an integer, received the string "ten"'));
  test("devices as a number", () => fails(run("+devices=0"), 'override "+devices=0": devices: expected a string, received the number 0'));
  test("an unknown kind, with its line", () =>
    fails(run("optimizer.kind=torch.optim.AdamWW"), /optimizer_config\.kind: unknown kind "torch\.optim\.AdamWW"; did you mean "torch\.optim\.AdamW"/));
  test("an unknown class of a user's file", () => fails(run("kinds=./spirals.ts"), /expected the file .*spirals\.ts.*did you mean "spiral\.ts"\?/));
  test("a missing mandatory value", () => fails(run("trainer.effective_batch_size=???"), "trainer.effective_batch_size: expected an integer, received ??? (to be given, e.g. on the command line)"));
  test("a run to go on from that is not there", () => fails(run("+resume_run_id=nope"), /override "\+resume_run_id=nope": resume_run_id: expected a run in .*received "nope"/));
  test("a data set of a callback that is not there", () =>
    fails(run("trainer.callbacks=[{kind: noether.training.callbacks.OfflineLossCallback, every_n_epochs: 1, dataset_key: tset}]"), /trainer\.callbacks\.0\.dataset_key: expected the key of a data set, received "tset"; did you mean "test"\?/));
  test("a key that belongs elsewhere", () => fails(run("+max_epochs=3"), /max_epochs: unknown key, which nothing in the config refers to; did you mean "trainer\.max_epochs"\?/));
  test("every problem at once", () => {
    const { stderr } = runCli("noether-train", run("trainer.max_epochs=x", "model.hidden_dim=y", "~datasets.test.kind"));
    expect(stderr).toContain("the config has 3 problems:");
    expect(stderr).toMatch(/configs\/train\.yaml:\d+: datasets\.test: missing "kind"/);
  });
  test("an output path that cannot be written", () => {
    writeFileSync(join(output, "file"), "");
    const { code, stderr } = runCli("noether-train", [config, `output_path=${join(output, "file")}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/noether-train: error: .*(ENOTDIR|EEXIST)/);
  });
  test("a GPU where there is none", () => {
    const result = runCli("noether-train", run("accelerator=gpu", "+devices='7'"));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/(accelerator|devices): expected/);
  });
});

test("the project's directory stays clean", () => {
  expect(readdirSync(project).sort()).toEqual(["configs", "spiral.ts"]);
});
