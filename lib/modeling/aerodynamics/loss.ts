import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { defineConfig, float } from "../../config/schema";
import { nn } from "../../torch";
import type { Tensor } from "../../torch";

/** Weights of the losses: each is that of its field times that of its group. */
export const lossWeightFields = {
  /** Weight of all losses on the surface. */
  surface_weight: float().default(1),
  /** Weight of all losses in the volume. */
  volume_weight: float().default(1),
  /** Weight of the surface's pressure. */
  surface_pressure_weight: float().default(1),
  /** Weight of the wall shear stress. */
  surface_friction_weight: float().default(0),
  /** Weight of the velocity. */
  volume_velocity_weight: float().default(1),
  /** Weight of the volume's pressure. */
  volume_pressure_weight: float().default(0),
  /** Weight of the vorticity. */
  volume_vorticity_weight: float().default(0),
};
/** The weights as a config class, for losses outside of a trainer. */
export const AerodynamicsLossWeights = defineConfig("AerodynamicsLossWeights", { fields: lossWeightFields });
export type AerodynamicsLossWeights = z.output<typeof AerodynamicsLossWeights>;

const FIELDS = [
  "surface_pressure",
  "surface_friction",
  "volume_velocity",
  "volume_pressure",
  "volume_vorticity",
] as const;
type Field = (typeof FIELDS)[number];

/** Field of a target property: `surface_pressure_target` → `surface_pressure`. @throws ValueError for any other name */
export function targetField(property: string): Field {
  const field = FIELDS.find((name) => property === `${name}_target`);
  if (field === undefined) {
    throw new ValueError(
      `expected a target property among ${FIELDS.map((name) => `${name}_target`).join(", ")}, got "${property}"`,
    );
  }
  return field;
}

/**
 * Mean squared error of every target, times its weights: `<field>_loss`. Fields of weight 0, and fields that the model does not predict,
 * are left out; `query_…` outputs never count.
 *
 * @param targets `<field>_target` (B, N, C)
 * @throws ValueError when a target is missing, or when nothing is left
 */
export function aerodynamicsLosses(
  outputs: Readonly<Record<string, Tensor>>,
  targets: Readonly<Record<string, Tensor | undefined>>,
  properties: readonly string[],
  weights: AerodynamicsLossWeights,
): Record<string, Tensor> {
  const losses: Record<string, Tensor> = {};
  for (const property of properties) {
    const field = targetField(property);
    const weight = weights[`${field}_weight`];
    const group = field.startsWith("surface") ? weights.surface_weight : weights.volume_weight;
    const prediction = outputs[field];
    if (weight <= 0 || group <= 0 || prediction === undefined) continue;
    const target = targets[property];
    if (!target) {
      throw new ValueError(
        `expected "${property}" of target_properties in the batch, got ${Object.keys(targets).join(", ") || "none of them"}`,
      );
    }
    losses[`${field}_loss`] = nn.functional.mseLoss(prediction, target).mul(weight * group);
  }
  if (Object.keys(losses).length === 0) {
    throw new ValueError(
      `no loss: of ${properties.join(", ")}, none is predicted (${Object.keys(outputs).join(", ")}) with a weight above 0`,
    );
  }
  return losses;
}
