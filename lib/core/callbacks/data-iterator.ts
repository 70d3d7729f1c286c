import type { z } from "zod";
import { AssertionError, KeyError, ValueError } from "../../config/python-errors";
import { toFixedHalfEven } from "../../config/python-format";
import { str, tag } from "../../config/schema";
import { cat, scope, stack, Tensor, tensor } from "../../torch";
import {
  allGatherNograd,
  allGatherNogradClipped,
  allGatherValues,
  getRank,
  getWorldSize,
  isDistributed,
} from "../distributed";
import type { Batch, DatasetLike, DeviceBatch, SamplerLike } from "../interfaces/data";
import type { UpdateCounter } from "../iteration/update-counter";
import { arrayToString } from "../logging/formatters";
import { Stopwatch } from "../logging/stopwatch";
import type { ModelBase } from "../models/base";
import { snakeTypeName } from "../naming";
import { moveItemsToDevice } from "../device/move-items";
import type { CallbackDependencies } from "./base";
import { CallBackBaseConfig } from "./base-config";
import { type IntervalType, PeriodicCallback, type PeriodicCallbackContext } from "./periodic";

/** One result of a batch. */
export type SingleResult = Tensor | number | null | readonly Tensor[] | { readonly [name: string]: Tensor };

/** Result of one batch. A tuple collates position by position. */
export type BatchResult = SingleResult | ResultTuple;

/** Several results of one batch. */
export class ResultTuple<T extends readonly SingleResult[] = readonly SingleResult[]> {
  readonly items: T;

  constructor(...items: T) {
    this.items = items;
  }
}

/** Collated result of a whole data set. */
export type CollatedResult = Tensor | null | Tensor[] | { [name: string]: Tensor };

/** What the results `R` of all batches become together. */
export type Collated<R extends BatchResult> =
  R extends ResultTuple<infer T>
    ? { -readonly [K in keyof T]: T[K] extends BatchResult ? Collated<T[K]> : never }
    : R extends Tensor | number
      ? Tensor
      : R extends null
        ? null
        : R extends readonly Tensor[]
          ? Tensor[]
          : { [K in keyof R]: Tensor };

/** Arguments of {@link PeriodicDataIteratorCallback.processResults}. */
export interface ProcessResultsContext {
  readonly intervalType: IntervalType;
  readonly updateCounter: UpdateCounter;
}

/** A callback that runs over a data set of its own. */
export const PeriodicDataIteratorCallbackConfig = CallBackBaseConfig.extend("PeriodicDataIteratorCallbackConfig", {
  fields: {
    name: tag("PeriodicDataIteratorCallback"),
    /** Name of the data set under `datasets`. */
    dataset_key: str(),
  },
});
export type PeriodicDataIteratorCallbackConfig = z.output<typeof PeriodicDataIteratorCallbackConfig>;

/**
 * A periodic callback that runs over a data set: `processData` for each batch, then `processResults` once with everything
 * collated. It pulls its batches from a loader of its own, so the training data is not touched.
 *
 * `R` is what a batch gives, `B` what a batch holds: `PeriodicDataIteratorCallback<Tensor, { drag: Tensor }>`.
 */
export abstract class PeriodicDataIteratorCallback<
  R extends BatchResult = BatchResult,
  B extends DeviceBatch = DeviceBatch,
