import { cuda, getRngState, manualSeed, rand, tensor } from "../../../lib/torch";
import { TrainingRandomness } from "../../../lib/training/trainers/random-state";

const draw = () => rand([3]).toArray();

test("training continues with its own numbers, whatever callbacks draw", async () => {
  const randomness = new TrainingRandomness();
  manualSeed(1);
  const expected = draw();
  manualSeed(1);
  await randomness.isolate(async () => {
    await Promise.resolve();
    draw();
  });
  expect(draw()).toEqual(expected);
});

test("a stored state is taken up once", () => {
  manualSeed(2);
  const stored = new TrainingRandomness().stateDict();
  const expected = draw();
  const randomness = new TrainingRandomness();
  randomness.loadStateDict(stored);
  expect(randomness.isResumed).toBe(true);
  randomness.resumeNow();
  expect(draw()).toEqual(expected);
  expect(randomness.isResumed).toBe(false);
  randomness.resumeNow();
  expect(draw()).not.toEqual(expected);
});

test("states of CUDA devices are stored where there are any", () => {
  const stored = new TrainingRandomness().stateDict().get("cuda");
  expect(Array.isArray(stored) ? stored.length : 0).toBe(cuda.deviceCount());
});

(cuda.isAvailable() ? test.skip : test)("a state of a run on a GPU goes on with the CPU's numbers here", () => {
  manualSeed(3);
  const stored = new Map([...new TrainingRandomness().stateDict(), ["cuda", [tensor([0], { dtype: "uint8" })]]]);
  const expected = draw();
  const randomness = new TrainingRandomness();
  randomness.loadStateDict(stored);
  randomness.resumeNow();
  expect(draw()).toEqual(expected);
  expect(getRngState().shape).toEqual([5056]);
});
