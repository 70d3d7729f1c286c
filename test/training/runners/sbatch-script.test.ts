import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sbatchScript, type SbatchJob } from "../../../lib/training/runners/sbatch-script";
import { SlurmConfig } from "../../../lib/training/runners/slurm-config";

const directives = (config: Parameters<typeof SlurmConfig.create>[0], runs = 1) =>
  script({ slurm: SlurmConfig.create(config), runs: Array.from({ length: runs }, () => []) })
    .split("\n")
    .filter((line) => line.startsWith("#SBATCH "))
    .map((line) => line.slice("#SBATCH ".length));

const script = (job: Partial<SbatchJob>) =>
  sbatchScript({
    slurm: SlurmConfig.create({}),
    title: "a test",
    directory: "/",
    command: ["train"],
    runs: [[]],
    ...job,
  });

/** Words that a shell, Slurm or a script could take for something else. */
const HOSTILE = [
  "a b",
  "$HOME",
  "`id`",
  "$(id)",
  "it's",
  '"quoted"',
  "\\",
  "a\\nb",
  "*",
  "~",
  "#no comment",
  ";exit 3",
  "&",
  "|",
  "(",
  "!x",
  "%j",
  "line\nbreak",
  "tab\t",
  "ü→",
  "-n",
  "",
];

test("several tasks are started by srun", () => {
  expect(script({ slurm: SlurmConfig.create({ tasks_per_node: 2 }) })).toMatch(
    /^exec srun --kill-on-bad-exit=1 train$/m,
  );
  expect(script({})).toMatch(/^exec train$/m);
});

describe("options", () => {
  test("without any key: a name, no time limit, logs named by job", () => {
    expect(directives({ folder: "/logs" })).toEqual([
      "--job-name=noether-train",
      "--time=0",
      "--output=/logs/%j_log.out",
      "--error=/logs/%j_log.err",
    ]);
  });

  test("every key", () => {
    const config = {
      folder: "/logs",
      name: "flow",
      nodes: 1,
      tasks_per_node: 1,
      cpus_per_task: 8,
      gpus_per_node: "a100:2",
      mem_gb: 1.5,
      timeout_min: 90,
      stderr_to_stdout: true,
      slurm_partition: "gpu",
      slurm_array_parallelism: 2,
      slurm_additional_parameters: { account: "x y", exclusive: true, kill_on_invalid_dep: "yes", nice: 0 },
    };
    expect(directives(config, 3)).toEqual([
      "--job-name=flow",
      "--partition=gpu",
      "--nodes=1",
      "--ntasks-per-node=1",
      "--cpus-per-task=8",
      "--gpus-per-node=a100:2",
      "--mem=1536M",
      "--time=90",
      "--array=0-2%2",
      "--output=/logs/%A_%a_log.out",
      '--account="x y"',
      "--exclusive",
      "--kill-on-invalid-dep=yes",
      "--nice=0",
    ]);
  });

  test("logs of one's own replace both", () => {
    const own = { folder: "/logs", slurm_additional_parameters: { output: "/home/%u/%x_%j.out" } };
    expect(directives(own).slice(2)).toEqual(["--output=/home/%u/%x_%j.out"]);
  });

  // as Slurm 22.05 reads them
  test("quotes, backslashes and what is no placeholder", () => {
    expect(directives({ folder: '/50% of "x" $HOME', name: String.raw`my "run" it's $HOME \ #` })).toEqual([
      String.raw`--job-name="my \"run\" it's $HOME \\ #"`,
      "--time=0",
      String.raw`--output="/50%% of \"x\" $HOME/%j_log.out"`,
      String.raw`--error="/50%% of \"x\" $HOME/%j_log.err"`,
    ]);
  });
});

