import { validateConfig } from "../../../lib/config/schema";
import { AeroCFDPipelineConfig, AeroMultistagePipeline, type Sample } from "../../../lib/data";
import { arange, full, scope, type Tensor } from "../../../lib/torch";

const KIND = "tutorial.pipeline.AeroMultistagePipeline";
const SPECS = {
  position_dim: 3,
  conditioning_dims: { inflow_design_parameters: 2 },
  domains: {
    surface: { output_dims: { pressure: 1 }, feature_dim: { surface_sdf: 1, surface_normals: 3 } },
    volume: { output_dims: { velocity: 3 }, feature_dim: { volume_sdf: 1, volume_normals: 3 } },
  },
};
const PHYSICS = { use_physics_features: true, data_specs: { ...SPECS, use_physics_features: true } };
const STATISTICS = { dataset_statistics: { volume_sdf_mean: [1], volume_sdf_std: [4] } };
const POINTS = { num_surface_points: 8, num_volume_points: 12, num_surface_queries: 0, num_volume_queries: 0 };
const UPT = { num_supernodes: 4, num_surface_queries: 5, num_volume_queries: 6 };
const ANCHORS = {
  num_geometry_points: 16,
  num_geometry_supernodes: 4,
  num_surface_anchor_points: 7,
  num_volume_anchor_points: 9,
};

/** The number of its row in every channel. */
const rows = (count: number, channels: number): Tensor =>
  arange(count, { dtype: "float32" }).reshape([count, 1]).repeat([1, channels]);

const sample = (index: number, surface = 20, volume = 30): Sample => ({
  index,
  inflow_design_parameters: full([1, 2], index),
  surface_position: rows(surface, 3),
  surface_pressure: rows(surface, 1),
  surface_normals: rows(surface, 3),
  volume_position: rows(volume, 3),
  volume_velocity: rows(volume, 3),
  volume_sdf: rows(volume, 1),
  volume_normals: rows(volume, 3),
});

type TensorBatch = Record<string, Tensor>;
const batchOf = (options: object, samples = [sample(0), sample(1)]): TensorBatch =>
  new AeroMultistagePipeline({ kind: KIND, data_specs: SPECS, ...POINTS, ...options } as never).collate(
    samples,
  ) as TensorBatch;
const shapes = (batch: TensorBatch) =>
  Object.fromEntries(Object.entries(batch).map(([key, value]) => [key, value.shape]));
/** Numbers of the rows that were chosen. */
const chosen = (batch: TensorBatch, key: string): number[] =>
  (batch[key]!.select(-1, 0).reshape([-1]).toArray() as number[]).map(Number);
