/** A run on the device that is interrupted and resumed: as if it had not been interrupted, dropout included. */
import { join } from "node:path";
import { FixedEarlyStopper } from "../../lib/core/callbacks";
import { load, type Tensor, toMap } from "../../lib/torch";
import { smallRun, temporaryFolder, weightsOf } from "../support/small-run";
import { testOnCuda } from "./device";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const CHECKPOINT = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_epochs: 1,
  save_weights: true,
  save_optim: true,
};

async function train(runId: string, { stopAt, initializer }: { stopAt?: number; initializer?: object } = {}) {
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId,
    device: "cuda",
    seed: initializer === undefined ? 0 : 99,
    trainer: { max_epochs: 4, callbacks: [CHECKPOINT], initializer },
  });
  const stop = { stop_at_update: stopAt ?? null, stop_at_epoch: null, stop_at_sample: null };
  if (stopAt !== undefined)
    trainer.extraCallbacks = (dependencies) => [new FixedEarlyStopper(stop as never, dependencies)];
  await trainer.train(model);
  return model;
}

testOnCuda("resumed from a checkpoint inside an epoch, a run ends with the same weights", async () => {
  const whole = weightsOf(await train("whole"));
  await train("part", { stopAt: 5 });
  const resumed = await train("resumed", {
    initializer: {
      kind: "noether.core.initializers.ResumeInitializer",
      run_id: "part",
      checkpoint_tag: "last",
      model_name: "small",
    },
  });
  expect(resumed.device).toBe("cuda");
  expect(weightsOf(resumed)).toEqual(whole);
});

testOnCuda("tensors of a checkpoint are saved from the device and loaded without one", async () => {
  const model = await train("saved");
  const file = load(join(folder.path, "saved", "checkpoints", "small_cp=last_model.th"), { mapLocation: "cpu" });
  const state = toMap(toMap(file).get("state_dict")) as Map<string, Tensor>;
  expect(new Set([...state.values()].map(({ device }) => device))).toEqual(new Set(["cpu"]));
  expect(Object.fromEntries([...state].map(([name, tensor]) => [name, tensor.toArray()]))).toEqual(weightsOf(model));
});
