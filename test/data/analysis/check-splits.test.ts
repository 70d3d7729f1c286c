import { tensor } from "../../../lib/torch";
import {
  checkSplits,
  Dataset,
  PropertySubsetWrapper,
  RepeatWrapper,
  type SampleInfo,
  SubsetWrapper,
} from "../../../lib/data";
import { DatasetBaseConfig, StandardDatasetConfig } from "../../../lib/data/base/dataset-config";
import { ValueError } from "../../../lib/config/python-errors";
import { IndexDataset } from "../support";

/** Runs by their number. */
class Runs extends Dataset {
  constructor(
    readonly ids: readonly number[],
    split: string | null = null,
  ) {
    super(
      split === null
        ? DatasetBaseConfig.create({ kind: "Runs" })
        : StandardDatasetConfig.create({ kind: "Runs", root: ".", split: split as "train" }),
    );
    this.addGetter("x", (index) => tensor([index]));
  }
  override get length(): number {
    return this.ids.length;
  }
  override sampleInfo(index: number): SampleInfo {
    return { sample_uri: `run_${this.ids[index]}` };
  }
}
class OtherRuns extends Runs {}

const check = (datasets: Record<string, Dataset | SubsetWrapper | RepeatWrapper | PropertySubsetWrapper>) => {
  const warnings: string[] = [];
  checkSplits(new Map(Object.entries(datasets)), (message) => warnings.push(message));
  return warnings;
};
const all = new Runs([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

describe("checkSplits", () => {
  test("an empty data set is named", () => {
    const work = () => check({ train: new Runs([1], "train"), val: new Runs([], "val") });
    expect(work).toThrow(ValueError);
    expect(work).toThrow('expected samples in the data set "val" (Runs), received an empty one');
    expect(() => check({ train: new SubsetWrapper({ end_index: 0 }, all) })).toThrow("(length=0)");
  });
  test("splits that share samples", () => {
    const work = () => check({ train: new Runs([1, 2, 3], "train"), test: new Runs([3, 4, 2], "test") });
    expect(work).toThrow(ValueError);
    expect(work).toThrow('"train" (split "train") and "test" (split "test") share 2 samples (run_2, run_3)');
  });
  test("of many samples some are named", () => {
    const work = () => check({ train: new Runs(all.ids, "train"), val: new Runs(all.ids, "val") });
    expect(work).toThrow("share 10 samples (run_0, run_1, run_2, run_3, run_4, …)");
  });
  test("splits that share none", () => {
    expect(check({ train: new Runs([1, 2], "train"), val: new Runs([3], "val"), test: new Runs([4], "test") })).toEqual([]); // prettier-ignore
  });
  test("one split in two data sets", () => {
    const test = new Runs([4, 5], "test");
    expect(check({ test, test_repeat: new RepeatWrapper({ repetitions: 10 }, test) })).toEqual([]);
  });
  test("through wrappers", () => {
    const wrapped = new PropertySubsetWrapper(new RepeatWrapper({ repetitions: 2 }, new Runs([3], "test")), new Set(["x"])); // prettier-ignore
    expect(() => check({ train: new Runs([1, 2, 3], "train"), test: wrapped })).toThrow("share 1 sample (run_3)");
  });
  test("without splits, a part of the training data elsewhere is a warning", () => {
    const part = (start_percent: number, end_percent: number) => new SubsetWrapper({ start_percent, end_percent }, all);
    expect(check({ train: part(0, 0.8), test: part(0.7, 1) })).toEqual([
      'the data sets "train" and "test" share 1 sample (run_7): metrics of one are partly those of training data',
    ]);
    expect(check({ train: part(0, 0.8), test: part(0.8, 1) })).toEqual([]);
  });
  test("without splits, all of it is meant", () => {
    expect(check({ train: all, test: new SubsetWrapper({ end_index: 3 }, all) })).toEqual([]);
  });
  test("other classes, and data sets that cannot tell, are not compared", () => {
    expect(check({ train: new Runs([1], "train"), test: new OtherRuns([1], "test") })).toEqual([]);
    expect(check({ train: new IndexDataset(3), test: new IndexDataset(3) })).toEqual([]);
  });
});
