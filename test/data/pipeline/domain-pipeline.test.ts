import { validateConfig } from "../../../lib/config/schema";
import { DomainPipeline, DomainPipelineConfig, type Sample } from "../../../lib/data";
import { arange, manualSeed, scope, type Tensor } from "../../../lib/torch";

const SPECS = {
  position_dim: 3,
  domains: {
    surface: { output_dims: { pressure: 1 } },
    volume: { output_dims: { velocity: 3, pressure: 1 } },
  },
  conditioning_dims: { inflow: 2 },
};
const KIND = "noether.data.pipeline.DomainPipeline";

/** Values that tell their row: row i of a field with C channels is (C·i, …). */
const field = (rows: number, channels: number): Tensor =>
  arange(rows * channels, { dtype: "float32" }).reshape([rows, channels]);

const sample = (index: number, surface = 20, volume = 30): Sample => ({
  index,
  inflow: arange(2, { dtype: "float32" }),
  surface_position: field(surface, 3),
  surface_pressure: field(surface, 1),
  volume_position: field(volume, 3),
  volume_velocity: field(volume, 3),
  volume_pressure: field(volume, 1),
});

const batchOf = (options: object, samples = [sample(0), sample(1)]): Record<string, Tensor> => {
  const config = { kind: KIND, data_specs: SPECS, num_points: { surface: 8, volume: 12 }, ...options };
  return new DomainPipeline(config as never).collate(samples) as Record<string, Tensor>;
};
const shapes = (batch: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(batch).map(([key, value]) => [key, value.shape]));
const problems = (options: object): string => {
  try {
    validateConfig(DomainPipelineConfig, { kind: KIND, data_specs: SPECS, num_points: 8, ...options });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("AB-UPT: geometry, anchors, targets and conditions", () =>
  scope(() => {
    const batch = batchOf({ model: "ab_upt", geometry: { domain: "surface", num_points: 16, num_supernodes: 4 } });
    expect(shapes(batch)).toEqual({
      surface_anchor_position: [2, 8, 3],
      surface_pressure_target: [2, 8, 1],
      volume_anchor_position: [2, 12, 3],
      volume_velocity_target: [2, 12, 3],
      volume_pressure_target: [2, 12, 1],
      inflow: [2, 2],
      geometry_position: [32, 3],
      geometry_batch_idx: [32],
      geometry_supernode_idx: [8],
    });
  }));

test("a point keeps its values", () =>
  scope(() => {
    const batch = batchOf({ model: "ab_upt" });
    const position = batch["volume_anchor_position"]!.select(-1, 0).div(3); // (2, 12): rows
    expect(batch["volume_pressure_target"]!.select(-1, 0).toArray()).toEqual(position.toArray());
    expect(batch["volume_velocity_target"]!.select(-1, 0).div(3).toArray()).toEqual(position.toArray());
  }));

test("AB-UPT: all points as queries, in their order, beside the anchors", () =>
  scope(() => {
    const batch = batchOf({ model: "ab_upt", num_queries: "all" });
    expect(batch["query_surface_pressure_target"]!.toArray()).toEqual(
      [sample(0), sample(1)].map((each) => (each["surface_pressure"] as Tensor).toArray()),
    );
    expect(batch["query_volume_position"]!.shape).toEqual([2, 30, 3]);
    expect(batch["surface_anchor_position"]!.shape).toEqual([2, 8, 3]);
  }));

test("UPT: queries of both domains and the geometry", () =>
  scope(() => {
    const batch = batchOf({ model: "upt", geometry: { domain: "surface", num_supernodes: 4 } });
    expect(shapes(batch)).toMatchObject({
      surface_query_position: [2, 8, 3],
      volume_query_position: [2, 12, 3],
      geometry_position: [40, 3],
      geometry_supernode_idx: [8],
    });
  }));

test.each(["transformer", "transolver"])("%s: points of both domains", (model) =>
  scope(() => {
    const batch = batchOf({ model, num_points: { surface: "all", volume: 5 } });
    expect(shapes(batch)).toMatchObject({ surface_position: [2, 20, 3], volume_position: [2, 5, 3] });
  }),
);

test("a domain that the data do not have is empty for models that read two", () =>
  scope(() => {
    const specs = { position_dim: 3, domains: { surface: { output_dims: { pressure: 1 } } } };
    const batch = batchOf({ model: "transformer", data_specs: specs, num_points: 8 });
    expect(shapes(batch)).toEqual({
      surface_position: [2, 8, 3],
      surface_pressure_target: [2, 8, 1],
      volume_position: [2, 0, 3],
    });
  }));

test("features of a domain side by side, at the chosen points", () =>
  scope(() => {
    const domains = {
      ...SPECS.domains,
      volume: { output_dims: { velocity: 3 }, feature_dim: { volume_sdf: 1, volume_normals: 3 } },
    };
    const data_specs = { ...SPECS, domains, use_physics_features: true };
    const more = (each: Sample): Sample => ({ ...each, volume_sdf: field(30, 1), volume_normals: field(30, 3) });
    const batch = batchOf({ model: "transformer", data_specs }, [more(sample(0))]);
    const [position, features] = [batch["volume_position"]!, batch["volume_features"]!];
    expect(features.shape).toEqual([1, 12, 4]);
    expect(features.select(-1, 1).toArray()).toEqual(position.select(-1, 0).toArray());
  }));

test("with a seed a sample has the same points each time, without one others", () =>
  scope(() => {
    manualSeed(0);
    const points = (seed: number | null) => batchOf({ model: "transformer", seed })["surface_position"]!.toArray();
    expect(points(3)).toEqual(points(3));
    expect(points(null)).not.toEqual(points(null));
  }));

test("samples of unequal numbers of points do not stack", () => {
  expect(() => batchOf({ model: "transformer", num_points: "all" }, [sample(0), sample(1, 21)])).toThrow(
    /surface_position.*\(20, 3\).*\(21, 3\)/,
  );
});

test.each<[string, object, RegExp]>([
  [
    "a domain that is not predicted",
    { model: "ab_upt", num_points: { surface: 3, volum: 4 } },
    /num_points\.volum.*did you mean "volume"/,
  ],
  ["a domain without a number", { model: "ab_upt", num_points: { surface: 3 } }, /num_points.*volume/],
  ["UPT without geometry", { model: "upt" }, /geometry/],
  [
    "a transformer with geometry",
    { model: "transformer", geometry: { domain: "surface", num_supernodes: 3 } },
    /geometry.*takes none/,
  ],
  ["queries of a transformer", { model: "transformer", num_queries: "all" }, /num_queries/],
  [
    "features for AB-UPT",
    { model: "ab_upt", data_specs: { ...SPECS, use_physics_features: true } },
    /use_physics_features/,
  ],
  ["a misspelt key", { model: "ab_upt", num_point: 4 }, /num_point.*did you mean "num_points"/],
  ["no model", {}, /model: missing value/],
])("refused: %s", (_, options, message) => expect(problems(options)).toMatch(message));