describe("what bash makes of it", () => {
  let root: string;
  beforeEach(() => (root = realpathSync(mkdtempSync(join(tmpdir(), 'it\'s $x "q" ')))));
  afterEach(() => rmSync(root, { recursive: true }));

  const print = 'console.log(JSON.stringify([process.cwd(), process.env.SETUP ?? "", ...process.argv.slice(1)]))';
  const command = [process.execPath, "-e", print, "--"];
  const run = (job: Partial<SbatchJob>, env: NodeJS.ProcessEnv = {}) => {
    const text = script({ directory: root, command, ...job });
    return JSON.parse(
      execFileSync("bash", { input: text, encoding: "utf8", env: { ...process.env, ...env } }),
    ) as string[];
  };

  test("one run, its words and its folder as they are", () => {
    expect(run({ runs: [HOSTILE] })).toEqual([root, "", ...HOSTILE]);
  });

  test("each task of an array its own", () => {
    const runs = [HOSTILE, ["x=1"], [...HOSTILE].reverse(), []];
    const tasks = runs.map((_, index) => run({ runs }, { SLURM_ARRAY_TASK_ID: String(index) }));
    expect(tasks).toEqual(runs.map((words) => [root, "", ...words]));
  });

  test("a title of any kind is a comment", () => {
    expect(run({ title: "a\necho b; $(exit 3)\r#SBATCH --x", runs: [["x"]] })).toEqual([root, "", "x"]);
  });

  test("lines of set-up come first, in the folder of the config", () => {
    mkdirSync(join(root, "a b"));
    const slurm = SlurmConfig.create({
      slurm_setup: ['export SETUP=$(basename "$PWD")', "false"],
      slurm_additional_parameters: { chdir: "a b" },
    });
    expect(run({ slurm })).toEqual([join(root, "a b"), "a b"]);
  });

  test.each([
    ["a folder that is gone", { directory: "/not/there" }],
    ["a task that is not there", { runs: [["a"], ["b"]] }],
  ])("%s: nothing runs", (_what, job) => {
    const { status, stdout } = spawnSync("bash", {
      input: script({ directory: root, command, ...job }),
      encoding: "utf8",
      env: { ...process.env, SLURM_ARRAY_TASK_ID: "7" },
    });
    expect(status).not.toBe(0);
    expect(stdout).toBe("");
  });

  test("signals reach the process that trains", () => {
    const kill = [
      "-e",
      "process.on('SIGTERM', () => { console.log('caught'); process.exit(0); }); process.kill(process.ppid === +process.env.PARENT ? process.pid : process.ppid, 'SIGTERM'); setTimeout(() => process.exit(1), 20_000)",
    ];
    const { stdout } = spawnSync("bash", {
      input: script({ directory: root, command: [process.execPath, ...kill] }),
      encoding: "utf8",
      env: { ...process.env, PARENT: String(process.pid) },
    });
    expect(stdout).toBe("caught\n");
  });
});

describe("secrets", () => {
  const names = ["WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "HARMLESS_TOKENS"];
  afterEach(() => names.forEach((name) => delete process.env[name]));

  test.each(names.slice(0, 4))("the value of %s is refused wherever it stands, and not repeated", (name) => {
    process.env[name] = "s3cr3t-value";
    const places: Partial<SbatchJob>[] = [
      { runs: [["+tracker.x=s3cr3t-value"]] },
      { slurm: SlurmConfig.create({ slurm_setup: ["curl https://u:s3cr3t-value@host"] }) },
      { slurm: SlurmConfig.create({ slurm_additional_parameters: { comment: "s3cr3t-value" } }) },
    ];
    for (const job of places) {
      expect(() => script(job)).toThrow(`the value of the environment variable ${name}`);
      expect(() => script(job)).not.toThrow("s3cr3t-value");
    }
  });

  test.each(["+tracker.api_key=abc", "++a.token=abc", "password=abc", "x.client_secret='a b'"])("%s", (override) => {
    expect(() => script({ runs: [["a=1"], [override]] })).toThrow(/no secret in the job script.*oc\.env/);
  });

  test("what is none passes", () => {
    process.env["HARMLESS_TOKENS"] = "s3cr3t-value";
    process.env["HF_TOKEN"] = "short";
    process.env["DB_PASSWORD"] = tmpdir().padEnd(8, "/"); // where it is, not what it is
    const runs = [
      [
        "a=s3cr3t-value",
        "b=short",
        `c=${process.env["DB_PASSWORD"]}`,
        "tracker.api_key=${oc.env:WANDB_API_KEY}",
        "num_tokens=8",
        "cls_token=true",
        "token=null",
      ],
    ];
    expect(script({ runs })).toContain("num_tokens=8");
  });
});
