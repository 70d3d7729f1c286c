import type { z } from "zod";
import { KeyError, RuntimeError, ValueError } from "../config/python-errors";
import { register } from "../config/registry";
import { bool, tag, type FieldType } from "../config/schema";
import { type CallbackBase, loadCallbackStateDicts } from "../core/callbacks";
import { CheckpointKeys } from "../core/checkpoint-keys";
import type { TrainerLike } from "../core/callbacks/trainer";
import { TrainingIteration } from "../core/iteration/training-iteration";
import { CompositeModel, Model, type ModelBase } from "../core/models";
import { fileNamePart } from "../core/providers/run-path";
import { toMap } from "../torch";
import { CheckpointInitializer, CheckpointInitializerConfig, readTrainerFile } from "./checkpoint-initializer";
import { loadWeights } from "./load-weights";

const TRAINER_SUFFIX = "_trainer.th";

/** Config of {@link ResumeInitializer}. */
export const ResumeInitializerConfig = CheckpointInitializerConfig.extend("ResumeInitializerConfig", {
  fields: {
    kind: tag("noether.core.initializers.ResumeInitializer"),
    /** Also loads the optimizer's state. */
    load_optim: bool().default(true),
    /** Name of the model in the run that is resumed. */
    model_name: fileNamePart(),
  },
});
export type ResumeInitializerConfig = z.output<typeof ResumeInitializerConfig>;
register("noether.core.schemas.initializers.ResumeInitializerConfig", {
  schema: ResumeInitializerConfig,
  aliases: ["noether.core.initializers.ResumeInitializerConfig"],
});

/** Continues a run from one of its checkpoints: weights, optimizer, progress, callbacks, random numbers. */
export class ResumeInitializer extends CheckpointInitializer {
  static readonly schema: FieldType = ResumeInitializerConfig;

  /** Where training was when the trainer's file was read first. */
  #start: TrainingIteration | null = null;

  /** Weights of the model, or of every submodel of a composite. */
  override initWeights(model: ModelBase): void {
    this.#initWeights(model, model.name);
  }

  #initWeights(model: ModelBase | null, name: string): void {
    if (model instanceof CompositeModel) {
      for (const [key, submodel] of Object.entries(model.submodels)) this.#initWeights(submodel, `${name}.${key}`);
    } else if (model instanceof Model) {
      const { stateDict, path, trainingIteration, modelConfig } = this.getModelStateDict(model, name);
      this.#expectSameIteration(trainingIteration, path);
      loadWeights(model, stateDict, `the weights of '${path}'`, this.logger, modelConfig);
      this.logger.info(`loaded weights of ${name} from ${path}`);
    }
  }

  /**
   * Files of one tag that were written at different times: of another program, or of a run that keeps writing while this
   * one reads.
   */
  #expectSameIteration(iteration: TrainingIteration | null, path: string): void {
    const start = this.startCheckpoint();
    if (iteration !== null && !iteration.equals(start)) {
      throw new RuntimeError(
        `the files of the checkpoint do not belong together: '${path}' is of ${iteration}, the trainer's file of ${start}; ` +
          "resume from another checkpoint (from one under E…_U…_S…, if that run is still training)",
      );
    }
  }

  override initOptimizer(model: ModelBase): void {
    if (this.loadOptim) this.loadOptimizers(model, model.name);
  }

  override startCheckpoint(): TrainingIteration {
    if (this.checkpointTag instanceof TrainingIteration && this.checkpointTag.isFullySpecified) {
      return this.checkpointTag.copy();
    }
    this.#start ??= this.#iterationOf(this.#trainerFile());
    return this.#start.copy();
  }

  #iterationOf(trainer: ReadonlyMap<string, unknown>): TrainingIteration {
    const iteration = trainer.get(CheckpointKeys.TRAINING_ITERATION);
    if (iteration === undefined) {
      throw new KeyError(
        `'${this.#trainerPath}' does not say where training was ('${CheckpointKeys.TRAINING_ITERATION}')`,
      );
    }
    return TrainingIteration.fromDict(Object.fromEntries(toMap<number>(iteration) as Map<string, number>));
  }

  override initTrainer(trainer: TrainerLike): void {
    trainer.loadStateDict(this.#trainerFile());
  }

  override initCallbacks(callbacks: readonly CallbackBase[], model: ModelBase): void {
    // read after weights and optimizer: if it is still the same, they were, too
    const trainer = this.#trainerFile();
    this.#expectSameIteration(this.#iterationOf(trainer), this.#trainerPath);
    const states = trainer.get(CheckpointKeys.CALLBACK_STATE_DICT);
    if (states === undefined) {
      throw new KeyError(`'${this.#trainerPath}' has no states of callbacks ('${CheckpointKeys.CALLBACK_STATE_DICT}')`);
    }
    loadCallbackStateDicts(callbacks, states, this.logger);
    const tag = this.getCheckpointTag(this.#trainerPrefix, TRAINER_SUFFIX);
    for (const callback of callbacks) {
      callback.resumeFromCheckpoint(this.initRunPathProvider, model, tag);
    }
  }

  get #trainerPrefix(): string {
    if (this.modelName === null) {
      throw new ValueError("a ResumeInitializer needs model_name to find the trainer's file");
    }
    return `${this.modelName}_cp=`;
  }

  get #trainerPath(): string {
    return this.getCheckpointPath(this.#trainerPrefix, TRAINER_SUFFIX);
  }

  #trainerFile(): Map<string, unknown> {
    return readTrainerFile(this.#trainerPath);
  }
}

register("noether.core.initializers.ResumeInitializer", {
  class: ResumeInitializer,
  aliases: ["noether.core.initializers.resume.ResumeInitializer"],
});
