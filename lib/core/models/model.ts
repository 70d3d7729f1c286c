import { createOptimizer, type OptimizerConstructor } from "../optimizer";
import { RuntimeError, ValueError } from "../../config/python-errors";
import type { OptimizerWrapper } from "../optimizer/optimizer-wrapper";
import type { ModelBaseConfig } from "./model-base-config";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import { parseDevice } from "../device/parse-device";
import { type InitializeOptions, ModelBase, type ModelDependencies } from "./base";

/** Arguments of {@link Model} besides its configuration. */
export interface ModelOptions extends ModelDependencies {
  /** Weights are not trained. `is_frozen` of the configuration does the same. */
  readonly isFrozen?: boolean;
}

/** One network with at most one optimizer. Subclasses define the layers and `forward`. */
export abstract class Model extends ModelBase {
  #isFrozen: boolean;
  #device = "cpu";
  #optimizer: OptimizerWrapper | null = null;
  readonly #optimizerConstructor: OptimizerConstructor | null;

  /**
   * @throws ValueError when the model is frozen and has an optimizer.
   */
  constructor(modelConfig: ModelBaseConfig, { isFrozen = false, ...dependencies }: ModelOptions = {}) {
    super(modelConfig, dependencies);
    this.#isFrozen = isFrozen || (modelConfig.is_frozen ?? false);
    this.#optimizerConstructor = createOptimizer(modelConfig.optimizer_config);
    if (this.#isFrozen && this.#optimizerConstructor !== null) {
      throw new ValueError(
        `model '${this.name}' is frozen, so it cannot have an optimizer: remove optimizer_config or is_frozen`,
      );
    }
  }

  override get optimizer(): OptimizerWrapper | null {
    return this.#optimizer;
  }

  override get isFrozen(): boolean {
    return this.#isFrozen;
  }

  override get device(): string {
    return this.#device;
  }

  override getNamedModels(): Record<string, ModelBase> {
    return { [this.name]: this };
  }

  /** Weights get their values in the constructors of the layers; here a frozen model is set to evaluation. */
  override initializeWeights(): void {
    if (this.#isFrozen) {
      this.#freeze();
    }
  }

  /**
   * @throws RuntimeError when the model is to be trained and has no optimizer.
   */
  override initializeOptimizer({ evaluation = false }: InitializeOptions = {}): void {
    if (this.#optimizerConstructor !== null) {
      this.#optimizer = this.#optimizerConstructor(this, { updateCounter: this.updateCounter });
      this.logger.debug(`${this.name}: initialized optimizer ${this.#optimizer}`);
    } else if (this.#isFrozen) {
      this.logger.info(`${this.name}: frozen, no optimizer`);
    } else if (this.trainableParamCount === 0) {
      this.logger.info(`${this.name}: has no trainable parameters, so it is frozen`);
      this.#isFrozen = true;
      this.#freeze();
    } else if (!evaluation) {
      throw new RuntimeError(
        `model '${this.name}' has ${this.trainableParamCount} trainable parameters but no optimizer: set model.optimizer_config, or freeze it with is_frozen: true`,
      );
    }
  }

  override applyInitializers(): void {
    for (const initializer of this.initializers) {
      initializer.initWeights(this);
      initializer.initOptimizer(this);
    }
  }

  override optimizerStep(gradScaler: GradScalerLike | null, options: { updateScaler?: boolean } = {}): void {
    this.#optimizer?.step(gradScaler, options);
  }

  override optimizerScheduleStep(): void {
    this.#optimizer?.scheduleStep();
  }

  override optimizerZeroGrad(setToNone = true): void {
    this.#optimizer?.zeroGrad(setToNone);
  }

  /** A frozen model stays in evaluation mode. */
  override train(mode = true): this {
    return super.train(mode && !this.#isFrozen);
  }

  /**
   * Moves the weights.
   *
   * @param target Device name (`cpu`, `cuda`, `cuda:0`), number of a CUDA device, dtype, or both; null changes nothing.
   */
  override to(target: Parameters<ModelBase["to"]>[0] | number | null, dtype?: Parameters<ModelBase["to"]>[1]): this {
    if (target === null || target === undefined) {
      return this;
    }
    const { move, device } = parseDevice(target, this.name);
    super.to(move, dtype);
    this.#device = device ?? this.#device;
    return this;
  }

  #freeze(): void {
    this.eval();
    this.requiresGrad_(false);
  }
}
