/** Config fields that the trainable models of the aerodynamics tutorial have besides those of their architecture. */
import { bool, literal } from "../../config/schema";
import { ModelDataSpecs, totalOutputDim } from "../../core/data-specs/model-data-specs";
import { totalDim } from "../../core/data-specs/field-dim-spec";
import type { ModelBaseConfig } from "../../core/models/model-base-config";

export const aerodynamicsFields = {
  /** How positions become tokens. */
  position_projection: literal("linear", "sincos").default("sincos"),
  /** Layer norm and a linear layer to the output channels at the end. */
  use_output_projection: bool().default(false),
  /** An MLP for surface tokens and one for volume tokens after the embedding. */
  use_bias_layers: bool().default(true),
  /** Fields that are predicted, and positions and features that are given. */
  data_specs: ModelDataSpecs,
};

/** What the common part of the models reads of their configs. */
export type AerodynamicsConfig = ModelBaseConfig & {
  readonly hidden_dim: number;
  readonly position_projection: "linear" | "sincos";
  readonly use_output_projection: boolean;
  readonly use_bias_layers: boolean;
  readonly data_specs: ModelDataSpecs;
};

/** Refuses fields of other domains than the two that a model without branches of its own has: it would not predict them. */
export function requireSurfaceAndVolume(
  { data_specs }: { readonly data_specs: ModelDataSpecs },
  report: (message: string, ...path: string[]) => void,
): void {
  const others = Object.keys(data_specs.domains).filter((domain) => domain !== "surface" && domain !== "volume");
  if (others.length > 0)
    report(
      `this model predicts the domains surface and volume only, received also ${others.join(", ")}: leave them out, or use AB-UPT, which has a branch for each domain`,
      "data_specs",
      "domains",
    );
}

/** Where a field lies in the output channels of the models without branches of their own. */
export interface OutputField {
  /** `surface_pressure`, `volume_velocity`, … */
  readonly name: string;
  readonly branch: "surface" | "volume";
  readonly start: number;
  readonly dim: number;
}

/** Channels of the five usual fields, whatever their order in the data specs: checkpoints were trained so. */
const USUAL_FIELDS: readonly OutputField[] = [
  { name: "surface_pressure", branch: "surface", start: 0, dim: 1 },
  { name: "volume_velocity", branch: "volume", start: 1, dim: 3 },
  { name: "surface_friction", branch: "surface", start: 4, dim: 3 },
  { name: "volume_pressure", branch: "volume", start: 7, dim: 1 },
  { name: "volume_vorticity", branch: "volume", start: 8, dim: 3 },
];

/**
 * Output channels of the fields. Pressure and velocity alone, and all five usual fields, have fixed channels; any other set of fields
 * lies in the order of the data specs, surface first.
 */
export function outputFields(specs: ModelDataSpecs): OutputField[] {
  const declared: OutputField[] = [];
  let start = 0;
  for (const branch of ["surface", "volume"] as const) {
    for (const [field, dim] of Object.entries(specs.domains[branch]?.output_dims ?? {})) {
      if (dim > 0) declared.push({ name: `${branch}_${field}`, branch, start, dim });
      start += Math.max(dim, 0);
    }
  }
  for (const usual of [USUAL_FIELDS.slice(0, 2), USUAL_FIELDS]) {
    const fits = usual.every(({ name, dim }) => declared.some((field) => field.name === name && field.dim === dim));
    if (fits && usual.length === declared.length) return [...usual];
  }
  return declared;
}

/** Channels of all surface and volume features. */
export function featureDims(specs: ModelDataSpecs): { surface: number; volume: number } {
  if (!specs.use_physics_features) return { surface: 0, volume: 0 };
  return {
    surface: totalDim(specs.domains["surface"]?.feature_dim),
    volume: totalDim(specs.domains["volume"]?.feature_dim),
  };
}

export { totalOutputDim };
