/** Processes that a launcher has started: `torchrun`, and `srun` of a real Slurm. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { python } from "../../support/python";
import { type Slurm, startSlurm, withoutSlurm } from "../../support/slurm";
import { packageRoot, project } from "./run-cli";

let output: string;
beforeEach(() => (output = mkdtempSync(join(tmpdir(), "noether-launchers-"))));
afterEach(() => rmSync(output, { recursive: true, force: true }));

const train = (...more: string[]) => [process.execPath, join(packageRoot, "dist/cli/noether-train.js"), "configs/train.yaml", `output_path=${output}`, "+run_id=run", "accelerator=cpu", ...more];
const file = (...parts: string[]) => join(output, "run", "train", ...parts);

/** Runs a launcher with a training to its end. */
function launch(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: project,
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1", GLOO_SOCKET_IFNAME: "lo", ...env },
  });
  return { code: status, text: stdout + stderr };
}

function expectOneRun({ code, text }: { code: number | null; text: string }): void {
  expect({ code, text }).toMatchObject({ code: 0 });
  expect(text.match(/training with 2 processes/g)).toHaveLength(1);
  expect(readdirSync(file("checkpoints"))).toContain("classifier_cp=E2_U8_S64_model.th");
  expect(readFileSync(file("log.txt"), "utf8").match(/finished in/g)).toHaveLength(1);
}

const hasTorchrun = python !== undefined && spawnSync(python, ["-c", "import torch.distributed.run"]).status === 0;
if (!hasTorchrun) console.warn("skipped: torchrun (PYTHON has to name an interpreter with torch)");

describe("torchrun", () => {
  const whenThere = hasTorchrun ? test : test.skip;
  const run = (...more: string[]) =>
    launch(python!, ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python", ...train(...more)]);

  whenThere("starts one run of two processes", () => expectOneRun(run()));

  whenThere("learns that the processes failed, whose message names what is wrong", () => {
    const { code, text } = run("trainer.effective_batch_size=5");
    expect(code).toBe(1);
    expect(text).toMatch(/effective_batch_size 5 has to be a multiple of the number of processes 2/);
  });
});

if (withoutSlurm !== null) console.warn(`skipped: Slurm (${withoutSlurm})`);

describe("srun", () => {
  const whenThere = withoutSlurm === null ? test : test.skip;
  let slurm: Slurm | null = null;
  beforeAll(async () => {
    if (withoutSlurm === null) slurm = await startSlurm();
  });
  afterAll(() => slurm?.stop());
  const run = (...more: string[]) => launch("srun", ["--ntasks", "2", "--overcommit", "--kill-on-bad-exit=1", ...train(...more)], slurm!.env);

  whenThere("starts one run of two processes", () => expectOneRun(run()));

  whenThere("gives devices, so that the config may not", () => {
    const { code, text } = run('+devices="0,1"');
    expect(code).not.toBe(0);
    expect(text).toMatch(/devices: expected none under Slurm/);
    expect(existsSync(file())).toBe(false);
  });
});
