import { checkSplitIDs } from "../../../lib/data/datasets/split-ids";

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
