import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { findKind, register } from "../../config/registry";
import { isUserKind } from "../../config/factory/load-kind";
import { float, mapping, str, type FieldType } from "../../config/schema";
import type { DeviceBatch } from "../../core/interfaces/data";
import { nn, type Tensor } from "../../torch";
import { BaseTrainer } from "./base-trainer";
import { BaseTrainerConfig } from "./base-trainer-config";
import type { TrainerDependencies } from "./types";

/** A loss of one field. A function of your own gets the target first, as in the Python framework. */
export type FieldLoss = (target: Tensor, prediction: Tensor) => Tensor;

/** Losses by name, each a mean over all entries. All are symmetric. */
const LOSSES: Readonly<Record<string, FieldLoss>> = {
  mse: nn.functional.mseLoss,
  l1: nn.functional.l1Loss,
  /** Quadratic below a difference of 1. */
  smooth_l1: nn.functional.smoothL1Loss,
  huber: nn.functional.huberLoss,
};

/** The loss behind a name, PyTorch's name of it, or a kind of the user; undefined for any other. */
function lossOf(name: string): FieldLoss | undefined {
  const short = /^torch\.nn\.functional\.(\w+)_loss$/.exec(name)?.[1] ?? name;
  if (Object.hasOwn(LOSSES, short)) return LOSSES[short];
  const own = isUserKind(name) ? findKind(name)?.class : undefined;
  return own as FieldLoss | undefined;
}

const SUFFIX = "_target";
const fieldOf = (property: string) => (property.endsWith(SUFFIX) ? property.slice(0, -SUFFIX.length) : property);

/** Config of {@link WeightedLossTrainer}. */
export const WeightedLossTrainerConfig = BaseTrainerConfig.extend("WeightedLossTrainerConfig", {
  fields: {
    /** Weight of each field, by its name without `_target`; 0 leaves it out. */
    field_weights: mapping(float()),
    /** `mse`, `l1`, `smooth_l1`, `huber` (also as `torch.nn.functional.mse_loss`, …), or a function of your own, `./losses.ts#relative`, called as `(target, prediction)`. */
    loss_fn: str().default("mse"),
  },
  check: ({ field_weights, loss_fn, target_properties }, complain) => {
    for (const [index, property] of (target_properties ?? []).entries()) {
      const field = fieldOf(property);
      if (!Object.hasOwn(field_weights, field))
        complain(`expected the weight of "${field}" in field_weights`, "target_properties", index);
    }
    if (lossOf(loss_fn) === undefined) {
      complain(
        `expected ${Object.keys(LOSSES).join(", ")}, or a function of your own as ./file.ts#name, received "${loss_fn}"`,
        "loss_fn",
      );
    }
  },
});
export type WeightedLossTrainerConfig = z.output<typeof WeightedLossTrainerConfig>;

/**
 * Trains models that predict named fields: of each target `<field>_target` the loss to the output `<field>`, times the weight of the
 * field, as `<field>_loss`. Fields that the model does not predict are left out.
 */
export class WeightedLossTrainer extends BaseTrainer<Readonly<Record<string, Tensor>>> {
  static readonly schema: FieldType = WeightedLossTrainerConfig;
  readonly #weights: ReadonlyMap<string, number>;
  readonly #loss: FieldLoss;

  constructor(config: WeightedLossTrainerConfig, dependencies: TrainerDependencies) {
    super(config, dependencies);
    // validated: both are there
    this.#weights = new Map(this.targetProperties.map(fieldOf).map((field) => [field, config.field_weights[field]!]));
    this.#loss = lossOf(config.loss_fn)!;
  }

  /** @throws ValueError when the batch lacks a target, or when the model predicts none of the fields */
  override lossCompute(outputs: Readonly<Record<string, Tensor>>, targets: DeviceBatch): Record<string, Tensor> {
    const losses: Record<string, Tensor> = {};
    for (const [field, weight] of this.#weights) {
      const prediction = outputs[field];
      if (weight <= 0 || prediction === undefined) continue;
      const target = targets[`${field}${SUFFIX}`];
      if (!target)
        throw new ValueError(`expected the target "${field}${SUFFIX}" in target_properties and in the batch`);
      losses[`${field}_loss`] = this.#loss(target, prediction).mul(weight);
    }
    if (Object.keys(losses).length > 0) return losses;
    const fields = [...this.#weights].flatMap(([field, weight]) => (weight > 0 ? [field] : []));
    throw new ValueError(
      `no loss: expected the model to predict one of ${fields.join(", ") || "(no field has a weight above 0)"}, but its outputs are ${Object.keys(outputs).join(", ")}`,
    );
  }
}

register("noether.training.trainers.WeightedLossTrainer", {
  class: WeightedLossTrainer,
  aliases: ["noether.training.trainers.weighted_loss.WeightedLossTrainer"],
});
