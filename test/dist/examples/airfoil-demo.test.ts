import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..", "..");

test("the demo trains, compares, reports and says how to look at it; two updates are too few, and it says so", async () => {
  const directory = mkdtempSync(join(tmpdir(), "demo-"));
  try {
    const overrides = [
      "trainer.max_epochs=null",
      "+trainer.max_updates=2",
      "trainer.track_every_n_updates=1",
      "trainer.callbacks=[{kind: ./examples/airfoil/callback.ts#FieldErrorsCallback, every_n_updates: 2, batch_size: 1, dataset_key: test, baseline_dataset_key: val}, {kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 2, save_latest_weights: true}]",
      "+datasets.test.dataset_wrappers=[{kind: noether.data.base.wrappers.SubsetWrapper, end_index: 2}]",
      "model.hidden_dim=16",
      "pipeline.num_volume_anchor_points=16",
      `output_path=${directory}`,
    ];
    const demo = [join(root, "examples", "airfoil", "demo.mjs"), "examples/airfoil/train.yaml", ...overrides];
    const { status, stdout } = spawnSync(process.execPath, demo, { cwd: root, encoding: "utf8" });
    expect(stdout).toMatch(/AB-UPT\s+mean field\s+nearest case\s+surface_pressure\s+[\d.]+ %/);
    expect(stdout).toContain("expected: at least 3 times");
    expect(status).toBe(1);
    const [run] = readdirSync(directory);
    expect(readdirSync(join(directory, run!, "train"))).toEqual(expect.arrayContaining(["metrics.json", "airfoil.html"]));
    const [, command] = /^look: +npx noether-ts (.*)$/m.exec(stdout)!;
    const address = await served(`'${process.execPath}' dist/cli/noether-ts.js ${command} --port 0`);
    expect(address).toContain("http://127.0.0.1:");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Runs a command of a shell until it says where it serves, looks there, and ends it. */
async function served(command: string): Promise<string> {
  const server = spawn("sh", ["-c", `exec ${command}`], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  try {
    const line = await Promise.race([
      new Promise<string>((resolve) => server.stdout.once("data", (data: Buffer) => resolve(data.toString("utf8")))),
      ended.then((code) => `ended with code ${String(code)}`),
    ]);
    const address = /http:\S+/.exec(line)?.[0] ?? line;
    expect(await (await fetch(`${address}/shapes.mjs`)).text()).toContain("export const parameters");
    expect(await (await fetch(`${address}/run`)).json()).toMatchObject({ shapes: true });
    return address;
  } finally {
    server.kill("SIGTERM");
    expect(await ended).toBe(0);
  }
}
