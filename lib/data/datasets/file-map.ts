import type { z } from "zod";
import { defineConfig, optional, str } from "../../config/schema";

const fileName = () => optional(str());

/** File name of each field inside the directory of a sample; null where a data set does not have it. */
export const FileMap = defineConfig("FileMap", {
  fields: {
    surface_position: fileName(),
    surface_pressure: fileName(),
    surface_friction: fileName(),
    surface_normals: fileName(),
    surface_area: fileName(),
    volume_position: fileName(),
    volume_pressure: fileName(),
    volume_velocity: fileName(),
    volume_vorticity: fileName(),
    volume_normals: fileName(),
    surface_position_stl: fileName(),
    surface_position_stl_resampled: fileName(),
    volume_friction: fileName(),
    volume_distance_to_surface: fileName(),
    design_parameters: fileName(),
  },
});
export type FileMap = z.output<typeof FileMap>;
