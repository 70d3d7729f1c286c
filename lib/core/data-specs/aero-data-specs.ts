import type { z } from "zod";
import { bool, defineConfig, int, optional } from "../../config/schema";
import { FieldDimSpec, totalDim } from "./field-dim-spec";

/**
 * Which inputs and targets the samples of an aerodynamics data set have.
 *
 * Output keys have no prefix (`pressure`), feature and conditioning keys are full sample keys (`surface_sdf`).
 */
export const AeroDataSpecs = defineConfig("AeroDataSpecs", {
  fields: {
    /** Dimensions of a position: 2 or 3. */
    position_dim: int({ ge: 1 }),
    surface_feature_dim: optional(FieldDimSpec),
    volume_feature_dim: optional(FieldDimSpec),
    surface_output_dims: FieldDimSpec,
    volume_output_dims: optional(FieldDimSpec),
    /** One vector per sample, e.g. `inflow_design_parameters: 2`. */
    conditioning_dims: optional(FieldDimSpec),
    use_physics_features: bool().default(false),
  },
  derived: [
    "surface_feature_dim_total",
    "volume_feature_dim_total",
    "total_output_dim",
    "surface_targets",
    "volume_targets",
    "surface_features",
    "volume_features",
  ],
});
export type AeroDataSpecs = z.output<typeof AeroDataSpecs>;

/** Channels of all surface and volume outputs. */
export function totalOutputDim(specs: AeroDataSpecs): number {
  return totalDim(specs.surface_output_dims) + totalDim(specs.volume_output_dims);
}

/** `surface_pressure`, …: sample keys of the surface outputs, in the order of the spec. */
export function surfaceTargets(specs: AeroDataSpecs): string[] {
  return Object.keys(specs.surface_output_dims).map((field) => `surface_${field}`);
}

/** `volume_velocity`, …: sample keys of the volume outputs, in the order of the spec. */
export function volumeTargets(specs: AeroDataSpecs): string[] {
  return Object.keys(specs.volume_output_dims ?? {}).map((field) => `volume_${field}`);
}

/** Sample keys of the surface features, in the order of the spec: it is the order of their channels. */
export function surfaceFeatures(specs: AeroDataSpecs): string[] {
  return Object.keys(specs.surface_feature_dim ?? {});
}

/** Sample keys of the volume features, in the order of the spec: it is the order of their channels. */
export function volumeFeatures(specs: AeroDataSpecs): string[] {
  return Object.keys(specs.volume_feature_dim ?? {});
}
