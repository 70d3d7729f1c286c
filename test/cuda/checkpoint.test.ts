/** Checkpoints of runs on the device. */
import { join } from "node:path";
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

async function train(runId: string) {
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId,
    device: "cuda",
    trainer: { max_epochs: 4, callbacks: [CHECKPOINT] },
  });
  await trainer.train(model);
  return model;
}

testOnCuda("tensors of a checkpoint are saved from the device and loaded without one", async () => {
  const model = await train("saved");
  const file = load(join(folder.path, "saved", "checkpoints", "small_cp=last_model.th"), { mapLocation: "cpu" });
  const state = toMap(toMap(file).get("state_dict")) as Map<string, Tensor>;
  expect(new Set([...state.values()].map(({ device }) => device))).toEqual(new Set(["cpu"]));
  expect(Object.fromEntries([...state].map(([name, tensor]) => [name, tensor.toArray()]))).toEqual(weightsOf(model));
});
