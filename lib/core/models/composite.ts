import { RuntimeError, ValueError } from "../../config/python-errors";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import { parseDevice } from "../device/parse-device";
import { type InitializeOptions, ModelBase } from "./base";
import { Model } from "./model";

/**
 * Several models that are trained together, each with its own optimizer and its own checkpoint files
 * (`{name}.{key}_cp=…`). Subclasses provide {@link submodels} and `forward`.
 */
export abstract class CompositeModel extends ModelBase {
  /** The models by key; null for one that is switched off. They are properties of the composite as well. */
  abstract get submodels(): Record<string, ModelBase | null>;

  private present(): [string, ModelBase][] {
    return Object.entries(this.submodels).filter((entry): entry is [string, ModelBase] => entry[1] !== null);
  }

  private validateSubmodels(): void {
    const submodels = Object.entries(this.submodels);
    if (submodels.length === 0) {
      throw new ValueError(`composite model '${this.name}' has no submodels`);
    }
    if (submodels.length === 1) {
      this.logger.warning(`composite model '${this.name}' has a single submodel: a plain Model does the same`);
    }
    for (const [key, submodel] of submodels) {
      if (submodel !== null && !(submodel instanceof Model) && !(submodel instanceof CompositeModel)) {
        throw new TypeError(
          `submodel '${key}' of '${this.name}': expected a Model, a CompositeModel or null, but got ${(submodel as object).constructor?.name}`,
        );
      }
    }
    const inSubmodels = new Set(this.present().flatMap(([, submodel]) => submodel.parameters()));
    const own = this.namedParameters().filter(([, parameter]) => !inSubmodels.has(parameter));
    if (own.length > 0) {
      this.logger.warning(
        `parameters ${own.map(([name]) => `'${name}'`).join(", ")} of '${this.name}' belong to no submodel: they are neither trained nor saved; move them into one`,
      );
    }
  }

  /** `{key}.{name in the submodel}`. */
  override getNamedModels(): Record<string, ModelBase> {
    return Object.fromEntries(
      this.present().flatMap(([key, submodel]) =>
        Object.entries(submodel.getNamedModels()).map(([name, model]) => [`${key}.${name}`, model]),
      ),
    );
  }

  /**
   * @throws RuntimeError when the submodels are on different devices.
   */
  override get device(): string {
    const devices = [...new Set(this.present().map(([, submodel]) => submodel.device))];
    if (devices.length !== 1) {
      throw new RuntimeError(
        `composite model '${this.name}' has to be on one device, but its submodels are on: ${devices.join(", ") || "none"}`,
      );
    }
    return devices[0] as string;
  }

  override get isFrozen(): boolean {
    return this.present().every(([, submodel]) => submodel.isFrozen);
  }

  override initializeWeights(): void {
    this.validateSubmodels();
    for (const [, submodel] of this.present()) submodel.initializeWeights();
  }

  override initializeOptimizer(options: InitializeOptions = {}): void {
    const { optimizer_config, is_frozen } = this.modelConfig;
    for (const [key, given] of Object.entries({ optimizer_config, is_frozen })) {
      if (given)
        this.logger.warning(`${key} of composite model '${this.name}' has no effect: give it to its submodels`);
    }
    for (const [, submodel] of this.present()) submodel.initializeOptimizer(options);
    if (this.isFrozen) {
      this.logger.info(`${this.name}: all submodels are frozen`);
      this.eval();
    }
  }

  override applyInitializers(): void {
    for (const [, submodel] of this.present()) submodel.applyInitializers();
    for (const initializer of this.initializers) {
      initializer.initWeights(this);
      initializer.initOptimizer(this);
    }
  }

  /** Steps every submodel, then updates the gradient scaler once. */
  override optimizerStep(
    gradScaler: GradScalerLike | null,
    { updateScaler = true }: { updateScaler?: boolean } = {},
  ): void {
    const trained = this.present().filter(
      ([, submodel]) => !(submodel instanceof Model) || submodel.optimizer !== null,
    );
    for (const [, submodel] of trained) submodel.optimizerStep(gradScaler, { updateScaler: false });
    if (updateScaler && trained.length > 0) gradScaler?.update();
  }

  override optimizerScheduleStep(): void {
    for (const [, submodel] of this.present()) {
      if (!submodel.isFrozen) submodel.optimizerScheduleStep();
    }
  }

  override optimizerZeroGrad(setToNone = true): void {
    for (const [, submodel] of this.present()) submodel.optimizerZeroGrad(setToNone);
  }

  /** Frozen submodels stay in evaluation mode. */
  override train(mode = true): this {
    super.train(mode && !this.isFrozen);
    for (const [, submodel] of this.present()) submodel.train(mode);
    return this;
  }

  override to(target: Parameters<ModelBase["to"]>[0], dtype?: Parameters<ModelBase["to"]>[1]): this {
    const { move } = parseDevice(target, this.name);
    for (const [, submodel] of this.present()) submodel.to(move, dtype);
    return super.to(move, dtype);
  }
}
