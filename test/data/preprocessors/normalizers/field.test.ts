import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Dataset,
  DATASET_STATISTICS,
  FieldNormalizer,
  FieldNormalizerConfig,
  type Statistics,
} from "../../../../lib/data";
import { DatasetBaseConfig } from "../../../../lib/data/base/dataset-config";
import { KeyError, ValueError } from "../../../../lib/config/python-errors";
import { tensor } from "../../../../lib/torch";
import { temporaryFolder } from "../../../support/small-run";
import { values } from "../../support";

const statistics = { p_mean: [1, 2], p_std: [2, 4], s_mean: 3, s_std: 0.5, log_mean: 0.1, log_std: 2 };
const x = () => tensor([[1, -2], [0.5, 2.5]]); // prettier-ignore
const column = () => tensor([[1], [0.5]]);

function expectClose(actual: unknown, expected: readonly number[]): void {
  const flat = (values(actual) as number[][]).flat();
  expect(flat).toHaveLength(expected.length);
  flat.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
}

// values of release 2026.4
describe("the numbers of the Python framework", () => {
  test("mean_std, one statistic a channel", () => {
    expectClose(new FieldNormalizer({}, "p", { statistics }).apply(x()), [0, -1, -0.25, 0.125]);
  });
  test("mean_std, numbers", () => {
    expectClose(new FieldNormalizer({}, "s", { statistics }).apply(column()), [-4, -5]);
  });
  test("mean_std of log-scaled values, with other names", () => {
    const config = { logscale: true, stat_keys: { mean: "log_mean", std: "log_std" } };
    const normalizer = new FieldNormalizer(config, "s", { statistics });
    expectClose(normalizer.apply(column()), [0.2965735793, 0.1527325511]);
    expectClose(normalizer.denormalize(normalizer.apply(column())), [1, 0.5]);
  });
  test.each<[object, Statistics]>([
    [{}, { q_min: -4, q_max: 6 }],
    [{}, { raw_pos_min: [-4], raw_pos_max: [6] }],
    [{ stat_keys: { min: "lower", max: "upper" } }, { lower: -4, upper: [6], q_min: -100 }],
  ])("position with %j and %j", (more, limits) => {
    const normalizer = new FieldNormalizer({ strategy: "position", scale: 10, ...more }, "q", { statistics: limits });
    expectClose(normalizer.apply(x()), [5, 2, 4.5, 6.5]);
  });
});

describe("errors", () => {
  test("no statistics", () => expect(() => new FieldNormalizer({}, "p")).toThrow(ValueError));
  test("no mean: KeyError, with names that are there", () => {
    const make = () => new FieldNormalizer({}, "pp", { statistics });
    expect(make).toThrow(KeyError);
    expect(make).toThrow('expected "pp_mean" and "pp_std" in the statistics');
    expect(make).toThrow('did you mean "p_mean"');
  });
  test("no minimum: ValueError", () =>
    expect(() => new FieldNormalizer({ strategy: "position" }, "p", { statistics })).toThrow(ValueError));
  test.each([
    [{ stat_keys: { min: "p_min" } }, "stat_keys.min: expected mean and std"],
    [{ strategy: "position", logscale: true }, 'logscale: expected false with "position"'],
    [{ strategy: "range" }, 'strategy: expected "mean_std" or "position"'],
    [{ scale: 0 }, "scale: expected a number > 0"],
    [{ mean: 1 }, "mean: unknown key"],
  ])("%j", (config, problem) => {
    const problems = FieldNormalizerConfig.safeParse(config).error?.issues.map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    );
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});

describe("in a data set", () => {
  class Cars extends Dataset {
    constructor(normalizer: object) {
      const dataset_normalizers = { surface_pressure: normalizer };
      super(DatasetBaseConfig.create({ kind: "test", dataset_normalizers } as never));
      this.addGetter("surface_pressure", () => tensor([[-36.4098], [12.2659]]), { normalize: true });
    }
    override get length(): number {
      return 1;
    }
  }
  const kind = "noether.data.preprocessors.normalizers.FieldNormalizer";

  test("takes the statistics of its class", async () => {
    class ShapeNetCar extends Cars {
      static override readonly statistics = DATASET_STATISTICS.ShapeNetCarDataset;
    }
    const dataset = new ShapeNetCar({ kind });
    expectClose((await dataset.get(0))["surface_pressure"], [0, 1]);
  });

  test.each([
    ["stats.yaml", "surface_pressure_mean: [-36.4098]\nsurface_pressure_std: 48.6757\n"],
    ["stats.json", '{"surface_pressure": {"mean": [-36.4098], "std": [48.6757], "log_scale": false}}'],
  ])("takes them from %s", async (name, text) => {
    const folder = temporaryFolder();
    try {
      const file = join(folder.path, name);
      writeFileSync(file, text);
      class Own extends Cars {
        static override readonly statsFile = file;
      }
      expectClose((await new Own({ kind }).get(0))["surface_pressure"], [0, 1]);
    } finally {
      folder.remove();
    }
  });

  test("without statistics: says what else there is", () => {
    expect(() => new Cars({ kind })).toThrow(/needs the statistics of its data set.*MeanStdNormalization/);
  });
});

test("the tables of the data sets have every mean with its deviation", () => {
  for (const table of Object.values<Statistics>(DATASET_STATISTICS)) {
    for (const [name, mean] of Object.entries(table)) {
      if (!name.endsWith("_mean") || name === "volume_vorticity_magnitude_mean") continue;
      const deviation = table[name.replace(/_mean$/, "_std")];
      expect([name, [deviation].flat().length]).toEqual([name, [mean].flat().length]);
      for (const number of [deviation].flat()) expect(number).toBeGreaterThan(0);
    }
  }
  expect(Object.keys(DATASET_STATISTICS)).toHaveLength(6);
});
