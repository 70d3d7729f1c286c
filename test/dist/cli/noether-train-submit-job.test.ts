import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { packageRoot, project as circles } from "./run-cli";

/** Where Slurm answers, jobs go through it; elsewhere bash runs their scripts, by a command of the same name. */
const hasSlurm = spawnSync("sinfo", { timeout: 10_000 }).status === 0;

/** Runs each task of a script at once, with the logs that its options name. */
const FAKE = `#!${process.execPath}
const { execFileSync, spawnSync } = require("node:child_process");
const { openSync, readFileSync } = require("node:fs");
const script = readFileSync(process.argv.at(-1), "utf8");
if (process.argv[2] !== "--parsable" || process.env.FAKE_SBATCH_FAILS) { console.error("sbatch: error: no"); process.exit(1); }
const option = (name) => {
  const text = new RegExp("^#SBATCH --" + name + "=(.*)$", "m").exec(script)?.[1];
  return text?.startsWith('"') ? text.slice(1, -1).replace(/\\\\(.)/g, "$1") : text;
};
const tasks = option("array") === undefined ? [undefined] : Array.from({ length: Number(/-(\\d+)/.exec(option("array"))[1]) + 1 }, (_, task) => String(task));
for (const task of tasks) {
  const [out, err] = ["output", "error"].map((name) => openSync(option(name).replace(/%(.)/g, (_, key) => ({ A: "7", j: "7", a: task, "%": "%" })[key]), "w"));
  const array = task === undefined ? {} : { SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: task };
  spawnSync("bash", ["-s"], { input: script, stdio: ["pipe", out, err], env: { ...process.env, SLURM_JOB_ID: "7", ...array } });
}
console.log("7");
`;

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "it's a $project ")));
  cpSync(circles, root, { recursive: true });
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin/sbatch"), FAKE);
  chmodSync(join(root, "bin/sbatch"), 0o755);
});
afterAll(() => rmSync(root, { recursive: true }));

const submit = (args: string[], { env = {}, slurm = false }: { env?: NodeJS.ProcessEnv; slurm?: boolean } = {}) => {
  const path = slurm ? process.env["PATH"] : `${join(root, "bin")}${delimiter}${process.env["PATH"]}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageRoot, "dist/cli/noether-train-submit-job.js"), "configs/train.yaml", ...args], {
    cwd: root,
    encoding: "utf8",
    // with SBATCH_WAIT the real one returns when the job has ended
    env: { ...process.env, OMP_NUM_THREADS: "1", SBATCH_WAIT: "1", PATH: path, ...env },
  });
  return { code: status, stdout, stderr };
};
const SLURM = '+slurm={folder: "logs of %u, 5% $x", slurm_setup: ["echo set up"], stderr_to_stdout: false}';
const folder = () => readdirSync(root).find((name) => name.startsWith("logs of"))!;

test("a sweep is an array whose tasks train", () => {
  const args = [SLURM, "trainer.max_epochs=1", "-m", "samples=16,24", `name='a "b" $HOME'`];
  const shown = submit(["--dry-run", ...args]);
  expect(shown).toMatchObject({ code: 0 });
  expect(readdirSync(root).sort()).toEqual(["bin", "configs", "spiral.ts"]);

  const { code, stdout, stderr } = submit(args, { slurm: hasSlurm });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const id = /^Submitted job (\d+)\n/.exec(stdout)![1]!;
  expect(stdout.split("\n").slice(1, 3)).toEqual([expect.stringMatching(new RegExp(`^ {2}${id}_0 .*samples=16`)), expect.stringMatching(new RegExp(`^ {2}${id}_1 .*samples=24`))]);
  expect(stderr).toContain("all 2 runs are valid\n");

  expect(readFileSync(join(root, folder(), `${id}_submission.sh`), "utf8")).toBe(shown.stdout);
  expect(readdirSync(join(root, folder())).sort()).toEqual([`${id}_0_log.err`, `${id}_0_log.out`, `${id}_1_log.err`, `${id}_1_log.out`, `${id}_submission.sh`].sort());
  for (const [task, samples] of [16, 24].entries()) {
    expect(readFileSync(join(root, folder(), `${id}_${task}_log.out`), "utf8")).toMatch(/^set up\n/);
    expect(readFileSync(join(root, folder(), `${id}_${task}_log.err`), "utf8")).toContain("epoch 1/1");
    const resolved = readFileSync(join(root, "outputs", `${id}_${task}`, "train/hp_resolved.yaml"), "utf8");
    expect(resolved).toContain(`num_samples: ${samples}\n`);
    expect(resolved).toContain(`name: a "b" $HOME\n`);
  }

  // a row from each task, whichever ended last; that one prints the table
  const table = join(root, "outputs", id, "results.csv");
  expect(stderr).toContain(`results, as runs end: ${table}\n`);
  const [header, ...rows] = readFileSync(table, "utf8").trimEnd().split("\n");
  expect(header).toMatch(/^run,.*samples,.*status,seconds,path,/);
  expect(rows.map((row) => /^(\d),.*,(16|24),.*,(done),\d/.exec(row)?.slice(1))).toEqual([["0", "16", "done"], ["1", "24", "done"]]);
  const printed = [0, 1].map((task) => readFileSync(join(root, folder(), `${id}_${task}_log.out`), "utf8")).join("");
  expect(printed.match(/^run +samples/gm)).toHaveLength(1);
});

describe("nothing is submitted, and nothing stays,", () => {
  const fails = (args: string[], message: RegExp, env: NodeJS.ProcessEnv = {}) => {
    const { code, stdout, stderr } = submit(args, { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(existsSync(join(root, "none")) ? readdirSync(join(root, "none")) : []).toEqual([]);
  };
  const none = "+slurm={folder: none}";

  test("when a run is not valid", () => fails([none, "-m", "trainer.max_epochs=1,x"], /\[2\/2\].*\n.*error: .*trainer\.max_epochs: expected an integer/));
  test("when the runs of a sweep want different jobs", () => fails([none, "-m", "+slurm.mem_gb=1,2"], /expected the same section for all runs.*slurm\.mem_gb=2/));
  test("when sbatch refuses", () => fails([none], /sbatch: error: no\n.*error: sbatch failed \(exit code 1\)/, { FAKE_SBATCH_FAILS: "1" }));
  test("where there is no sbatch", () => fails([none], /expected sbatch on the PATH/, { PATH: "" }));
});
