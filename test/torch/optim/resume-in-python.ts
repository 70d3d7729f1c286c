/** PyTorch goes on from what was written here (fixtures/resume.py). */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { save, type Tensor } from "../../../lib/torch";
import { python } from "../../support/python";

/** An optimizer after ten steps; options by PyTorch's names. */
export interface HalfRun {
  readonly kind: string;
  readonly options: object;
  readonly optimizer: { stateDict(): unknown };
  readonly params: readonly Tensor[];
}

/** A test that needs the Python with torch that the variable PYTHON names. */
export const inPython = python === undefined ? test.skip : test;
if (python === undefined) console.info("skipped: PyTorch goes on from files (PYTHON names no Python with torch)");

/** The parameters of each run after ten further steps in PyTorch, flat. */
export function resumeInPython(runs: readonly HalfRun[]): number[][][] {
  const folder = mkdtempSync(join(tmpdir(), "noether-optim-"));
  try {
    const files = runs.map(({ optimizer, params }, i) => {
      const path = join(folder, `${i}.pt`);
      save({ optimizer: optimizer.stateDict(), params: params.map((param) => param.detach()) }, path);
      return path;
    });
    const described = JSON.stringify(runs.map(({ kind, options }) => ({ kind, options })));
    const script = join(__dirname, "fixtures", "resume.py");
    const printed = execFileSync(python!, ["-W", "ignore", script, described, ...files], { encoding: "utf8" });
    return JSON.parse(printed) as number[][][];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
