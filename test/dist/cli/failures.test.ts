import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot, project, runCli } from "./run-cli";

/** What a run leaves that fails, and what it outlives. */

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "noether-failures-"));
  cpSync(project, root, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const script = join(packageRoot, "dist/cli/noether-train.js");
const args = (...overrides: string[]) => ["configs/train.yaml", "+run_id=run", "output_path=out", ...overrides];
const log = () => readFileSync(join(root, "out/run/train/log.txt"), "utf8");
/** A callback of the user's that fails in its second epoch. */
const FAILING = `import { PeriodicCallback } from "noether-ts/core";
export class Failing extends PeriodicCallback {

  override periodicCallback({ updateCounter }: { updateCounter: { epoch: number } }): void {
    if (updateCounter.epoch === 2) throw new Error("out of luck");
  }
}
`;

describe("the reason why a run failed is in its log, with the user's file and line", () => {
  const run = (...overrides: string[]) => runCli("noether-train", args(...overrides), root);

  test("an error in training", () => {
    writeFileSync(join(root, "failing.ts"), FAILING);
    const { code, stderr } = run("trainer.callbacks=[{kind: ./failing.ts#Failing, every_n_epochs: 1}]");
    expect(code).toBe(1);
    const reason = /out of luck\n {4}at Failing\.periodicCallback \((?:\/.*\/)?failing\.ts:5:\d+\)\n/;
    expect(stderr.slice(stderr.lastIndexOf("noether-train: error:"))).toMatch(/^noether-train: error: Error: out of luck\n {4}at Failing/);
    expect(stderr).toMatch(reason);
    const text = log();
    expect(text.slice(text.indexOf("the run failed:"))).toMatch(reason);
    expect(text).not.toMatch(/node:internal|dist\/training/);
  });

  test("an error before training", () => {
    const { code } = run("datasets.train.num_samples=1");
    expect(code).toBe(1);
    expect(log()).toMatch(/the run failed:\n.*the training set has 1 samples/);
  });

  test("an error that nobody waits for", () => {
    const text = FAILING.replace("if (updateCounter.epoch === 2) throw", "if (updateCounter.epoch === 1) setImmediate(() => { throw").replace('luck");', 'luck"); });');
    writeFileSync(join(root, "failing.ts"), text);
    const { code } = run("trainer.callbacks=[{kind: ./failing.ts#Failing, every_n_epochs: 1}]");
    expect(code).not.toBe(0);
    expect(log()).toMatch(/the run failed:\n.*out of luck\n {4}at .*failing\.ts:5/);
  });
});

describe("a run goes on", () => {
  const finished = () => {
    expect(readdirSync(join(root, "out/run/train/checkpoints"))).toContain("classifier_cp=last_model.th");
    expect(existsSync(join(root, "out/run/train/tracker/entries.th"))).toBe(true);
  };
  const shell = (command: string) => spawnSync("bash", ["-c", `set -o pipefail; ${command}`, "bash", process.execPath, script, ...args("trainer.max_epochs=6")], { cwd: root, encoding: "utf8" });

  test.each(['"$@" 2>&1 | head -n 1', '"$@" 2>&1 >/dev/null | true', '"$@" 2>/dev/full'])("when nobody reads what it prints: %s", (command) => {
    expect(shell(command).status).toBe(0);
    finished();
    expect(log()).toContain("standard error is no longer read");
  });

  test("when its terminal is gone", async () => {
    const child = spawn(process.execPath, [script, ...args("trainer.max_epochs=8")], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      const before = text.includes("epoch 2/");
      text += chunk.toString();
      if (before || !text.includes("epoch 2/")) return;
      child.stderr.destroy();
      child.kill("SIGHUP");
    });
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    finished();
    expect(log()).toContain("the terminal is gone: continuing without it");
  });
});
