import { getLogger } from "../../../core/logging";
import { scope, type Tensor } from "../../../torch";
import type { DatasetProtocol } from "../../base/dataset";
import { RunningMoments } from "../../stats/running-moments";

/** Seconds between two messages about progress. */
const PROGRESS_INTERVAL = 5;

/** Of one property, a number for each channel. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  /** Unbiased; 0 for a single value. */
  readonly std: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/**
 * Statistics of properties over all points of all samples, in double precision.
 *
 * @param keys sample keys, and whether the values are to be log-scaled first
 */
export async function computeStatistics(
  dataset: Pick<DatasetProtocol, "length" | "getSelected">,
  keys: ReadonlyMap<string, { readonly logscale: boolean }>,
): Promise<Map<string, ChannelStatistics>> {
  const logger = getLogger("FolderDataset");
  const names = [...keys.keys()];
  logger.info(`statistics of ${names.join(", ")} over ${dataset.length} training cases`);
  const moments = new Map([...keys].map(([key, { logscale }]) => [key, new RunningMoments(logscale)]));
  let last = performance.now();
  for (let index = 0; index < dataset.length; index++) {
    await scope(async () => {
      const sample = await dataset.getSelected(index, names);
      for (const [key, running] of moments) {
        const value = sample[key] as Tensor;
        running.pushTensor(value.ndim === 1 ? value.unsqueeze(0) : value); // (1, K) or (N, C)
      }
    });
    if (performance.now() - last < 1000 * PROGRESS_INTERVAL) continue;
    last = performance.now();
    logger.info(`statistics: ${index + 1} of ${dataset.length} cases`);
  }
  return new Map([...moments].map(([key, running]) => [key, summary(running)]));
}

function summary(running: RunningMoments): ChannelStatistics {
  const { mean, min, max } = running;
  return { mean, std: running.count < 2 ? mean.map(() => 0) : running.std, min, max };
}

/** A range within a channel that is less than this share of its values is the rounding of float32. */
const OWN_ROUNDING = 1e-7;
/** The same of the largest channel: noise of a solver, in a direction in which nothing happens. */
const NOISE = 1e-12;

/** Channels that have the same value everywhere, but for rounding and noise. */
export function constantChannels({ min, max }: ChannelStatistics): number[] {
  const sizes = min.map((low, channel) => Math.max(Math.abs(low), Math.abs(max[channel]!)));
  const largest = Math.max(...sizes);
  return min.flatMap((low, channel) => {
    const range = max[channel]! - low;
    return range <= OWN_ROUNDING * sizes[channel]! || range <= NOISE * largest ? [channel] : [];
  });
}
