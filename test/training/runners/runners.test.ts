import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  parseCheckpointSelector,
  parseDevices,
  runDevice,
  runName,
  storeCodeArchive,
} from "../../../lib/training/runners";

describe("the name of a run", () => {
  test.each([
    [null, ["model.depth=4", "lr=0.001"], "--model.depth=4-lr=0.001"],
    [null, ["+experiment=test"], "--experiment=test"],
    [null, ["accelerator=gpu", "devices=4", "tracker=wandb", "model.width=10"], "--model.width=10"],
    [null, ["+accelerator=gpu", "+devices='0'"], ""],
    [null, ["layers=2.0", "alpha=1."], "--layers=2-alpha=1"],
    [null, ["clip_grad_norm=1.0"], "--gclip=1"],
    [null, ["lr=1e+3"], "--lr=1e+3"],
    ["baseline", ["model.name=resnet", "lr=0.01"], "baseline--model.name=resnet-lr=0.01"],
    ["baseline", [], "baseline"],
    ["baseline", ["tracker=disabled"], "baseline"],
  ])("%p with %j", (name, overrides, expected) => {
    expect(runName(name, overrides)).toBe(expected);
  });
});

describe("resume_checkpoint", () => {
  test.each([
    [null, "latest"],
    ["latest", "latest"],
    ["E10", { epoch: 10 }],
    ["U500", { update: 500 }],
    ["S4000", { sample: 4000 }],
    ["E10_U100_S200", "E10_U100_S200"],
    ["E1_U4_S32.signal_interrupt", "E1_U4_S32.signal_interrupt"],
    ["best_model.loss.test.total", "best_model.loss.test.total"],
  ])("%p is %j", (text, expected) => {
    expect(parseCheckpointSelector(text)).toEqual(expected);
  });
  test("nothing is no checkpoint", () => expect(() => parseCheckpointSelector("")).toThrow("resume_checkpoint"));
});

describe("devices", () => {
  test.each([
    ["0", [0]],
    ["0,1", [0, 1]],
    ["3,2,1", [3, 2, 1]],
    ["0, 1", [0, 1]],
    ["0,", [0]],
    ["", []],
  ])("%p", (text, expected) => expect(parseDevices("gpu", text)).toEqual(expected));
  test.each([["a"], ["1.0"], ["[0,1]"], ["0,,1"]])("%p is refused", (text) => {
    expect(() => parseDevices("gpu", text)).toThrow(/devices: expected device indices/);
  });
  test("one CPU; several devices are not possible yet; mps neither", () => {
    expect(runDevice("cpu", null)).toBe("cpu");
    expect(() => runDevice("cpu", "0,1")).toThrow(/expected one device/);
    expect(() => runDevice("cpu", "")).toThrow(/expected at least one device/);
    expect(() => runDevice("mps", null)).toThrow(/no Metal backend/);
  });
});

describe("the code archive", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-code-"))));
  afterEach(() => rmSync(root, { recursive: true }));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      cwd: root,
      stdio: "pipe",
    }).toString();

  test("holds tracked files as they are now and small untracked ones, but no data, no output and nothing ignored", () => {
    git("init", "-q");
    writeFileSync(join(root, "tracked.ts"), "old");
    writeFileSync(join(root, ".gitignore"), "ignored\n");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    writeFileSync(join(root, "tracked.ts"), "new");
    writeFileSync(join(root, "untracked.ts"), "x");
    writeFileSync(join(root, "ignored"), "x");
    writeFileSync(join(root, "data.bin"), Buffer.alloc(2 << 20));
    mkdirSync(join(root, "outputs/run"), { recursive: true });
    writeFileSync(join(root, "outputs/run/log.txt"), "x");
    const status = git("status", "--porcelain");

    const archive = storeCodeArchive(root, join(root, "outputs/run"))!;
    expect(execFileSync("tar", ["-tzf", archive]).toString().trim().split("\n").sort()).toEqual([
      ".gitignore",
      "tracked.ts",
      "untracked.ts",
    ]);
    expect(execFileSync("tar", ["-xzOf", archive, "tracked.ts"]).toString()).toBe("new");
    expect(git("status", "--porcelain")).toBe(status);
  });

  test("no repository: a warning and no archive", () => {
    expect(storeCodeArchive(root, join(root, "out"))).toBeNull();
  });
});
