import { scope } from "../../torch";
import type { Batch, DatasetLike } from "../../core/interfaces/data";
import { NotImplementedError } from "../../config/python-errors";
import { defaultCollate } from "../pipeline/default-collate";
import { drawSeed } from "../random/draw-seed";
import type { Sample } from "../sample";
import type { BatchRequest, InterleavedSampler } from "../samplers/interleaved-sampler";

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions {
  /** Collator of the data set with this number, 0 being the main one; null: the default collate. */
  readonly collators: readonly DatasetLike["pipeline"][];
  /** Draw PyTorch's base seed when iteration starts, so that what is drawn afterwards is what Python draws. */
  readonly drawBaseSeed: boolean;
}

/**
 * Loads and collates the batches of a sampler, one at a time, in the thread that asks for them.
 *
 * The tensors of a batch belong to the scope in which it is asked for. Batches carry the seconds that loading and
 * collating took under `__meta_time_getitem` and `__meta_time_collate`.
 */
export class DataLoader implements AsyncIterable<Batch> {
  constructor(
    readonly sampler: InterleavedSampler,
    readonly options: DataLoaderOptions,
  ) {}

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    if (this.options.drawBaseSeed) drawSeed();
    const requests = this.sampler.batches();
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

  async #load({ dataset: number, indices }: BatchRequest): Promise<Batch> {
    const dataset = this.sampler.datasets[number]!;
    if (!dataset.get) throw new NotImplementedError(`data set ${number} of the loader has no get(index)`);
    const samples: Sample[] = [];
    for (const index of indices) samples.push((await dataset.get(index)) as Sample);

    const loading = samples.map((sample) => sample["__meta_time_getitem"]).filter((time) => typeof time === "number");
    for (const sample of samples) delete sample["__meta_time_getitem"];
    const start = performance.now();
    const batch = collateWith(this.options.collators[number], samples);
    if (typeof batch !== "object" || batch === null)
      throw new TypeError(`expected a mapping from the pipeline of data set ${number}, received ${typeof batch}`);
    const times: Batch = { __meta_time_collate: (performance.now() - start) / 1000 };
    if (loading.length > 0) times["__meta_time_getitem"] = loading.reduce((sum, time) => sum + time, 0);
    return { ...(batch as Batch), ...times };
  }
}

function collateWith(collator: DatasetLike["pipeline"], samples: readonly Sample[]): unknown {
  if (collator === null || collator === undefined) return defaultCollate(samples);
  return typeof collator === "function" ? collator(samples) : collator.collate(samples);
}