const problems = (options: object): string => {
  try {
    validateConfig(AeroCFDPipelineConfig, { kind: KIND, data_specs: SPECS, ...POINTS, ...options });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("Transformer and Transolver: points, targets and conditions", () =>
  scope(() =>
    expect(shapes(batchOf({}))).toEqual({
      volume_position: [2, 12, 3],
      surface_position: [2, 8, 3],
      surface_pressure_target: [2, 8, 1],
      volume_velocity_target: [2, 12, 3],
      inflow_design_parameters: [2, 1, 2],
    }),
  ));

test("UPT: a sparse surface with supernodes, and queries", () =>
  scope(() => {
    const batch = batchOf(UPT, [sample(0), sample(1, 6)]);
    expect(shapes(batch)).toEqual({
      volume_position: [2, 12, 3],
      surface_query_position: [2, 5, 3],
      volume_query_position: [2, 6, 3],
      surface_pressure_target: [2, 5, 1],
      volume_velocity_target: [2, 6, 3],
      inflow_design_parameters: [2, 1, 2],
      surface_position: [14, 3],
      surface_position_batch_idx: [14],
      surface_position_supernode_idx: [8],
    });
    expect(chosen(batch, "surface_pressure_target")).toEqual(chosen(batch, "surface_query_position"));
    expect(chosen(batch, "volume_velocity_target")).toEqual(chosen(batch, "volume_query_position"));
    const supernodes = (batch["surface_position_supernode_idx"]!.toArray() as unknown[]).map(Number);
    expect(supernodes.map((index) => (index < 8 ? 0 : 1))).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(Math.max(...supernodes)).toBeLessThan(14);
  }));

test("AB-UPT: geometry and anchors, with the targets of the anchors", () =>
  scope(() => {
    const batch = batchOf(ANCHORS);
    expect(shapes(batch)).toEqual({
      surface_anchor_position: [2, 7, 3],
      volume_anchor_position: [2, 9, 3],
      surface_pressure_target: [2, 7, 1],
      volume_velocity_target: [2, 9, 3],
      inflow_design_parameters: [2, 1, 2],
      geometry_position: [32, 3],
      geometry_batch_idx: [32],
      geometry_supernode_idx: [8],
    });
    expect(chosen(batch, "surface_pressure_target")).toEqual(chosen(batch, "surface_anchor_position"));
    expect(chosen(batch, "volume_velocity_target")).toEqual(chosen(batch, "volume_anchor_position"));
  }));

test("queries that are not sampled are the input points", () =>
  scope(() => {
    const batch = batchOf({ num_volume_queries: 1, sample_query_points: false, num_supernodes: 4 }, [sample(0)]);
    expect(chosen(batch, "surface_query_position")).toEqual(chosen(batch, "surface_position"));
    expect(chosen(batch, "volume_query_position")).toEqual(chosen(batch, "volume_position"));
    expect(chosen(batch, "surface_pressure_target")).toEqual(chosen(batch, "surface_position"));
  }));

test("features in the order of the data specs; the surface is at distance 0, normalised", () =>
  scope(() => {
    const batch = batchOf({ ...PHYSICS, ...STATISTICS, ...UPT });
    const features = ["surface", "volume", "surface_query", "volume_query"].map(
      (name) => batch[`${name}_features`]!.shape,
    );
    expect(features).toEqual([
      [2, 8, 4],
      [2, 12, 4],
      [2, 5, 4],
      [2, 6, 4],
    ]);
    // (0 - 1) / 4
    expect(new Set(chosen(batch, "surface_features"))).toEqual(new Set([-0.25]));
    expect(chosen({ normals: batch["volume_features"]!.narrow(2, 1, 1) }, "normals")).toEqual(
      chosen(batch, "volume_position"),
    );
  }));

test.each([
  ["points", {}, ["surface_position", "volume_position"]],
  ["supernodes", UPT, ["surface_query_position", "surface_position_supernode_idx"]],
  [
    "anchors",
    ANCHORS,
    ["surface_anchor_position", "volume_anchor_position", "geometry_position", "geometry_supernode_idx"],
  ],
])("a seed and the sample's index decide the %s", (_name, options, keys) =>
  scope(() => {
    const values = (index: number) => {
      const batch = batchOf({ ...options, seed: 3 }, [sample(index)]);
      return keys.map((key) => batch[key]!.toArray());
    };
    expect(values(5)).toEqual(values(5));
    expect(values(5)).not.toEqual(values(6));
  }),
);

test("more points than there are: all, permuted", () =>
  scope(() => {
    const all = chosen(batchOf({ num_surface_points: 1e9, num_volume_points: 1e9 }, [sample(0)]), "surface_position");
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  }));

test("null queries are none", () =>
  scope(() =>
    expect(shapes(batchOf({ num_surface_queries: null, num_volume_queries: null }))).toEqual(shapes(batchOf({}))),
  ));

test.each([
  [{ num_surface_points: 0 }, /num_surface_points: expected an integer >= 1 without anchors/],
  [{ num_supernodes: 4 }, /num_supernodes: supernodes need queries/],
  [{ num_surface_queries: 4 }, /num_volume_queries: expected an integer >= 1 where the surface has queries/],
  [{ ...ANCHORS, num_volume_anchor_points: 0 }, /num_volume_anchor_points: anchors need a number for both/],
  [{ ...ANCHORS, num_geometry_points: null }, /num_geometry_points: expected an integer >= 1 with anchors/],
  [{ ...ANCHORS, ...UPT, num_supernodes: 0 }, /num_surface_queries: anchors take no queries/],
  [{ ...ANCHORS, num_supernodes: 4 }, /num_supernodes: these are for UPT/],
  [{ num_geometry_supernodes: 4 }, /num_geometry_supernodes: only anchors/],
  [PHYSICS, /dataset_statistics: expected volume_sdf_mean and volume_sdf_std/],
  [
    { data_specs: { ...SPECS, domains: { ...SPECS.domains, wheels: { output_dims: { pressure: 1 } } } } },
    /data_specs.domains.wheels: this pipeline has the domains surface and volume, not "wheels"/,
  ],
  [{ num_surface_point: 4 }, /num_surface_point\b.*num_surface_points/],
])("%j is refused", (options, message) => {
  expect(problems(options)).toMatch(message);
});
