import type { z } from "zod";
import { float, int, list, optional, type FieldType } from "../../config/schema";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { DatasetProtocol } from "../base/dataset";
import { describeSource } from "../base/dataset-source";
import { range, Subset, subsetSource } from "./subset";

/** Part of a data set: explicit indices, or a half-open range of indices or fractions. Ranges are checked by the wrapper. */
export const SubsetWrapperConfig = DatasetWrapperConfig.extend("SubsetWrapperConfig", {
  extra: "ignore",
  fields: {
    /** The samples, by their indices; instead of a range. */
    indices: optional(list(float())),
    /** First sample. */
    start_index: optional(int()),
    /** The sample after the last. */
    end_index: optional(int()),
    /** First sample as a share of all. */
    start_percent: optional(float()),
    /** End as a share of all. */
    end_percent: optional(float()),
  },
});
export type SubsetWrapperConfig = z.output<typeof SubsetWrapperConfig>;

type Input = { kind?: string } & { [K in Exclude<keyof SubsetWrapperConfig, "kind">]?: SubsetWrapperConfig[K] };

/**
 * Part of a data set: `indices`, or `start_index`/`end_index`, or `start_percent`/`end_percent` (half-open). An end of 0 is
 * an empty subset. Of `indices` negative ones count from the end; fractions are cut off.
 *
 * @throws ValueError for a range that is none, and for indices outside of the data set
 */
export class SubsetWrapper extends Subset {
  static readonly schema: FieldType = SubsetWrapperConfig;

  constructor(config: Input, dataset: DatasetProtocol) {
    super(dataset, chooseIndices(validated(config), dataset.length));
  }
}

describeSource(SubsetWrapper, subsetSource);
register("noether.data.base.wrappers.SubsetWrapper", {
  class: SubsetWrapper,
  aliases: ["noether.data.base.wrappers.subset.SubsetWrapper", "noether.data.SubsetWrapper"],
});

function validated(config: Input): SubsetWrapperConfig {
  const result = SubsetWrapperConfig.safeParse({ kind: "", ...config });
  if (result.success) return result.data;
  throw new ValueError(`SubsetWrapper: ${result.error.issues.map((issue) => issue.message).join("; ")}`);
}

function chooseIndices(config: SubsetWrapperConfig, length: number): number[] {
  const { indices, start_index, end_index, start_percent, end_percent } = config;
  const hasIndices = indices !== null;
  const hasRange = start_index !== null || end_index !== null;
  const hasPercent = start_percent !== null || end_percent !== null;
  if (!hasIndices && !hasRange && !hasPercent)
    throw new RuntimeError(
      "SubsetWrapper: expected indices, start_index/end_index or start_percent/end_percent, received none",
    );
  if (Number(hasIndices) + Number(hasRange) + Number(hasPercent) > 1)
    throw new ValueError(
      "SubsetWrapper: expected only one of indices, start_index/end_index, start_percent/end_percent",
    );
  if (hasIndices) return indices.map((index) => positionOf(index, length));
  if (hasRange) {
    const start = start_index ?? 0;
    const end = Math.min(end_index ?? length, length);
    if (start < 0 || start > end)
      throw new ValueError(`SubsetWrapper: expected 0 <= start_index <= end_index, received ${start} and ${end}`);
    return range(end - start).map((index) => start + index);
  }
  for (const [name, value] of Object.entries({ start_percent, end_percent })) {
    if (value !== null && !(value >= 0 && value <= 1))
      throw new ValueError(`SubsetWrapper: expected ${name} between 0 and 1, received ${value}`);
  }
  const [s, e] = [start_percent ?? 0, end_percent ?? 1];
  // an explicit end of 0 is an empty subset; anything else needs room between start and end
  if (e <= s && !(e === 0 && s === 0))
    throw new ValueError(`SubsetWrapper: expected start_percent < end_percent, received ${s} and ${e}`);
  const start = Math.trunc(s * length);
  return range(Math.trunc(e * length) - start).map((index) => start + index);
}

function positionOf(index: number, length: number): number {
  const position = Math.trunc(index);
  if (!(position >= -length && position < length))
    throw new ValueError(`SubsetWrapper: expected indices of a data set with ${length} samples, received ${index}`);
  return position < 0 ? length + position : position;
}
