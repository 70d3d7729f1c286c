import { cat, scope, stack, Tensor, tensor } from "../../torch";
import type { Batch, DatasetLike, DeviceBatch, SamplerIntervalConfig, SamplerLike } from "../interfaces/data";
import type { ModelBase } from "../models/base";
import { AssertionError, KeyError, ValueError } from "../../config/python-errors";
import type { PeriodicDataIteratorCallbackConfig } from "./configs";
import { arrayToString } from "../logging/formatters";
import { toFixedHalfEven } from "../../config/python-format";
import { snakeTypeName } from "../naming";
import { Stopwatch } from "../logging/stopwatch";
import { moveItemsToDevice } from "../precision/device";
import type { UpdateCounter } from "../iteration/update-counter";
import type { CallbackDependencies } from "./base";
import { PeriodicCallback, type IntervalType, type PeriodicCallbackContext } from "./periodic";

/** Result of one batch. A tuple collates position by position. */
export type BatchResult = Tensor | number | null | readonly Tensor[] | { [name: string]: Tensor } | ResultTuple;

/** Several results of one batch. */
export class ResultTuple {
  readonly items: readonly BatchResult[];

  constructor(...items: BatchResult[]) {
    this.items = items;
  }
}

/** Collated result of a whole data set. */
export type CollatedResult = Tensor | null | Tensor[] | { [name: string]: Tensor };

/** Arguments of {@link PeriodicDataIteratorCallback.processResults}. */
export interface ProcessResultsContext {
  readonly intervalType: IntervalType;
  readonly updateCounter: UpdateCounter;
}

/** Indices 0 … length-1 in order. */
class SequentialOrder implements SamplerLike {
  readonly dataSource: DatasetLike;

  constructor(dataSource: DatasetLike) {
    this.dataSource = dataSource;
  }

  get length(): number {
    return this.dataSource.length;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

/**
 * A periodic callback that runs over a data set: `processData` for each batch, then `processResults` once with everything
 * collated. It pulls its batches from an iterator of its own, so the training data is not touched.
 */
export abstract class PeriodicDataIteratorCallback extends PeriodicCallback {
  readonly datasetKey: string;
  /** Mean seconds of waiting for data per batch, summed over the passes. */
  totalDataTime = 0;
  readonly samplerConfig: SamplerIntervalConfig;

  constructor(config: PeriodicDataIteratorCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.datasetKey = config.dataset_key;
    this.samplerConfig = this.samplerConfigFromKey(config.dataset_key);
  }

  /** Result of a batch: a tensor (0-d: one number per batch, else one row per sample), a mapping, list or tuple of them, a number or null. */
  abstract processData(batch: DeviceBatch, trainerModel: ModelBase): Promise<BatchResult> | BatchResult;

  /** Takes the results of the whole data set. A single result comes as itself, a tuple as a list. */
  processResults(_results: CollatedResult | CollatedResult[], _context: ProcessResultsContext): Promise<void> | void {}

  /** How the data set under a key is run over. */
  protected samplerConfigFromKey(
    key: string | null,
    properties: ReadonlySet<string> | null = null,
    maxSize: number | null = null,
  ): SamplerIntervalConfig {
    const dataset = this.dataContainer.getDataset(key, properties, maxSize);
    if (dataset.length === 0) {
      throw new AssertionError(`${this}: data set '${key}' is empty`);
    }
    this.logger.debug(`${this} runs over data set '${key}' (${dataset.length} samples)`);
    return {
      sampler: new SequentialOrder(dataset),
      every_n_epochs: this.everyNEpochs,
      every_n_updates: this.everyNUpdates,
      every_n_samples: this.everyNSamples,
      pipeline: dataset.pipeline,
      batch_size: this.batchSize,
    };
  }

  override async periodicCallback({
    intervalType,
    updateCounter,
    trainerModel,
    batchSize,
  }: PeriodicCallbackContext): Promise<void> {
    await scope(async () => {
      const results = await this.iterateOverDataset(trainerModel, batchSize);
      await this.processResults(results, { intervalType, updateCounter });
    });
  }

  /** One pass over the data set; collated results. */
  protected async iterateOverDataset(
    trainerModel: ModelBase,
    batchSize: number,
  ): Promise<CollatedResult | CollatedResult[]> {
    const loader = this.dataContainer.getDataLoader({
      trainSampler: emptySampler,
      trainCollator: null,
      batchSize: this.samplerConfig.batch_size ?? batchSize,
      callbackSamplers: [this.samplerConfig],
      evaluation: true,
    });
    const results: BatchResult[] = [];
    const waiting = new Stopwatch();
    const iterator = loader[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Each batch has its own scope: only its result outlives it.
        const step = await scope(async () => {
          waiting.start();
          const next: IteratorResult<Batch> = await iterator.next();
          const batch = next.done === true ? null : moveItemsToDevice(this.model.device, next.value);
          waiting.stop();
          return batch === null ? null : { result: await this.processData(batch, trainerModel) };
        });
        if (step === null) break;
        results.push(step.result);
      }
    } finally {
      await iterator.return?.();
    }
    const mean = waiting.elapsedSeconds / results.length;
    this.logger.debug(`waited ${toFixedHalfEven(mean, 2)}s for dataloading`);
    this.totalDataTime += mean;
    return collate(results);
  }

  override afterTraining(_updateCounter: UpdateCounter): Promise<void> | void {
    this.logger.debug(`${snakeTypeName(this)} total_data_time: ${arrayToString([this.totalDataTime])}`);
  }
}

const emptySampler: SamplerLike & { readonly dataSource: DatasetLike } = {
  length: 0,
  dataSource: { length: 0, pipeline: null },
  *[Symbol.iterator]() {},
};

function collate(results: readonly BatchResult[]): CollatedResult | CollatedResult[] {
  const first = results[0];
  if (!(first instanceof ResultTuple)) {
    return collateResult(results as Exclude<BatchResult, ResultTuple>[]);
  }
  return first.items.map((_, position) =>
    collateResult(
      results.map((result) => {
        if (!(result instanceof ResultTuple) || result.items.length !== first.items.length) {
          throw new ValueError("processData has to return tuples of one length for every batch");
        }
        return result.items[position] as Exclude<BatchResult, ResultTuple>;
      }),
    ),
  );
}

/** Joins results of batches: numbers and 0-d tensors are stacked, others concatenated along dim 0. */
export function collateResult(results: readonly Exclude<BatchResult, ResultTuple>[]): CollatedResult {
  const first = results[0];
  if (first === null || first === undefined) {
    return null;
  }
  if (first instanceof Tensor) {
    return join(results as Tensor[]);
  }
  if (typeof first === "number") {
    return tensor(results as number[]);
  }
  if (Array.isArray(first)) {
    return (first as Tensor[]).map((_, i) =>
      cat(
        results.map((result) => (result as Tensor[])[i] as Tensor),
        0,
      ),
    );
  }
  const collated: { [name: string]: Tensor } = {};
  for (const key of Object.keys(first)) {
    collated[key] = join(
      (results as { [name: string]: Tensor }[]).map((result) => {
        const value = result[key];
        if (value === undefined) {
          throw new KeyError(
            `the result of a batch lacks '${key}', which the first batch has (it has: ${Object.keys(result).join(", ")})`,
          );
        }
        return value;
      }),
    );
  }
  return collated;
}

function join(tensors: Tensor[]): Tensor {
  return (tensors[0] as Tensor).ndim === 0 ? stack(tensors) : cat(tensors, 0);
}
