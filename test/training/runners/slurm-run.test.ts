import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PathProvider } from "../../../lib/core/providers";
import { claimFreeRun } from "../../../lib/training/runners/run-directory";
import { slurmRunId } from "../../../lib/training/runners/slurm-run";

test.each([
  [{}, null],
  [{ SLURM_JOB_ID: "12" }, "12"],
  [{ SLURM_JOB_ID: "12", SLURM_ARRAY_JOB_ID: "10" }, "12"],
  [{ SLURM_JOB_ID: "12", SLURM_ARRAY_JOB_ID: "10", SLURM_ARRAY_TASK_ID: "3" }, "10_3"],
  [{ SLURM_JOB_ID: "" }, null],
])("%j", (env, expected) => expect(slurmRunId(env)).toBe(expected));

test("several runs of one job have folders of their own, of different stages the same", () => {
  const root = mkdtempSync(join(tmpdir(), "noether-"));
  const claim = (stageName: string) => claimFreeRun(new PathProvider({ outputRootPath: root, runId: "12", stageName }));
  try {
    const claims = ["train", "train", "tune"].map(claim);
    expect(claims.map(({ paths }) => [paths.runId, paths.stageName])).toEqual([
      ["12", "train"],
      ["12_2", "train"],
      ["12", "tune"],
    ]);
    expect(claims.every(({ paths }) => existsSync(paths.runOutputPath))).toBe(true);
    for (const { lock } of claims) lock.release();
  } finally {
    rmSync(root, { recursive: true });
  }
});
