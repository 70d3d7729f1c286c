import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { PathProvider } from "../../../lib/core/providers";

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

  test.each([
    ["../escape"],
    ["a/../../b"],
    ["/absolute"],
    ["C:/absolute"],
    ["a\\b"],
    ["a\0b"],
    ["a\nb"],
    [""],
    ["."],
    ["a//b"],
    ["a/"],
  ])("%j is no run id, and no stage", (name) => {
    expect(() => provider({ runId: name })).toThrow(/run id: expected a name/);
    if (name !== "") expect(() => provider({ stageName: name })).toThrow(/stage name: expected a name/);
    expect(() => provider().withRun(name)).toThrow(/run id/);
  });

  test.each(["sweep/0", "a..b", "..a", "-", "2026-01-31_x7k2p", "…"])("%j is one", (name) => {
    expect(provider({ runId: name, stageName: name }).runOutputPath).toBe(join(root, name, name));
  });

  describe("symbolic links", () => {
    const elsewhere = (): string => mkdtempSync(join(tmpdir(), "noether-elsewhere-"));
    test.each(["run", "run/stage", "debug"])("that lead out of the output root are refused (%s)", (link) => {
      const target = elsewhere();
      mkdirSync(dirname(join(root, link)), { recursive: true });
      symlinkSync(target, join(root, link));
      const run = provider({ stageName: "stage", debug: link === "debug" });
      expect(() => run.refuseEscape()).toThrow(`a symbolic link leads to '${realpathSync(target)}`);
      rmSync(target, { recursive: true });
      expect(() => run.refuseEscape()).toThrow("a symbolic link leads to");
    });

    test("that stay below it, and the output root itself, may be followed", () => {
      const target = elsewhere();
      const linked = join(root, "outputs");
      symlinkSync(target, linked);
      mkdirSync(join(target, "real"));
      symlinkSync("real", join(target, "run"));
      const run = new PathProvider({ outputRootPath: linked, runId: "run" });
      run.refuseEscape();
      new PathProvider({ outputRootPath: linked, runId: "new", stageName: "stage" }).refuseEscape();
      expect(readdirSync(target).sort()).toEqual(["real", "run"]);
      rmSync(target, { recursive: true });
    });
  });

  test("run ids", () => {
    const id = PathProvider.generateRunId(new Date(2026, 0, 31));
    expect(id).toMatch(/^2026-01-31_[a-z0-9]{5}$/);
    const ids = Array.from({ length: 10 }, () => PathProvider.generateRunId());
    for (const each of ids) expect(each).toMatch(/^\d{4}-\d\d-\d\d_[a-z0-9]{5}$/);
    expect(new Set(ids).size).toBe(10);
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
