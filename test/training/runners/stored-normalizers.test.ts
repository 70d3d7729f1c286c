import "../../../lib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml, toPlain } from "../../../lib/config";
import { runSpheres, writeSphereCase, writeSpheres } from "../../support/sphere-run";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();

/** The normalizers that a run stored for a data set. */
function normalizersOf(run: string, dataset = "train"): Record<string, unknown> {
  const stored = toPlain(readYaml(readFileSync(join(run, "hp_resolved.yaml"), "utf8"), "hp")) as {
    datasets: Record<string, { dataset_normalizers: Record<string, unknown> }>;
  };
  return stored.datasets[dataset]!.dataset_normalizers;
}

const CHECKPOINTS =
  "trainer.callbacks=[{kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 2, save_latest_weights: true, save_latest_optim: true, save_weights: false}]";
const RESUME = ["+resume_run_id=part", "+resume_stage_name=train", "trainer.max_updates=4"];

test("a resumed run keeps the normalizers of its weights, also when files have changed meanwhile", async () => {
  await writeSpheres(folder.path, 4);
  const part = normalizersOf(await runSpheres(folder.path, "part", [CHECKPOINTS]));
  expect(Object.keys(part)).toContain("surface_pressure");
  for (let i = 0; i < 4; i++)
    await writeSphereCase(join(folder.path, "cases", `case_${i}`), { radius: 3 + i, speed: 100 * i });
  const resumed = await runSpheres(folder.path, "resumed", RESUME);
  expect(normalizersOf(resumed)).toEqual(part);
  expect(normalizersOf(resumed, "test")).toEqual(part);
  // with other things said about the values, and without a run before, they are those of the files
  const other = await runSpheres(folder.path, "other", [
    ...RESUME,
    "datasets.train.surface.pressure={field: p, scale: 2}",
  ]);
  expect(normalizersOf(other)["surface_pressure"]).not.toEqual(part["surface_pressure"]);
  expect(normalizersOf(other, "test")["surface_pressure"]).toEqual(normalizersOf(other)["surface_pressure"]);
  expect(normalizersOf(await runSpheres(folder.path, "anew"))["inflow"]).not.toEqual(part["inflow"]);
});
