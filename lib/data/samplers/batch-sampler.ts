import type { SamplerLike } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";

/**
 * The indices of a sampler in groups, PyTorch's `BatchSampler`: an order is read only as far as batches are asked for.
 *
 * @throws ValueError for a batch size that is not a positive integer
 */
export class BatchSampler implements Iterable<readonly number[]> {
  /** Batches of a pass. */
  readonly length: number;

  constructor(
    readonly sampler: SamplerLike,
    readonly batchSize: number,
    readonly dropLast = false,
  ) {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ValueError(`expected a batch size of at least 1, received ${batchSize}`);
    const batches = sampler.length / batchSize;
    this.length = dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  *[Symbol.iterator](): Generator<readonly number[]> {
    let indices: number[] = [];
    for (const index of this.sampler) {
      indices.push(index);
      if (indices.length < this.batchSize) continue;
      yield indices;
      indices = [];
    }
    if (indices.length > 0 && !this.dropLast) yield indices;
  }
}
