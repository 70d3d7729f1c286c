/** A run on the device with dropout that is interrupted and resumed ends with the weights of one that never was. */
import { cuda, rand } from "../../lib/torch";
import { FixedEarlyStopper, PeriodicCallback } from "../../lib/core/callbacks";
import { smallRun, temporaryFolder, weightsOf } from "../support/small-run";
import { testOnCuda } from "./device";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Draws random numbers of the device, as an evaluation may do. */
class Gambler extends PeriodicCallback {
  override periodicCallback(): void {
    rand([10], { device: "cuda" });
  }
}

async function weightsAfter(runId: string, seed: number, stop: number | null, initializer?: Record<string, unknown>) {
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId,
    seed,
    device: "cuda",
    trainer: { max_epochs: 3, ...(initializer && { initializer }) },
  });
  trainer.extraCallbacks = (dependencies) => [
    new Gambler({ every_n_updates: 1 }, dependencies),
    ...(stop === null
      ? []
      : [new FixedEarlyStopper({ stop_at_update: stop, stop_at_epoch: null, stop_at_sample: null }, dependencies)]),
  ];
  await trainer.train(model);
  return weightsOf(model);
}

testOnCuda("dropout goes on where it was", async () => {
  const whole = await weightsAfter("whole", 0, null);
  const before = cuda.memoryAllocated(); // cuBLAS has its workspace now
  const part = await weightsAfter("part", 0, 4);
  expect(part).not.toEqual(whole);
  const resumed = await weightsAfter("resumed", 99, null, {
    kind: "noether.core.initializers.ResumeInitializer",
    run_id: "part",
    checkpoint_tag: "E1_U4_S16.early_exit",
    model_name: "small",
  });
  expect(resumed).toEqual(whole);
  expect(cuda.memoryAllocated() - before).toBeLessThan(2 ** 20);
});
