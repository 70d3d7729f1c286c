/** With worker threads a training is the same, bit for bit, as without: in one go, and resumed inside an epoch. */
import "../../lib";
import { join } from "node:path";
import { getNumThreads, load, setNumThreads, type Tensor } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";
import { runSpheres, writeSpheres } from "../support/sphere-run";

const folder = temporaryFolder();
let threads = 0;
beforeAll(async () => {
  threads = getNumThreads();
  setNumThreads(1);
  await writeSpheres(folder.path, 8);
});
afterAll(() => {
  setNumThreads(threads);
  folder.remove();
});

/** Three epochs of four updates; points are sampled at random, without a seed of their own. */
const LENGTH = ["~trainer.max_updates", "+trainer.max_epochs=3", "+seed=3"];

/** Loss of each update, and the weights in the end. */
function outcome(run: string): { losses: Map<number, number>; weights: Record<string, unknown> } {
  const metrics = load(join(run, "tracker", "entries.th")) as Record<string, Map<number, number>>;
  const { state_dict } = load(join(run, "checkpoints", "ab_upt_cp=latest_model.th")) as {
    state_dict: Record<string, Tensor> | Map<string, Tensor>;
  };
  const entries = state_dict instanceof Map ? [...state_dict] : Object.entries(state_dict);
  return {
    losses: metrics["loss/online/total/U1"]!,
    weights: Object.fromEntries(entries.map(([name, x]) => [name, x.toArray()])),
  };
}

/** Stops inside the second epoch, with a checkpoint that the resumed run begins from. */
const stopAt = (update: number) =>
  `trainer.callbacks=[{kind: noether.core.callbacks.CheckpointCallback, every_n_updates: ${update}, save_latest_weights: true, save_latest_optim: true, save_weights: false}, {kind: noether.core.callbacks.FixedEarlyStopper, stop_at_update: ${update}}]`;

test("workers do not change losses and weights, also of a run that is resumed in the middle of an epoch with others", async () => {
  const whole = outcome(await runSpheres(folder.path, "whole", [...LENGTH, "+num_workers=0"]));
  expect([...whole.losses.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(outcome(await runSpheres(folder.path, "workers", [...LENGTH, "+num_workers=2"]))).toEqual(whole);

  await runSpheres(folder.path, "part", [...LENGTH, "+num_workers=0", stopAt(6)]);
  const resumed = await runSpheres(folder.path, "resumed", [
    ...LENGTH,
    "+num_workers=2",
    "+resume_run_id=part",
    "+resume_stage_name=train",
  ]);
  expect([...outcome(resumed).losses]).toEqual([...whole.losses].slice(6));
  expect(outcome(resumed).weights).toEqual(whole.weights);
});
