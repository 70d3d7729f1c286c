import { ValueError } from "../../config/python-errors";

/** Ids of the samples of each split; other splits (`hidden_test`, `extrap`, …) by name. */
export type DatasetSplitIDs = Readonly<Record<string, readonly (number | string)[]>> & {
  readonly train: readonly (number | string)[];
  readonly val: readonly (number | string)[];
  readonly test: readonly (number | string)[];
};

/**
 * Checks splits: no id in two splits, `train_subset` part of `train`, sizes as expected.
 *
 * @param expectedSizes size of each split that must have one
 * @returns the splits
 * @throws ValueError naming the splits at fault
 */
export function checkSplitIDs(
  splits: DatasetSplitIDs,
  expectedSizes: Readonly<Record<string, number>> = {},
): DatasetSplitIDs {
  const ids = new Map(Object.entries(splits).map(([name, list]) => [name, new Set(list)]));
  for (const [name, size] of Object.entries(expectedSizes)) {
    const actual = ids.get(name)?.size ?? 0;
    if (actual !== size) throw new ValueError(`expected ${size} ids in split "${name}", received ${actual}`);
  }
  const disjoint = [...ids].filter(([name, list]) => name !== "train_subset" && list.size > 0);
  disjoint.forEach(([name, list], position) => {
    for (const [other, otherList] of disjoint.slice(position + 1)) {
      const overlap = [...list].filter((id) => otherList.has(id)).sort();
      if (overlap.length > 0)
        throw new ValueError(`expected disjoint splits, but "${name}" and "${other}" share ${overlap.join(", ")}`);
    }
  });
  const outside = [...(ids.get("train_subset") ?? [])].filter((id) => !ids.get("train")!.has(id));
  if (outside.length > 0)
    throw new ValueError(`expected "train_subset" to be part of "train", but it also has ${outside.join(", ")}`);
  return splits;
}
