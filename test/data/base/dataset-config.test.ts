import "../../../lib/data";
import { DatasetBaseConfig, StandardDatasetConfig } from "../../../lib/data/base/dataset-config";

const mean = { kind: "noether.data.preprocessors.normalizers.MeanStdNormalization", mean: [0], std: [1] };

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
