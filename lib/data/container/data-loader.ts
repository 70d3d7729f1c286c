import { scope } from "../../torch";
import type { Batch, DataLoaderOptions, DatasetLike } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import { defaultCollate } from "../pipeline/default-collate";
import type { Sample } from "../sample";
import { SequentialSampler } from "../samplers/sequential-sampler";

/**
 * The batches of a data set in the order of a sampler, loaded and collated one at a time in the thread that asks for them.
 * Each iteration is one pass.
 *
 * The tensors of a batch belong to the scope in which it is asked for. The data set's pipeline collates; without one every
 * key is stacked. Batches carry the seconds that loading and collating took under `__meta_time_getitem` and
 * `__meta_time_collate`.
 *
 * @throws ValueError for a batch size that is not a positive integer
 */
export class DataLoader implements AsyncIterable<Batch> {
  /** Batches of a pass. */
  readonly length: number;
  readonly #sampler;
  readonly #batchSize: number;
  readonly #dropLast: boolean;

  constructor(
    readonly dataset: DatasetLike,
    { sampler = new SequentialSampler(dataset), batchSize, dropLast = false }: DataLoaderOptions,
  ) {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ValueError(`expected a batch size of at least 1, received ${batchSize}`);
    this.#sampler = sampler;
    this.#batchSize = batchSize;
    this.#dropLast = dropLast;
    const batches = sampler.length / batchSize;
    this.length = dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    const requests = this.#requests();
    return {
      next: async () => {
        const request = requests.next();
        if (request.done) return { done: true, value: undefined };
        return { done: false, value: await scope(async () => this.#load(request.value)) };
      },
      return: async () => {
        requests.return(undefined);
        return { done: true, value: undefined };
      },
    };
  }

  /** The indices of each batch. */
  *#requests(): Generator<readonly number[]> {
    let indices: number[] = [];
    for (const index of this.#sampler) {
      indices.push(index);
      if (indices.length < this.#batchSize) continue;
      yield indices;
      indices = [];
    }
    if (indices.length > 0 && !this.#dropLast) yield indices;
  }

  async #load(indices: readonly number[]): Promise<Batch> {
    const samples: Sample[] = [];
    let loading: number | null = null;
    for (const index of indices) {
      const { __meta_time_getitem: seconds, ...sample } = await this.dataset.get(index);
      if (typeof seconds === "number") loading = (loading ?? 0) + seconds;
      samples.push(sample);
    }
    const start = performance.now();
    const batch = collateWith(this.dataset.pipeline, samples);
    if (typeof batch !== "object" || batch === null)
      throw new TypeError(`expected a mapping from the pipeline of a data set, received ${typeof batch}`);
    return {
      ...batch,
      __meta_time_collate: (performance.now() - start) / 1000,
      ...(loading === null ? {} : { __meta_time_getitem: loading }),
    };
  }
}

function collateWith(collator: DatasetLike["pipeline"], samples: readonly Sample[]): Batch {
  if (collator === null || collator === undefined) return defaultCollate(samples);
  return typeof collator === "function" ? collator(samples) : collator.collate(samples);
}
