import { validateConfig } from "../../config/schema";
import type { SamplerLike } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import type { InputOf } from "../../config/schema";
import {
  checkSamplerInterval,
  InterleavedSamplerConfig,
  type SamplerIntervalConfig,
} from "./interleaved-sampler-config";
import { sampleSource, type SampleSource } from "./sampler";

/** One index of the stream; `isFull` closes a batch. */
export interface StreamItem {
  readonly isFull: boolean;
  /** Position in the concatenation of all data sets: the main one first, then those of the extra samplers. */
  readonly index: number;
}

/** A batch to load: the samples of one data set. */
export interface BatchRequest {
  /** 0: the main data set; k: that of the k-th extra sampler. */
  readonly dataset: number;
  readonly indices: readonly number[];
}

interface Progress {
  epoch: number;
  update: number;
  sample: number;
}

/**
 * Training samples with complete passes over other data sets in between.
 *
 * After each optimizer update the extra samplers that are due follow, in list order: first those that count updates or
 * samples, then, at the end of an epoch, those that count epochs. That is the order in which the trainer runs its
 * callbacks. Batches never mix data sets. A run that starts inside an epoch leaves out the first samples of its order.
 *
 * A run does not use it: training and every callback have a loader of their own.
 */
export class InterleavedSampler {
  readonly config: InterleavedSamplerConfig;
  /** Data sets in the order of the index space. */
  readonly datasets: readonly SampleSource[];
  /** Where each data set starts in the index space. */
  readonly offsets: readonly number[];
  /** Samples of a training batch; smaller than configured where the data set is. */
  readonly batchSize: number;
  /** Samples that one epoch uses of the main data set. */
  readonly samplesPerEpoch: number;

  constructor(
    readonly trainSampler: SamplerLike,
    config: InputOf<(typeof InterleavedSamplerConfig)["fields"]>,
    readonly callbackSamplers: readonly SamplerIntervalConfig[] = [],
  ) {
    this.config = validateConfig(InterleavedSamplerConfig, config);
    callbackSamplers.forEach(checkSamplerInterval);
    this.datasets = [trainSampler, ...callbackSamplers.map(({ sampler }) => sampler)].map(sampleSource);
    let end = 0;
    this.offsets = this.datasets.map((dataset) => (end += dataset.length) - dataset.length);
    const length = trainSampler.length;
    const { batch_size, drop_last } = this.config;
    this.batchSize = drop_last && length > 0 && length < batch_size ? length : batch_size;
    this.samplesPerEpoch = drop_last ? Math.floor(length / this.batchSize) * this.batchSize : length;
  }

  /** The stream of indices. */
  *[Symbol.iterator](): Generator<StreamItem> {
    const { max_epochs, max_updates, max_samples, evaluation } = this.config;
    if (evaluation || max_epochs === 0 || max_updates === 0 || max_samples === 0) {
      for (const number of this.callbackSamplers.keys()) yield* this.#emit(number);
    } else {
      yield* this.#train();
    }
  }

  /** The stream cut into batches, each with the number of its data set and the indices in it. */
  *batches(): Generator<BatchRequest> {
    let indices: number[] = [];
    for (const { isFull, index } of this) {
      indices.push(index);
      if (!isFull) continue;
      const dataset = this.offsets.findLastIndex(
        (offset, number) => offset <= index && this.datasets[number]!.length > 0,
      );
      const offset = this.offsets[dataset]!;
      yield { dataset, indices: indices.map((position) => position - offset) };
      indices = [];
    }
  }

