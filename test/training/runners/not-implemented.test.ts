import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "../../../lib";
import { composeConfig } from "../../../lib/config";
import { register } from "../../../lib/config/registry";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { HydraRunner, type Experiment, type SetupOptions } from "../../../lib/training/runners";
import { BaseTrainerConfig } from "../../../lib/training/trainers/base-trainer-config";

/** A run that stops where its work would begin. */
class Preflight extends HydraRunner {
  override async main(_options: SetupOptions): Promise<Experiment> {
    throw new Error("begins");
  }
}

const folder = mkdtempSync(join(tmpdir(), "noether-missing-"));
const output = join(folder, "outputs");
beforeAll(() => {
  register("test.missing.Model", { schema: ModelBaseConfig });
  register("test.missing.Trainer", { schema: BaseTrainerConfig });
  register("test.missing.Dataset", { schema: DatasetBaseConfig });
  writeFileSync(
    join(folder, "train.yaml"),
    `output_path: ${output}
accelerator: cpu
datasets: {train: {kind: test.missing.Dataset}}
model: {kind: test.missing.Model, name: m, optimizer_config: {kind: torch.optim.AdamW, lr: 1.0e-3}}
trainer: {kind: test.missing.Trainer, max_epochs: 1, effective_batch_size: 1, callbacks: null}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function outcome(...overrides: string[]): Promise<string> {
  const composed = composeConfig({ file: join(folder, "train.yaml"), overrides });
  try {
    await new Preflight().run(composed);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

const lbfgs = "model.optimizer_config.kind=torch.optim.LBFGS";

describe("a run whose config names what is not there", () => {
  test("an optimizer: the place, why, what there is, and nothing of the run exists", async () => {
    expect(await outcome(lbfgs)).toMatch(
      /override "model.optimizer_config.kind=.*": model.optimizer_config.kind: "torch.optim.LBFGS" needs a closure .*; there are: "noether.core.optimizer.Lion", .*; in loops of your own it is/,
    );
    expect(existsSync(output)).toBe(false);
  });
  test("every such kind in one list", async () => {
    const message = await outcome(
      lbfgs,
      "+model.optimizer_config.schedule_config={kind: noether.core.schedules.PeriodicBoolSchedule, initial_state: true}",
      "+datasets.train.pipeline={kind: boilerplate_project.datasets.BaseDataset}",
      "+model.initializers=[{kind: noether.core.initializers.CheckpointInitializer, run_id: x, load_optim: false}]",
    );
    expect(message).toMatch(/model.optimizer_config.kind: .* needs a closure/);
    expect(message).toMatch(/model.optimizer_config.schedule_config.kind: .* has a config but no class/);
    expect(message).toMatch(
      /datasets.train.pipeline.kind: .* is a class of a template, .*; .*classes of your own are named/,
    );
    expect(message).toMatch(/model.initializers.0.kind: .* has a config but no class.*PreviousRunInitializer/);
  });
  test.each([
    ["+tracker={kind: noether.core.trackers.WandBTracker, mode: disabled}"],
    ["+tracker={kind: noether.core.trackers.NoopTracker}"],
    ["+tracker={kind: noether.core.trackers.TrackioTracker, project: cars}"],
    ["+num_workers=10"],
  ])("%s %s begins", async (...overrides) => {
    expect(await outcome(...overrides)).toBe("begins");
  });
});
