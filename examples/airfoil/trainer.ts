import type { z } from "zod";
import { BaseTrainerConfig, float, mapping, ValueError, type DeviceBatch } from "noether-ts/core";
import { BaseTrainer, type TrainerDependencies } from "noether-ts/training";
import { nn, type Tensor } from "noether-ts/torch";

/** `loss_weights`: weight of the mean squared error of each field. */
export const AirfoilTrainerConfig = BaseTrainerConfig.extend("AirfoilTrainerConfig", {
  fields: { loss_weights: mapping(float({ ge: 0 })) },
});
export type AirfoilTrainerConfig = z.output<typeof AirfoilTrainerConfig>;

/** Weighted mean squared errors of the normalised fields. */
export class AirfoilTrainer extends BaseTrainer<Record<string, Tensor>> {
  static readonly schema = AirfoilTrainerConfig;
  readonly #weights: Readonly<Record<string, number>>;

  constructor(config: AirfoilTrainerConfig, dependencies: TrainerDependencies) {
    super(config, dependencies);
    this.#weights = config.loss_weights;
  }

  override lossCompute(outputs: Record<string, Tensor>, targets: DeviceBatch): Record<string, Tensor> {
    return Object.fromEntries(
      Object.entries(this.#weights).map(([field, weight]) => {
        const [prediction, target] = [outputs[field], targets[`${field}_target`]];
        if (!prediction || !target) {
          throw new ValueError(
            `loss_weights: expected fields that the model predicts (${Object.keys(outputs).join(", ")}) and that target_properties name with _target (${Object.keys(targets).join(", ")}), received "${field}"`,
          );
        }
        return [field, nn.functional.mseLoss(prediction, target).mul(weight)];
      }),
    );
  }
}
