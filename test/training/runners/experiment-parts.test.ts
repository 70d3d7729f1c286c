import { register } from "../../../lib/config/registry";
import { ValueError } from "../../../lib/config/python-errors";
import { Dataset, type SampleInfo, StandardDatasetConfig } from "../../../lib/data";
import { createData } from "../../../lib/training/runners/experiment-parts";
import { tensor } from "../../../lib/torch";

/** Splits whose runs are in their root: `1,2,3`. */
class Runs extends Dataset<StandardDatasetConfig> {
  constructor(config: StandardDatasetConfig) {
    super(config);
    this.addGetter("x", (index) => tensor([index]));
  }
  get #ids(): string[] {
    return this.config.root.split(",").filter((id) => id !== "");
  }
  override get length(): number {
    return this.#ids.length;
  }
  override sampleInfo(index: number): SampleInfo {
    return { sample_uri: `run_${this.#ids[index]}` };
  }
}
register("test.SplitRuns", { class: Runs, schema: StandardDatasetConfig });

const create = (train: string, test: string, more: object = {}) => {
  const datasets = {
    train: StandardDatasetConfig.create({ kind: "test.SplitRuns", root: train, split: "train" }),
    test: StandardDatasetConfig.create({ kind: "test.SplitRuns", root: test, split: "test", ...more }),
  };
  const config = { datasets, seed: 0, sample_order: "2026.4", num_workers: 0, trainer: {} };
  return createData(config as never, "cpu");
};

describe("the data sets of a run", () => {
  test("each with its pipeline", () => {
    const { datasets } = create("1,2", "3");
    expect([...datasets].map(([key, dataset]) => [key, dataset.length, dataset.pipeline !== null])).toEqual([
      ["train", 2, true],
      ["test", 1, true],
    ]);
  });
  test("that share samples: an error before anything is made of them", () => {
    expect(() => create("1,2", "2,3")).toThrow(ValueError);
    expect(() => create("1,2", "2,3")).toThrow(
      '"train" (split "train") and "test" (split "test") share 1 sample (run_2)',
    );
  });
  test("of which one is empty, also by its wrappers", () => {
    const wrapper = { kind: "noether.data.base.wrappers.SubsetWrapper", end_index: 0 };
    expect(() => create("1,2", "")).toThrow('expected samples in the data set "test"');
    expect(() => create("1,2", "3", { dataset_wrappers: [wrapper] })).toThrow(
      'expected samples in the data set "test"',
    );
  });
});
