import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { MetricPropertyProvider, Ordinality, PathProvider } from "../../../lib/core/providers";

describe("PathProvider", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-"))));
  afterEach(() => rmSync(root, { recursive: true }));
  const provider = (options: { runId?: string; stageName?: string | null; debug?: boolean } = {}) =>
    new PathProvider({ outputRootPath: root, runId: "run", ...options });

  test("run, stage and debug folders", () => {
    expect(provider().runOutputPath).toBe(join(root, "run"));
    expect(provider({ stageName: "train" }).runOutputPath).toBe(join(root, "run", "train"));
    expect(provider({ stageName: "" }).runOutputPath).toBe(join(root, "run"));
    expect(provider({ debug: true }).runOutputPath).toBe(join(root, "debug", "run"));
    const { checkpointPath, logfileUri, basetrackerEntriesUri, basetrackerConfigUri, basetrackerSummaryUri } =
      provider();
    expect([checkpointPath, logfileUri]).toEqual([join(root, "run", "checkpoints"), join(root, "run", "log.txt")]);
    expect([basetrackerConfigUri, basetrackerEntriesUri, basetrackerSummaryUri]).toEqual(
      ["config.yaml", "entries.th", "summary.yaml"].map((name) => join(root, "run", "tracker", name)),
    );
  });

  test("looking creates nothing", () => {
    void provider({ runId: "mistyped" }).checkpointPath;
    expect(existsSync(join(root, "mistyped"))).toBe(false);
  });

  test("another run: the stage is taken as given", () => {
    const other = provider({ stageName: "train" }).withRun("other");
    expect([other.runId, other.stageName, other.outputRoot]).toEqual(["other", null, root]);
    expect(provider().withRun(null, "eval").runOutputPath).toBe(join(root, "run", "eval"));
  });

  test("a debug run finds debug runs", () => {
    mkdirSync(join(root, "debug", "other"), { recursive: true });
    expect(provider({ debug: true }).withRun("other").runOutputPath).toBe(join(root, "debug", "other"));
    mkdirSync(join(root, "other"));
    expect(provider({ debug: true }).withRun("other").runOutputPath).toBe(join(root, "other"));
  });

  test("run ids", () => {
    const id = PathProvider.generateRunId(new Date(2026, 0, 31));
    expect(id).toMatch(/^2026-01-31_[a-z0-9]{5}$/);
    expect(PathProvider.generateRunId()).not.toBe(PathProvider.generateRunId());
  });

  describe("link to the run that is continued", () => {
    test("is made, and replaced also when its target is gone", () => {
      const run = provider();
      mkdirSync(run.runOutputPath);
      symlinkSync(join(root, "gone"), join(run.runOutputPath, "ancestor"));
      run.link(run.withRun("first"));
      expect(readlinkSync(join(run.runOutputPath, "ancestor"))).toBe(join(root, "first"));
    });

    test("is not made to the run itself", () => {
      const run = provider();
      run.link(run.withRun("run", "stage"));
      expect(existsSync(join(root, "run", "ancestor"))).toBe(false);
    });
  });
});

describe("MetricPropertyProvider", () => {
  const metrics = new MetricPropertyProvider();
  afterEach(() => MetricPropertyProvider.resetPatterns());

  test.each([
    ["val/loss/total", Ordinality.LOWER_IS_BETTER, false],
    ["loss/online/total/E1", Ordinality.LOWER_IS_BETTER, false],
    ["train_accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["Train_Accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["loss/val/accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["loss_weight/decay", Ordinality.NEUTRAL, false],
    ["optim/lr/encoder", Ordinality.NEUTRAL, false],
    ["OPTIM/LR", Ordinality.NEUTRAL, false],
    ["lossdiff/val/mse", Ordinality.NEUTRAL, false],
    ["train_time/forward/mean/E1", Ordinality.NEUTRAL, false],
    ["error", Ordinality.LOWER_IS_BETTER, false],
  ])("%s is %s", (key, ordinality, higher) => {
    expect(metrics.getOrdinality(key)).toBe(ordinality);
    expect(metrics.higherIsBetter(key)).toBe(higher);
  });

  test("an unknown metric counts as better when higher, with a warning", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(metrics.getOrdinality("val/f1")).toBeNull();
    expect(metrics.higherIsBetter("val/f1")).toBe(true);
    expect(warnings.mock.calls.join()).toContain("had no defined pattern");
    warnings.mockRestore();
  });

  test("registered patterns come before the defaults, in their order", () => {
    MetricPropertyProvider.registerPattern("val/loss/*", Ordinality.NEUTRAL);
    MetricPropertyProvider.registerPattern("*", Ordinality.LOWER_IS_BETTER);
    expect(metrics.isNeutralKey("val/loss/epoch")).toBe(true);
    expect(metrics.getOrdinality("train/score")).toBe(Ordinality.LOWER_IS_BETTER);
  });

  test("shell patterns", () => {
    MetricPropertyProvider.registerPattern("m[12]/?", Ordinality.HIGHER_IS_BETTER);
    MetricPropertyProvider.registerPattern("n[!0]", Ordinality.LOWER_IS_BETTER);
    expect(metrics.getOrdinality("m1/a")).toBe(Ordinality.HIGHER_IS_BETTER);
    expect(metrics.getOrdinality("m3/a")).toBeNull();
    expect(metrics.getOrdinality("n1")).toBe(Ordinality.LOWER_IS_BETTER);
    expect(metrics.getOrdinality("n0")).toBeNull();
  });
});
