import type { z } from "zod";
import { defineConfig, optional, str } from "../../config/schema";

const fileName = () => optional(str());

/** File name of each field inside the directory of a sample; null where a data set does not have it. */
export const FileMap = defineConfig("FileMap", {
  fields: {
    /** Positions of the surface's points (N, 3). */
    surface_position: fileName(),
    /** Pressure on the surface (N, 1). */
    surface_pressure: fileName(),
    /** Wall shear stress on the surface (N, 3). */
    surface_friction: fileName(),
    /** Normals of the surface (N, 3). */
    surface_normals: fileName(),
    /** Areas of the surface's cells (N, 1). */
    surface_area: fileName(),
    /** Positions of the volume's points (M, 3). */
    volume_position: fileName(),
    /** Pressure in the volume (M, 1). */
    volume_pressure: fileName(),
    /** Velocity in the volume (M, 3). */
    volume_velocity: fileName(),
    /** Vorticity in the volume (M, 3). */
    volume_vorticity: fileName(),
    /** Direction to the nearest surface from the volume's points (M, 3). */
    volume_normals: fileName(),
    /** Positions of the vertices of the geometry's STL. */
    surface_position_stl: fileName(),
    /** Positions drawn anew on the geometry's STL. */
    surface_position_stl_resampled: fileName(),
    /** Shear stress in the volume (M, 3). */
    volume_friction: fileName(),
    /** Distance of the volume's points to the surface (M, 1). */
    volume_distance_to_surface: fileName(),
    /** Parameters of the design. */
    design_parameters: fileName(),
  },
});
export type FileMap = z.output<typeof FileMap>;
