import type { Tensor } from "../../torch";
import { scope } from "../../torch";
import { suggestNames } from "../../config/nearest-names";
import { ValueError } from "../../config/python-errors";
import type { DatasetProtocol } from "../base/dataset";
import { DatasetWrapper } from "../wrappers/dataset-wrapper";
import { PropertySubsetWrapper } from "../wrappers/property-subset-wrapper";
import { RunningMoments } from "../stats/running-moments";

/** Options of {@link computeStatistics}. */
export interface ComputeStatisticsOptions {
  /** Fields whose statistics are of `sign(x) · log(1 + |x|)`. */
  readonly logScale?: Iterable<string>;
  /** Fields that are left out. */
  readonly exclude?: Iterable<string>;
  /** Samples that are read while an earlier one is worked on. Default: 0. The result does not depend on it. */
  readonly ahead?: number;
  /** Called after each sample. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with the moments of each field of a sample, in the order of the samples. */
  readonly onSample?: (index: number, moments: ReadonlyMap<string, RunningMoments>) => void;
  /** Ends the work after the sample that is being read, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Moments per channel of each field over all samples of a data set, of the values as they are stored: normalizers are not
 * applied, through whatever wrappers. Channels are along dimension 1.
 *
 * @throws ValueError for an unknown field, an empty data set, a field whose number of channels changes (with the sample); whatever
 * reading a sample throws. A sample that cannot be used is an error: leaving it out would bias the result.
 */
export async function computeStatistics(
  dataset: DatasetProtocol,
  { logScale = [], exclude = [], ahead = 0, onProgress, onSample, signal }: ComputeStatisticsOptions = {},
): Promise<Map<string, RunningMoments>> {
  const [logScaled, excluded] = [new Set(logScale), new Set(exclude)];
  const keys = fieldsOf(dataset).filter((key) => !excluded.has(key));
  checkNames(dataset, [...excluded], dataset.getterKeys());
  checkNames(dataset, [...logScaled], keys);
  if (keys.length === 0)
    throw new ValueError(`expected fields of ${String(dataset)} to compute statistics of, received none`);
  const total = dataset.length;
  if (total === 0) throw new ValueError(`expected samples in ${String(dataset)}, received an empty data set`);

  const moments = new Map(keys.map((key) => [key, new RunningMoments(logScaled.has(key))]));
  const base = dataset instanceof DatasetWrapper ? dataset.base : dataset;
  const before = base.computeStatistics;
  base.computeStatistics = true;
  const pending = new Map<number, Promise<ReadonlyMap<string, RunningMoments>>>();
  const request = (index: number): void => {
    if (index >= total || pending.has(index)) return;
    const work = momentsOfSample(dataset, index, moments);
    work.catch(() => undefined); // whoever waits for it gets the error; after another one nobody does
    pending.set(index, work);
  };
  try {
    for (let index = 0; index < total; index++) {
      signal?.throwIfAborted();
      for (let next = index; next <= index + ahead; next++) request(next);
      const ofSample = await pending.get(index)!;
      pending.delete(index);
      for (const [key, part] of ofSample) named(dataset, index, key, () => moments.get(key)!.merge(part));
      onSample?.(index, ofSample);
      onProgress?.(index + 1, total);
    }
    return moments;
  } finally {
    await Promise.allSettled(pending.values());
    base.computeStatistics = before;
  }
}

async function momentsOfSample(
  dataset: DatasetProtocol,
  index: number,
  all: ReadonlyMap<string, RunningMoments>,
): Promise<ReadonlyMap<string, RunningMoments>> {
  return scope(async () => {
    const sample = await dataset.getSelected(index, [...all.keys()]);
    return new Map(
      [...all].map(([key, { logScale }]) => {
        const moments = new RunningMoments(logScale);
        named(dataset, index, key, () => moments.pushTensor(sample[key] as Tensor));
        return [key, moments];
      }),
    );
  });
}

/** The fields that a sample has: those of the outermost subset of properties, where there is one. */
function fieldsOf(dataset: DatasetProtocol): string[] {
  for (let at = dataset; at instanceof DatasetWrapper; at = at.dataset) {
    if (at instanceof PropertySubsetWrapper) return [...at.properties].filter((key) => key !== "index").sort();
  }
  return dataset.getterKeys();
}

function checkNames(dataset: DatasetProtocol, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new ValueError(
      `expected fields of ${String(dataset)}, received "${unknown.join('", "')}"; ${suggestNames(unknown[0]!, known)}`,
    );
}

/** Says in an error of the moments which value it is about. */
function named(dataset: DatasetProtocol, index: number, key: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ValueError(
      `"${key}" of sample ${index} of ${String(dataset)}: ${error.message.replace(/^RunningMoments: /, "")}`,
      {
        cause: error,
      },
    );
  }
}
