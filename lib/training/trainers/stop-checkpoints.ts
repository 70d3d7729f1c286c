import type { CheckpointWriter } from "../../core/writers";
import type { TrainerLike } from "../../core/callbacks/trainer";
import type { ModelBase } from "../../core/models";
import { getLogger } from "../../core/logging";

/** Why training ended early; part of the checkpoint's tag. */
export type StopReason = "early_exit" | "signal_interrupt" | "error";

/** The checkpoints of a run that ends early: everything that is needed to resume, as `E…_U…_S….{reason}`. */
export class StopCheckpoints {
  readonly #trainer: TrainerLike;
  readonly #writer: CheckpointWriter;
  readonly #onError: () => void;
  readonly #logger = getLogger("BaseTrainer");

  /** @param onError called before a checkpoint after an error, of which the other processes know nothing */
  constructor(trainer: TrainerLike, writer: CheckpointWriter, onError: () => void = () => undefined) {
    this.#trainer = trainer;
    this.#writer = writer;
    this.#onError = onError;
  }

  save(model: ModelBase, reason: StopReason): void {
    const checkpointTag = `${this.#trainer.updateCounter.curIteration}.${reason}`;
    this.#writer.save({ model, trainer: this.#trainer, checkpointTag });
    const { runId } = this.#trainer.pathProvider;
    this.#logger.info(`to continue from here: resume_run_id: ${runId}, resume_checkpoint: ${checkpointTag}`);
  }

  /** Removes files of a checkpoint that is not finished. */
  drop(): void {
    this.#writer.drop();
  }

  /** After an error, which must be thrown whatever happens here. */
  saveAfterError(model: ModelBase): void {
    this.#onError();
    if (Object.values(model.getNamedModels()).some(({ optimizer }) => optimizer?.isSharded === true)) {
      this.#logger.error(
        "no checkpoint after the error: the optimizer's state is spread over the processes, continue from the last one",
      );
      return;
    }
    try {
      this.save(model, "error");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error(`cannot save a checkpoint after the error: ${reason}`);
    }
  }
}
