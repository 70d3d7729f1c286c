import { TrainingIteration, UpdateCounter } from "../../../lib/core/iteration";
import { GradScaler } from "../../../lib/torch/amp";
import { TrainingRandomness } from "../../../lib/training/trainers/random-state";
import { loadTrainerStateDict, trainerStateDict } from "../../../lib/training/trainers/trainer-state";

const state = (gradScaler: GradScaler) => ({
  callbacks: [],
  gradScaler,
  randomness: new TrainingRandomness(),
  updateCounter: new UpdateCounter({
    startIteration: new TrainingIteration(0, 0, 0),
    endIteration: new TrainingIteration(1),
    updatesPerEpoch: 1,
    effectiveBatchSize: 1,
  }),
});

test("a checkpoint of another precision has no gradient scale: the initial one stays, with a warning", () => {
  const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const gradScaler = new GradScaler();
  loadTrainerStateDict(state(gradScaler), new Map([...trainerStateDict(state(gradScaler)), ["grad_scaler", {}]]));
  expect(gradScaler.getScale()).toBe(65536);
  expect(warnings.mock.calls.join()).toContain("another precision");
  warnings.mockRestore();
});
