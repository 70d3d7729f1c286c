/** A run on the device with dropout that is interrupted and resumed ends with the weights of one that never was. */
import { cuda, rand } from "../../lib/torch";
import { FixedEarlyStopper, PeriodicCallback } from "../../lib/core/callbacks";
import { smallRun, temporaryFolder, weightsOf } from "../support/small-run";
import { isFake, takeCounts, testOnCuda } from "./device";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Draws random numbers of the device, as an evaluation may do. */
class Gambler extends PeriodicCallback {
  override periodicCallback(): void {
    rand([10], { device: "cuda" });
  }
}

interface RunOptions {
  readonly seed?: number;
  /** The update after which it is interrupted. */
  readonly stop?: number;
  readonly initializer?: Record<string, unknown>;
  readonly capture?: boolean;
}

async function weightsAfter(
  runId: string,
  { seed = 0, stop, initializer, capture = false }: RunOptions = {},
): Promise<ReturnType<typeof weightsOf>> {
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId,
    seed,
    device: "cuda",
    trainer: { max_epochs: 3, capture, ...(initializer && { initializer }) },
  });
  trainer.extraCallbacks = (dependencies) => [
    new Gambler({ every_n_updates: 1 }, dependencies),
    ...(stop === undefined
      ? []
      : [new FixedEarlyStopper({ stop_at_update: stop, stop_at_epoch: null, stop_at_sample: null }, dependencies)]),
  ];
  await trainer.train(model);
  return weightsOf(model);
}

/** What goes on from the run `part`, which stopped after its fourth update. */
const resumesPart = (runId: string): Record<string, unknown> => ({
  kind: "noether.core.initializers.ResumeInitializer",
  run_id: runId,
  checkpoint_tag: "E1_U4_S16.early_exit",
  model_name: "small",
});

testOnCuda("dropout goes on where it was", async () => {
  const whole = await weightsAfter("whole");
  const before = cuda.memoryAllocated(); // cuBLAS has its workspace now
  const part = await weightsAfter("part", { stop: 4 });
  expect(part).not.toEqual(whole);
  const resumed = await weightsAfter("resumed", { seed: 99, initializer: resumesPart("part") });
  expect(resumed).toEqual(whole);
  expect(cuda.memoryAllocated() - before).toBeLessThan(2 ** 20);
});

const testGraphs = cuda.graphsUnavailableReason() === null ? testOnCuda : test.skip;

testGraphs(
  "a captured run that is resumed ends as one that never stopped, and as one that is not captured",
  async () => {
    const plain = await weightsAfter("not-captured");
    takeCounts();
    const whole = await weightsAfter("captured-whole", { capture: true });
    await weightsAfter("captured-part", { stop: 4, capture: true });
    const captured = takeCounts().byName["launch cudaGraphLaunch"];
    const resumed = await weightsAfter("captured-resumed", {
      seed: 99,
      capture: true,
      initializer: resumesPart("captured-part"),
    });
    if (isFake) expect(captured).toBeGreaterThan(4);
    expectClose(whole, plain);
    expectClose(resumed, whole);
  },
);

/** Within rounding: the first updates after a start are not captured. */
function expectClose(got: ReturnType<typeof weightsOf>, wanted: ReturnType<typeof weightsOf>): void {
  const numbers = (weights: ReturnType<typeof weightsOf>): number[] =>
    Object.values(weights).flat(Infinity) as number[];
  expect(numbers(got).length).toBeGreaterThan(0);
  for (const [i, value] of numbers(got).entries()) expect(value).toBeCloseTo(numbers(wanted)[i]!, 5);
}
