import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..", "..");

test("the demo trains, compares and reports; two updates are too few, and it says so", () => {
  const directory = mkdtempSync(join(tmpdir(), "demo-"));
  try {
    const overrides = [
      "trainer.max_epochs=null",
      "+trainer.max_updates=2",
      "trainer.track_every_n_updates=1",
      "trainer.callbacks=[{kind: ./examples/airfoil/callback.ts#FieldErrorsCallback, every_n_updates: 2, batch_size: 1, dataset_key: test, baseline_dataset_key: val}]",
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
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