  /** Where the run starts, and how many samples of this process it has seen of that epoch. */
  #start(): { progress: Progress; seen: number } {
    const { start_epoch, start_update, start_sample, accumulation_steps, world_size, drop_last } = this.config;
    const samplesPerUpdate = this.batchSize * accumulation_steps * world_size;
    const batches = Math.ceil(this.samplesPerEpoch / this.batchSize);
    const updatesPerEpoch = Math.floor(batches / accumulation_steps);
    const samplesPerEpoch = drop_last ? updatesPerEpoch * samplesPerUpdate : this.samplesPerEpoch * world_size;
    if (!start_epoch && !start_update && !start_sample)
      return { progress: { epoch: 0, update: 0, sample: 0 }, seen: 0 };
    if (updatesPerEpoch === 0)
      throw new ValueError(`expected at least one update an epoch, but one takes ${samplesPerUpdate} samples`);
    const epoch =
      start_epoch ??
      Math.floor(start_update === null ? start_sample! / samplesPerEpoch : start_update / updatesPerEpoch);
    const first = epoch * updatesPerEpoch;
    const inEpoch =
      start_sample === null
        ? ((start_update ?? first) - first) * samplesPerUpdate
        : start_sample - epoch * samplesPerEpoch;
    return {
      progress: {
        epoch,
        update: first + Math.floor(inEpoch / samplesPerUpdate),
        sample: epoch * samplesPerEpoch + inEpoch,
      },
      seen: inEpoch / world_size,
    };
  }

  *#train(): Generator<StreamItem> {
    const { max_epochs, max_updates, max_samples, accumulation_steps, world_size } = this.config;
    if (this.samplesPerEpoch === 0) throw new ValueError("expected training samples, received an empty data set");
    const start = this.#start();
    const { progress } = start;
    let { seen } = start;
    const isDone = (): boolean =>
      (max_epochs !== null && progress.epoch >= max_epochs) ||
      (max_updates !== null && progress.update >= max_updates) ||
      (max_samples !== null && progress.sample >= max_samples);
    let sampleAtLastUpdate = progress.sample;

    while (!isDone()) {
      this.trainSampler.setEpoch?.(progress.epoch);
      let inBatch = 0;
      let batchesInUpdate = (seen / this.batchSize) % accumulation_steps;
      let inEpoch = seen;
      for (const index of this.trainSampler) {
        if (seen > 0) {
          seen--;
          continue;
        }
        progress.sample += world_size;
        inBatch++;
        inEpoch++;
        const isEpochEnd = inEpoch === this.samplesPerEpoch;
        const isFull = inBatch === this.batchSize || isEpochEnd;
        yield { isFull, index };
        if (!isFull) continue;
        inBatch = 0;
        batchesInUpdate++;
        if (isEpochEnd) progress.epoch++;
        const isUpdate = batchesInUpdate === accumulation_steps;
        if (isUpdate) {
          batchesInUpdate = 0;
          progress.update++;
          for (const [number, extra] of this.callbackSamplers.entries()) {
            if (isUpdateDue(extra, progress, sampleAtLastUpdate)) yield* this.#emit(number);
          }
          sampleAtLastUpdate = progress.sample;
        }
        if (isEpochEnd) {
          for (const [number, { every_n_epochs }] of this.callbackSamplers.entries()) {
            if (every_n_epochs != null && progress.epoch % every_n_epochs === 0) yield* this.#emit(number);
          }
        }
        if (isDone()) return;
        if (isEpochEnd) break;
      }
    }
  }

  /** A whole pass over the data set of an extra sampler. */
  *#emit(number: number): Generator<StreamItem> {
    const { sampler, batch_size } = this.callbackSamplers[number]!;
    const offset = this.offsets[number + 1]!;
    const size = batch_size ?? this.batchSize;
    let count = 0;
    for (const index of sampler) {
      count++;
      yield { isFull: count % size === 0 || count === sampler.length, index: offset + index };
    }
  }
}

/** Whether an extra sampler that counts updates or samples follows the update just made. */
function isUpdateDue(extra: SamplerIntervalConfig, { update, sample }: Progress, sampleAtLastUpdate: number): boolean {
  const { every_n_updates, every_n_samples } = extra;
  if (every_n_updates != null) return update % every_n_updates === 0;
  if (every_n_samples == null) return false;
  return Math.floor(sampleAtLastUpdate / every_n_samples) < Math.floor(sample / every_n_samples);
}