> extends PeriodicCallback {
  readonly datasetKey: string;
  /** The data set that is run over, in its own order. */
  readonly dataset: DatasetLike;
  /** Mean seconds of waiting for data per batch, summed over the passes. */
  totalDataTime = 0;

  constructor(config: PeriodicDataIteratorCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.datasetKey = config.dataset_key;
    this.dataset = this.datasetFromKey(config.dataset_key);
  }

  /** Result of a batch: a tensor (0-d: one number per batch, else one row per sample), a mapping, list or tuple of them, a number or null. */
  abstract processData(batch: B, trainerModel: ModelBase): Promise<R> | R;

  /** Takes the results of the whole data set. A single result comes as itself, a tuple as a list. */
  processResults(_results: Collated<R>, _context: ProcessResultsContext): Promise<void> | void {}

  /** The data set under a key; a subclass may cut it (`maxSize`) or load only some properties. */
  protected datasetFromKey(
    key: string | null,
    properties: ReadonlySet<string> | null = null,
    maxSize: number | null = null,
  ): DatasetLike {
    const dataset = this.dataContainer.getDataset(key, properties, maxSize);
    if (dataset.length === 0) {
      throw new AssertionError(`${this}: data set '${key}' is empty`);
    }
    this.logger.debug(`${this} runs over data set '${key}' (${dataset.length} samples)`);
    return dataset;
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
  protected async iterateOverDataset(trainerModel: ModelBase, batchSize: number): Promise<Collated<R>> {
    const share = isDistributed() ? new Share(this.dataset.length) : null;
    const loader = this.dataContainer.getDataLoader(this.dataset, {
      batchSize: this.batchSize ?? batchSize,
      ...(share === null ? {} : { sampler: share }),
    });
    const results: R[] = [];
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
          return batch === null ? null : { result: await this.processData(batch as B, trainerModel) };
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
    return collate(results, (joined) => share?.gather(joined) ?? joined) as Collated<R>;
  }

  override afterTraining(_updateCounter: UpdateCounter): Promise<void> | void {
    const times = allGatherValues(this.totalDataTime);
    this.logger.debug(`${snakeTypeName(this)} total_data_time: ${arrayToString(times)}`);
  }
}

/** The samples that this process runs over: every W-th, so that all have as many; some come twice for that. */
class Share implements SamplerLike {
  /** Samples of this process. */
  readonly length: number;

  constructor(readonly samples: number) {
    this.length = Math.ceil(samples / getWorldSize());
  }

  *[Symbol.iterator](): Generator<number> {
    for (let k = 0; k < this.length; k++) yield (k * getWorldSize() + getRank()) % this.samples;
  }

  /**
   * What the batches of all processes gave: where there are as many rows for each sample, in the order of the data set and without those that
   * came twice; otherwise (a value for each batch) all of them.
   */
  gather(joined: Tensor): Tensor {
    const rows = joined.shape[0] ?? 1;
    const perSample = rows / this.length;
    if (!Number.isInteger(perSample) || perSample === 0) return allGatherNograd(joined);
    const rest = joined.shape.slice(1);
    // (L·k, …) → (L, k, …), of all processes (W·L, k, …) in the order of the samples → (N·k, …)
    const bySample = joined.reshape([this.length, perSample, ...rest]);
    return allGatherNogradClipped(bySample, this.samples).reshape([this.samples * perSample, ...rest]);
  }
}

type Gather = (joined: Tensor) => Tensor;

function collate(results: readonly BatchResult[], gather: Gather): CollatedResult | CollatedResult[] {
  const first = results[0];
  if (!(first instanceof ResultTuple)) {
    return collateResult(results as SingleResult[], gather);
  }
  return first.items.map((_, position) =>
    collateResult(
      results.map((result) => {
        if (!(result instanceof ResultTuple) || result.items.length !== first.items.length) {
          throw new ValueError("processData has to return tuples of one length for every batch");
        }
        return result.items[position] as SingleResult;
      }),
      gather,
    ),
  );
}

/**
 * Joins results of batches: numbers and 0-d tensors are stacked, others concatenated along dim 0.
 *
 * @param gather adds what the other processes have
 */
export function collateResult(results: readonly SingleResult[], gather: Gather = (joined) => joined): CollatedResult {
  const first = results[0];
  if (first === null || first === undefined) {
    return null;
  }
  if (first instanceof Tensor) {
    return gather(join(results as Tensor[]));
  }
  if (typeof first === "number") {
    return gather(tensor(results as number[]));
  }
  if (Array.isArray(first)) {
    return (first as Tensor[]).map((_, i) =>
      gather(
        cat(
          results.map((result) => (result as Tensor[])[i] as Tensor),
          0,
        ),
      ),
    );
  }
  const collated: { [name: string]: Tensor } = {};
  for (const key of Object.keys(first)) {
    const joined = join(
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
    collated[key] = gather(joined);
  }
  return collated;
}

function join(tensors: Tensor[]): Tensor {
  return (tensors[0] as Tensor).ndim === 0 ? stack(tensors) : cat(tensors, 0);
}
