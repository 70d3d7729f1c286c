import type { z } from "zod";
import { register } from "../../config/registry";
import { bool, list, optional } from "../../config/schema";
import type { DeviceBatch } from "../../core/interfaces/data";
import {
  aerodynamicsLosses,
  AerodynamicsLossWeights,
  lossWeightFields,
  targetField,
} from "../../modeling/aerodynamics";
import type { Tensor } from "../../torch";
import { CallbacksConfig } from "../callbacks/any-callback";
import { BaseTrainer } from "../trainers/base-trainer";
import { BaseTrainerConfig } from "../trainers/base-trainer-config";
import type { TrainerDependencies } from "../trainers/types";

/** Config of {@link AutomotiveAerodynamicsCFDTrainer}. */
export const AutomotiveAerodynamicsCfdTrainerConfig = BaseTrainerConfig.extend(
  "AutomotiveAerodynamicsCfdTrainerConfig",
  {
    fields: {
      ...lossWeightFields,
      /** Signed distances and normals as inputs. */
      use_physics_features: bool().default(false),
      callbacks: optional(list(CallbacksConfig)),
    },
    check: (config, complain) => {
      (config.target_properties ?? []).forEach((property, index) => {
        try {
          targetField(property);
        } catch (error) {
          complain((error as Error).message, "target_properties", index);
        }
      });
    },
  },
);
export type AutomotiveAerodynamicsCfdTrainerConfig = z.output<typeof AutomotiveAerodynamicsCfdTrainerConfig>;

/**
 * Trains models that predict fields around a body: weighted mean squared errors of surface pressure and friction, volume
 * velocity, pressure and vorticity, as far as they are among the target properties.
 */
export class AutomotiveAerodynamicsCFDTrainer extends BaseTrainer<Readonly<Record<string, Tensor>>> {
  static readonly schema = AutomotiveAerodynamicsCfdTrainerConfig;
  readonly #weights: AerodynamicsLossWeights;

  constructor(config: AutomotiveAerodynamicsCfdTrainerConfig, dependencies: TrainerDependencies) {
    super(config, dependencies);
    this.#weights = AerodynamicsLossWeights.parse(config);
  }

  /** Features come with `use_physics_features`, masks in no data set; the models say so if one is missing that they need. */
  protected override isOptionalProperty(key: string): boolean {
    return key.endsWith("_features") || key.endsWith("_mask_query");
  }

  override lossCompute(outputs: Readonly<Record<string, Tensor>>, targets: DeviceBatch): Record<string, Tensor> {
    const present = Object.fromEntries(Object.entries(targets).map(([key, value]) => [key, value ?? undefined]));
    return aerodynamicsLosses(outputs, present, this.targetProperties, this.#weights);
  }
}

register("tutorial.trainers.AutomotiveAerodynamicsCFDTrainer", {
  class: AutomotiveAerodynamicsCFDTrainer,
  aliases: ["tutorial.trainers.automotive_aerodynamics_cfd.AutomotiveAerodynamicsCFDTrainer"],
});
