import type { CallbackBase } from "../core/callbacks/base";
import type { TrainerLike } from "../core/callbacks/trainer";
import type { ModelBase } from "../core/models/base";
import type { InitializerBaseConfig, InitializerDependencies } from "../core/initializers";
import type { PathProvider } from "../core/providers/path";
import { getLogger, type Logger } from "../core/logging";
import { TrainingIteration } from "../core/iteration/training-iteration";

/**
 * Sets up weights, optimizer, trainer and callbacks before training, e.g. from a checkpoint. Constructing one touches no
 * file.
 */
export abstract class InitializerBase {
  readonly logger: Logger = getLogger(this.constructor.name);
  readonly pathProvider: PathProvider;

  /**
   * @param _config Its configuration, which only subclasses read.
   * @param dependencies What the run gives, and the `kwargs` of the configuration.
   */
  constructor(_config: InitializerBaseConfig | null, { pathProvider }: InitializerDependencies) {
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
