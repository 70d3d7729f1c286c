import { NotImplementedError } from "../../config/python-errors";
import type { DatasetLike, SamplerLike } from "../../core/interfaces/data";

/** What a sampler draws from; the loader needs to know its length and its samples. */
export interface SampleSource extends DatasetLike {
  get?(index: number): unknown;
}

/** The data set of a sampler: its `dataSource`, else its `dataset`. */
export function sampleSource(sampler: SamplerLike): SampleSource {
  const { dataSource, dataset } = sampler as { dataSource?: SampleSource; dataset?: SampleSource };
  const source = dataSource ?? dataset;
  if (!source)
    throw new NotImplementedError(
      `expected a sampler with dataSource or dataset, received ${sampler.constructor.name}`,
    );
  return source;
}
