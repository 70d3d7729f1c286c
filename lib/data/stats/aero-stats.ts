import type { z } from "zod";
import { defineConfig, float, list, optional, tuple } from "../../config/schema";

const vector = () => optional(tuple(float(), float(), float()));
const single = () => optional(tuple(float()));
const number = () => optional(float());
const parameters = () => optional(list(float()));

/**
 * Statistics block of an aerodynamics config (`dataset_statistics`), the file format of published statistics.
 * Every field is optional; lengths are strict: vectors have three entries, scalars are one-element lists
 * but for `volume_vorticity_magnitude_*`, which are bare numbers.
 */
export const AeroStatsSchema = defineConfig("AeroStatsSchema", {
  fields: {
    surface_domain_min: vector(),
    surface_domain_max: vector(),
    surface_pos_mean: vector(),
    surface_pos_std: vector(),
    surface_pressure_mean: single(),
    surface_pressure_std: single(),
    surface_friction_mean: vector(),
    surface_friction_std: vector(),
    volume_pos_mean: vector(),
    volume_pos_std: vector(),
    volume_pressure_mean: single(),
    volume_pressure_std: single(),
    volume_velocity_mean: vector(),
    volume_velocity_std: vector(),
    volume_vorticity_mean: vector(),
    volume_vorticity_std: vector(),
    volume_vorticity_logscale_mean: vector(),
    volume_vorticity_logscale_std: vector(),
    volume_vorticity_magnitude_mean: number(),
    volume_vorticity_magnitude_std: number(),
    volume_domain_min: vector(),
    volume_domain_max: vector(),
    volume_sdf_mean: single(),
    volume_sdf_std: single(),
    inflow_design_parameters_min: parameters(),
    inflow_design_parameters_max: parameters(),
    inflow_design_parameters_mean: parameters(),
    inflow_design_parameters_std: parameters(),
    geometry_design_parameters_min: parameters(),
    geometry_design_parameters_max: parameters(),
    geometry_design_parameters_mean: parameters(),
    geometry_design_parameters_std: parameters(),
    /** Smallest coordinate, the same for every axis. */
    raw_pos_min: single(),
    /** Largest coordinate, the same for every axis. */
    raw_pos_max: single(),
  },
});
export type AeroStatsSchema = z.output<typeof AeroStatsSchema>;
