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
    /** Smallest coordinates of the surface. */
    surface_domain_min: vector(),
    /** Largest coordinates of the surface. */
    surface_domain_max: vector(),
    /** Mean of surface positions. */
    surface_pos_mean: vector(),
    /** Standard deviation of surface positions. */
    surface_pos_std: vector(),
    /** Mean of pressure on the surface. */
    surface_pressure_mean: single(),
    /** Standard deviation of pressure on the surface. */
    surface_pressure_std: single(),
    /** Mean of wall shear stress. */
    surface_friction_mean: vector(),
    /** Standard deviation of wall shear stress. */
    surface_friction_std: vector(),
    /** Mean of volume positions. */
    volume_pos_mean: vector(),
    /** Standard deviation of volume positions. */
    volume_pos_std: vector(),
    /** Mean of pressure in the volume. */
    volume_pressure_mean: single(),
    /** Standard deviation of pressure in the volume. */
    volume_pressure_std: single(),
    /** Mean of velocity. */
    volume_velocity_mean: vector(),
    /** Standard deviation of velocity. */
    volume_velocity_std: vector(),
    /** Mean of vorticity. */
    volume_vorticity_mean: vector(),
    /** Standard deviation of vorticity. */
    volume_vorticity_std: vector(),
    /** Mean of vorticity on the signed logarithmic scale. */
    volume_vorticity_logscale_mean: vector(),
    /** Standard deviation of vorticity on the signed logarithmic scale. */
    volume_vorticity_logscale_std: vector(),
    /** Mean of the vorticity's magnitude. */
    volume_vorticity_magnitude_mean: number(),
    /** Standard deviation of the vorticity's magnitude. */
    volume_vorticity_magnitude_std: number(),
    /** Smallest coordinates of the volume. */
    volume_domain_min: vector(),
    /** Largest coordinates of the volume. */
    volume_domain_max: vector(),
    /** Mean of signed distance to the surface. */
    volume_sdf_mean: single(),
    /** Standard deviation of signed distance to the surface. */
    volume_sdf_std: single(),
    /** Smallest values of the inflow's parameters. */
    inflow_design_parameters_min: parameters(),
    /** Largest values of the inflow's parameters. */
    inflow_design_parameters_max: parameters(),
    /** Mean of the inflow's parameters. */
    inflow_design_parameters_mean: parameters(),
    /** Standard deviation of the inflow's parameters. */
    inflow_design_parameters_std: parameters(),
    /** Smallest values of the geometry's parameters. */
    geometry_design_parameters_min: parameters(),
    /** Largest values of the geometry's parameters. */
    geometry_design_parameters_max: parameters(),
    /** Mean of the geometry's parameters. */
    geometry_design_parameters_mean: parameters(),
    /** Standard deviation of the geometry's parameters. */
    geometry_design_parameters_std: parameters(),
    /** Smallest coordinate, the same for every axis. */
    raw_pos_min: single(),
    /** Largest coordinate, the same for every axis. */
    raw_pos_max: single(),
  },
});
export type AeroStatsSchema = z.output<typeof AeroStatsSchema>;
