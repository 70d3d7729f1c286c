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
  private frozen: boolean;
  private deviceName = "cpu";
  private wrappedOptimizer: OptimizerWrapper | null = null;
  private readonly optimizerConstructor: OptimizerConstructor | null;

  /**
   * @throws ValueError when the model is frozen and has an optimizer.
   */
  constructor(modelConfig: ModelBaseConfig, { isFrozen = false, ...dependencies }: ModelOptions = {}) {
    super(modelConfig, dependencies);
    this.frozen = isFrozen || (modelConfig.is_frozen ?? false);
    this.optimizerConstructor = createOptimizer(modelConfig.optimizer_config);
    if (this.frozen && this.optimizerConstructor !== null) {
      throw new ValueError(
        `model '${this.name}' is frozen, so it cannot have an optimizer: remove optimizer_config or is_frozen`,
      );
    }
  }

  override get optimizer(): OptimizerWrapper | null {
    return this.wrappedOptimizer;
  }

  override get isFrozen(): boolean {
    return this.frozen;
  }

  override get device(): string {
    return this.deviceName;
  }

  override getNamedModels(): Record<string, ModelBase> {
    return { [this.name]: this };
  }

  /** Weights get their values in the constructors of the layers; here a frozen model is set to evaluation. */
  override initializeWeights(): void {
    if (this.frozen) {
      this.freeze();
    }
  }

  /**
   * @throws RuntimeError when the model is to be trained and has no optimizer.
   */
  override initializeOptimizer({ evaluation = false }: InitializeOptions = {}): void {
    if (this.optimizerConstructor !== null) {
      this.wrappedOptimizer = this.optimizerConstructor(this, { updateCounter: this.updateCounter });
      this.logger.debug(`${this.name}: initialized optimizer ${this.wrappedOptimizer}`);
    } else if (this.frozen) {
      this.logger.info(`${this.name}: frozen, no optimizer`);
    } else if (this.trainableParamCount === 0) {
      this.logger.info(`${this.name}: has no trainable parameters, so it is frozen`);
      this.frozen = true;
      this.freeze();
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
    this.wrappedOptimizer?.step(gradScaler, options);
  }

  override optimizerScheduleStep(): void {
    this.wrappedOptimizer?.scheduleStep();
  }

  override optimizerZeroGrad(setToNone = true): void {
    this.wrappedOptimizer?.zeroGrad(setToNone);
  }

  /** A frozen model stays in evaluation mode. */
  override train(mode = true): this {
    return super.train(mode && !this.frozen);
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
    this.deviceName = device ?? this.deviceName;
    return this;
  }

  private freeze(): void {
    this.eval();
    this.requiresGrad_(false);
  }
}
