import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import type { SamplerLike } from "../../core/interfaces/data";
import { bool, defineConfig, int, optional } from "../../config/schema";

/** How the training samples are batched, where the run starts and ends. Counts are optimizer updates and samples of all processes. */
export const InterleavedSamplerConfig = defineConfig("InterleavedSamplerConfig", {
  fields: {
    /** Samples of one batch of this process. */
    batch_size: int({ ge: 1 }),
    /** Leave out the last batch of an epoch where it is not full. */
    drop_last: bool().default(true),
    /** Ends after so many passes over the training data … */
    max_epochs: optional(int({ ge: 0 })),
    /** … or so many optimizer updates … */
    max_updates: optional(int({ ge: 0 })),
    /** … or so many samples. At least one of the three is set. */
    max_samples: optional(int({ ge: 0 })),
    /** Begins after so many epochs, for a resumed run … */
    start_epoch: optional(int({ ge: 0 })),
    /** … or so many updates … */
    start_update: optional(int({ ge: 0 })),
    /** … or so many samples. */
    start_sample: optional(int({ ge: 0 })),
    /** One pass over the extra samplers and no training data. */
    evaluation: bool().default(false),
    /** Batches of one optimizer update. */
    accumulation_steps: int({ ge: 1 }).default(1),
    /** Processes that train together: each sample counted here stands for one of each process. */
    world_size: int({ ge: 1 }).default(1),
  },
  check: (config, report) => {
    const { max_epochs, max_updates, max_samples, start_epoch, start_update, start_sample, batch_size } = config;
    if (max_epochs === null && max_updates === null && max_samples === null && !config.evaluation)
      report("expected max_epochs, max_updates or max_samples, received none");
    if ([start_epoch, start_update, start_sample].filter((value) => value !== null).length > 1)
      report("expected at most one of start_epoch, start_update, start_sample");
    if (start_sample !== null && start_sample % (batch_size * config.world_size) !== 0)
      report("expected start_sample to be a multiple of batch_size", "start_sample");
  },
});
export type InterleavedSamplerConfig = z.output<typeof InterleavedSamplerConfig>;

/** One additional data set of an {@link InterleavedSampler}: its sampler, when it is due and how it is batched. */
export interface SamplerIntervalConfig {
  readonly sampler: SamplerLike;
  readonly every_n_epochs?: number | null;
  readonly every_n_updates?: number | null;
  readonly every_n_samples?: number | null;
  /** Null: the size of the training batches. */
  readonly batch_size?: number | null;
}

/** Checks an extra sampler: exactly one positive interval, and a batch size where the interval counts samples. */
export function checkSamplerInterval(extra: SamplerIntervalConfig): void {
  const { every_n_epochs, every_n_updates, every_n_samples, batch_size } = extra;
  const intervals = [every_n_epochs, every_n_updates, every_n_samples].filter((value) => value != null);
  if (intervals.length !== 1)
    throw new ValueError(
      `expected exactly one of every_n_epochs, every_n_updates, every_n_samples, received ${intervals.length}`,
    );
  if (!(intervals[0]! > 0)) throw new ValueError(`expected an interval > 0, received ${intervals[0]}`);
  if (batch_size != null && !(batch_size > 0)) throw new ValueError(`expected batch_size > 0, received ${batch_size}`);
  if (every_n_samples != null && batch_size == null)
    throw new ValueError("expected batch_size together with every_n_samples");
}
