import type { CallbackBase } from "../callbacks/base";
import type { TrainerLike } from "../interfaces/trainer";
import type { ModelBase } from "../models/base";
import type { PathProvider } from "../providers/path";
import { getLogger, type Logger } from "../logging";
import { TrainingIteration } from "../iteration/training-iteration";

/** What an initializer is built with. */
export interface InitializerDependencies {
  readonly pathProvider: PathProvider;
}

/**
 * Sets up weights, optimizer, trainer and callbacks before training, e.g. from a checkpoint. Constructing one touches no
 * file.
 */
export abstract class InitializerBase {
  readonly logger: Logger = getLogger(this.constructor.name);
  readonly pathProvider: PathProvider;

  constructor({ pathProvider }: InitializerDependencies) {
    this.pathProvider = pathProvider;
  }

  /** Sets the weights. */
  abstract initWeights(model: ModelBase): void;

  /** Sets the state of the optimizer. */
  abstract initOptimizer(model: ModelBase): void;

  /** Sets the state of the trainer; by default nothing. */
  initTrainer(_trainer: TrainerLike): void {}

  /** Sets the state of the callbacks; by default nothing. */
  initCallbacks(_callbacks: readonly CallbackBase[], _model: ModelBase): void {}

  /** Where training starts; by default at zero. */
  startCheckpoint(): TrainingIteration {
    return new TrainingIteration(0, 0, 0);
  }
}
