import "../../lib/data";
import {
  AeroDataSpecs,
  surfaceTargets,
  totalOutputDim,
  volumeTargets,
} from "../../lib/core/data-specs/aero-data-specs";
import { AeroStatsSchema } from "../../lib/data/stats/aero-stats";
import { checkSplitIDs } from "../../lib/data/datasets/split-ids";
import { DatasetBaseConfig, StandardDatasetConfig } from "../../lib/data/base/dataset-config";
import { fieldSlices, totalDim } from "../../lib/core/data-specs/field-dim-spec";

const mean = { kind: "noether.data.preprocessors.normalizers.MeanStdNormalization", mean: [0], std: [1] };

describe("FieldDimSpec", () => {
  test("slices in the order of the mapping, empty fields left out", () => {
    expect([...fieldSlices({ pressure: 1, nothing: 0, friction: 3 })]).toEqual([
      ["pressure", [0, 1]],
      ["friction", [1, 4]],
    ]);
    expect(totalDim({ pressure: 1, friction: 3 })).toBe(4);
    expect(totalDim(null)).toBe(0);
  });
});

describe("AeroDataSpecs", () => {
  const specs = AeroDataSpecs.create({
    position_dim: 3,
    surface_output_dims: { pressure: 1, friction: 3 },
    volume_output_dims: { velocity: 3 },
  });
  test("targets with their prefix, in order", () => {
    expect(surfaceTargets(specs)).toEqual(["surface_pressure", "surface_friction"]);
    expect(volumeTargets(specs)).toEqual(["volume_velocity"]);
    expect(totalOutputDim(specs)).toBe(7);
  });
  test("positions have dimensions", () => {
    expect(() => AeroDataSpecs.create({ position_dim: 0, surface_output_dims: {} })).toThrow();
  });
});

describe("DatasetBaseConfig", () => {
  test("names and other names", () => {
    expect(
      DatasetBaseConfig.create({ kind: "x", normalizers: { p: mean } } as never).dataset_normalizers,
    ).toHaveProperty("p.0.mean", [0]);
    expect(() => DatasetBaseConfig.create({ kind: "x", normalizers: {}, dataset_normalizers: {} } as never)).toThrow(
      /dataset_normalizers/,
    );
  });
  test("unknown keys", () => {
    expect(() => DatasetBaseConfig.create({ kind: "x", rooot: "." } as never)).toThrow(/rooot/);
  });
  test("the split is one of three", () => {
    expect(() => StandardDatasetConfig.create({ kind: "x", root: ".", split: "validation" as never })).toThrow(
      /train.*val.*test/,
    );
  });
  test("a misspelt normalizer suggests the right one", () => {
    const config = { kind: "x", normalizers: { p: { ...mean, kind: `${mean.kind}s` } } };
    expect(() => DatasetBaseConfig.create(config as never)).toThrow(/did you mean .*MeanStdNormalization/);
  });
});

describe("AeroStatsSchema", () => {
  test("values are kept", () => {
    const stats = AeroStatsSchema.create({
      surface_friction_mean: [1, 2, 3],
      surface_pressure_mean: [4],
      volume_vorticity_magnitude_mean: 5,
    });
    expect(stats).toMatchObject({
      surface_friction_mean: [1, 2, 3],
      surface_pressure_mean: [4],
      volume_vorticity_magnitude_mean: 5,
    });
    expect(stats.volume_sdf_mean).toBeNull();
  });
  test.each([
    { surface_friction_mean: [1, 2] },
    { surface_friction_mean: [1, 2, 3, 4] },
    { surface_pressure_mean: 1 },
    { raw_pos_min: [1, 2, 3] },
    { volume_vorticity_magnitude_mean: "much" },
  ])("%j is refused", (stats) => {
    expect(() => AeroStatsSchema.create(stats as never)).toThrow();
  });
});

describe("checkSplitIDs", () => {
  const splits = { train: [1, 2, 3], val: [4], test: [5], train_subset: [1, 2] };
  test("good splits", () => {
    expect(checkSplitIDs(splits, { train: 3 })).toBe(splits);
  });
  test.each([
    [{ ...splits, val: [3, 4] }, {}, /"train" and "val" share 3/],
    [{ ...splits, train_subset: [4] }, {}, /train_subset/],
    [splits, { train: 4 }, /expected 4 ids in split "train"/],
  ])("bad splits %#", (bad, sizes, message) => {
    expect(() => checkSplitIDs(bad, sizes)).toThrow(message);
  });
});
