import { NotImplementedError } from "../../config/python-errors";
import type { SamplerLike } from "../../core/interfaces/data";

/** What a sampler draws from: anything with a length. */
export interface SampleSource {
  readonly length: number;
}

/** What a sampler draws from: its `dataSource`, else its `dataset`. */
export function sampleSource(
  sampler: SamplerLike & { dataSource?: SampleSource; dataset?: SampleSource },
): SampleSource {
  const source = sampler.dataSource ?? sampler.dataset;
  if (!source)
    throw new NotImplementedError(
      `expected a sampler with dataSource or dataset, received ${sampler.constructor.name}`,
    );
  return source;
}
