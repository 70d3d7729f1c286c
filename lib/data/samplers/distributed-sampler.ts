import type { SamplerLike } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import { randomOrder } from "../random/permutation";
import { range } from "../wrappers/subset";
import type { SampleSource } from "./sampler";

/** Options of {@link DistributedSampler}. */
export interface DistributedSamplerOptions {
  /** Number of processes. */
  readonly replicas: number;
  /** This process. */
  readonly rank: number;
  readonly shuffle?: boolean;
  readonly seed?: number;
  /** Leave out the samples that do not fill up every rank, instead of giving some twice. */
  readonly dropLast?: boolean;
}

/** Every process gets each `replicas`-th sample, PyTorch's `DistributedSampler`. */
export class DistributedSampler implements SamplerLike {
  readonly length: number;
  readonly #options: Required<DistributedSamplerOptions>;
  #epoch = 0;

  constructor(
    readonly dataset: SampleSource,
    { replicas, rank, shuffle = true, seed = 0, dropLast = false }: DistributedSamplerOptions,
  ) {
    if (rank < 0 || rank >= replicas)
      throw new ValueError(`expected a rank from 0 to ${replicas - 1}, received ${rank}`);
    this.#options = { replicas, rank, shuffle, seed, dropLast };
    const n = dataset.length;
    this.length = Math.ceil((dropLast && n % replicas !== 0 ? n - replicas : n) / replicas);
  }

  /** The order of a pass follows from seed + epoch. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
  }

  *[Symbol.iterator](): Generator<number> {
    const { replicas, rank, shuffle, seed } = this.#options;
    const n = this.dataset.length;
    if (n === 0) return;
    const order = shuffle ? randomOrder(n, seed + this.#epoch) : range(n);
    // beyond the data set the order starts again; cut off where the last samples are dropped
    for (let k = rank; k < this.length * replicas; k += replicas) yield order[k % n]!;
  }
}
