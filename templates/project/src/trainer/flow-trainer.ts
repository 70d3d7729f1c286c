import { BaseTrainerConfig, float, mapping, type ConfigOf } from "noether-ts/core";
import { nn, type Tensor } from "noether-ts/torch";
import { BaseTrainer, type LossResult, type TrainerDependencies } from "noether-ts/training";
import type { Fields } from "../models/point-mlp";

export const FlowTrainerConfig = BaseTrainerConfig.extend("FlowTrainerConfig", {
  fields: { loss_weights: mapping(float({ ge: 0 })).default({}) },
});

/** Mean squared error of each field, weighted by `loss_weights` (1 where it does not say). */
export class FlowTrainer extends BaseTrainer<Fields, { velocity_target: Tensor; pressure_target: Tensor }> {
  static readonly schema = FlowTrainerConfig;
  readonly #weights: Readonly<Record<string, number>>;

  constructor(config: ConfigOf<typeof FlowTrainerConfig>, dependencies: TrainerDependencies) {
    super(config, dependencies);
    this.#weights = config.loss_weights;
  }

  override lossCompute(output: Fields, targets: { velocity_target: Tensor; pressure_target: Tensor }): LossResult {
    const { velocity = 1, pressure = 1 } = this.#weights;
    return {
      velocity: nn.functional.mseLoss(output.velocity, targets.velocity_target).mul(velocity),
      pressure: nn.functional.mseLoss(output.pressure, targets.pressure_target).mul(pressure),
    };
  }
}
