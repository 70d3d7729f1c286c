import type { z } from "zod";
import { bool, defineConfig, int, optional, str } from "noether-ts/core";
import {
  ConcatSparseTensorCollator,
  DefaultCollator,
  DuplicateKeysSampleProcessor,
  MultiStagePipeline,
  PointSamplingSampleProcessor,
  RenameKeysSampleProcessor,
  SparseTensorOffsetCollator,
  SupernodeSamplingSampleProcessor,
} from "noether-ts/data";

/** Config of {@link AirfoilPipeline}. */
export const AirfoilPipelineConfig = defineConfig("AirfoilPipelineConfig", {
  extra: "forbid",
  fields: {
    kind: str(),
    /** Surface points that the geometry is pooled into. */
    num_geometry_supernodes: int({ ge: 1 }),
    /** Random points of the surface and of the volume that the model computes with. */
    num_surface_anchor_points: int({ ge: 1 }),
    num_volume_anchor_points: int({ ge: 1 }),
    /** Give all points of a case as queries too, in the order of the file. */
    query_all_points: bool().default(false),
    /** The same points each time; null: new ones in every epoch. */
    seed: optional(int()),
  },
});
export type AirfoilPipelineConfig = z.output<typeof AirfoilPipelineConfig>;

const FIELDS = ["surface_pressure", "volume_velocity", "volume_pressure"] as const;

/**
 * From cases to what AB-UPT takes: the surface as geometry with supernodes, random anchor points, their fields as targets,
 * and the inflow as condition.
 */
export class AirfoilPipeline extends MultiStagePipeline {
  static readonly schema = AirfoilPipelineConfig;

  constructor(config: AirfoilPipelineConfig) {
    const { num_geometry_supernodes, num_surface_anchor_points, num_volume_anchor_points, query_all_points, seed } =
      config;
    // each sampling step gets a seed of its own
    const seeded = (offset: number): number | null => (seed === null ? null : seed + offset);
    const queries: Record<string, string> = query_all_points
      ? {
          surface_position: "query_surface_position",
          volume_position: "query_volume_position",
          ...Object.fromEntries(FIELDS.map((field) => [field, `query_${field}_target`])),
        }
      : {};
    super({
      sample_processors: [
        new DuplicateKeysSampleProcessor({ key_map: { surface_position: "geometry_position" } }),
        new SupernodeSamplingSampleProcessor({
          item: "geometry_position",
          num_supernodes: num_geometry_supernodes,
          supernode_idx_key: "geometry_supernode_idx",
          seed: seeded(0),
        }),
        new DuplicateKeysSampleProcessor({ key_map: queries }),
        new PointSamplingSampleProcessor({
          items: ["surface_position", "surface_pressure"],
          num_points: num_surface_anchor_points,
          seed: seeded(1),
        }),
        new PointSamplingSampleProcessor({
          items: ["volume_position", "volume_velocity", "volume_pressure"],
          num_points: num_volume_anchor_points,
          seed: seeded(2),
        }),
        new RenameKeysSampleProcessor({
          key_map: {
            surface_position: "surface_anchor_position",
            volume_position: "volume_anchor_position",
            ...Object.fromEntries(FIELDS.map((field) => [field, `${field}_target`])),
          },
        }),
      ],
      collators: [
        new DefaultCollator({
          items: [
            "surface_anchor_position",
            "volume_anchor_position",
            "inflow_design_parameters",
            ...FIELDS.map((field) => `${field}_target`),
            ...Object.values(queries),
          ],
        }),
        new ConcatSparseTensorCollator({
          items: ["geometry_position"],
          create_batch_idx: true,
          batch_idx_key: "geometry_batch_idx",
        }),
        new SparseTensorOffsetCollator({ item: "geometry_supernode_idx", offset_key: "geometry_position" }),
      ],
    });
  }
}
