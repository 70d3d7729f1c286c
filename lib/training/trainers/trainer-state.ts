import { buildCallbackStateDict, type CallbackBase, loadCallbackStateDicts } from "../../core/callbacks";
import { CheckpointKeys } from "../../core/checkpoint-keys";
import { getLogger } from "../../core/logging";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import type { UpdateCounter } from "../../core/iteration";
import { toMap } from "../../torch";
import type { TrainingRandomness } from "./random-state";

/** The parts of a trainer that a checkpoint keeps, besides model and optimizer. */
export interface TrainerState {
  readonly callbacks: readonly CallbackBase[];
  readonly updateCounter: UpdateCounter;
  readonly gradScaler: GradScalerLike;
  readonly randomness: TrainingRandomness;
}

/** What the trainer's checkpoint file holds. */
export function trainerStateDict({ callbacks, updateCounter, gradScaler, randomness }: TrainerState) {
  const { epoch, update, sample } = updateCounter;
  return new Map<string, unknown>([
    [CheckpointKeys.CALLBACK_STATE_DICT, buildCallbackStateDict(callbacks)],
    [CheckpointKeys.TRAINING_ITERATION, { epoch, update, sample }],
    [CheckpointKeys.GRAD_SCALER, gradScaler.stateDict()],
    [CheckpointKeys.RANDOM_STATE, randomness.stateDict()],
  ]);
}

/** Restores callbacks, gradient scale and random numbers of a checkpoint. Where training starts was decided before. */
export function loadTrainerStateDict(
  { callbacks, gradScaler, randomness }: TrainerState,
  state: ReadonlyMap<string, unknown>,
): void {
  const logger = getLogger("BaseTrainer");
  loadCallbackStateDicts(callbacks, state.get(CheckpointKeys.CALLBACK_STATE_DICT) ?? {}, logger);
  const scaler = state.get(CheckpointKeys.GRAD_SCALER);
  if (scaler === undefined) {
    logger.warning("the checkpoint has no state of the gradient scaler");
  } else {
    const scale = toMap(scaler) as Map<string, unknown>;
    if (gradScaler.isEnabled() && scale.size === 0)
      logger.warning(
        "the checkpoint has no gradient scale (it was trained in another precision): starting with the initial scale",
      );
    gradScaler.loadStateDict(scale);
  }
  randomness.loadStateDict(state.get(CheckpointKeys.RANDOM_STATE));
}
