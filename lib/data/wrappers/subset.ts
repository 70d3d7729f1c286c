import type { DatasetProtocol } from "../base/dataset";
import { describeSource, type DatasetSource, type SourceParts } from "../base/dataset-source";
import { DatasetWrapper } from "./dataset-wrapper";

/** A data set seen through a list of indices; base of the wrappers that reorder, repeat or cut. */
export class Subset extends DatasetWrapper {
  constructor(
    dataset: DatasetProtocol,
    readonly indices: readonly number[],
  ) {
    super(dataset);
  }

  override get length(): number {
    return this.indices.length;
  }

  /** Negative positions count from the end. */
  protected override toInner(index: number): number {
    const inner = this.indices.at(index);
    if (inner === undefined)
      throw new RangeError(`sample ${index} is outside of ${this.toString()}, which has ${this.length} samples`);
    return inner;
  }

  override toString(): string {
    const { indices } = this;
    const range = indices.length > 0 ? ` indices=${indices[0]}-${indices.at(-1)}` : "";
    return `${this.dataset.toString()} (length=${indices.length}${range})`;
  }
}

/** How a worker makes a subset again. */
export function subsetSource({ dataset, indices }: Subset, { of }: SourceParts): DatasetSource {
  return { from: "subset", of: of(dataset), indices };
}

describeSource(Subset, subsetSource);

/** `[0, 1, …, n - 1]` */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}
