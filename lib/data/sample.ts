import type { Tensor } from "../torch";

/** One sample: sample key to value. Values are tensors; `index` is the number of the sample. */
export type Sample = Record<string, unknown>;

/** One batch: key to tensor (or null where a collator has nothing to give). */
export type BatchMap = Record<string, unknown>;

/** What a getter returns: a tensor, at once or later. */
export type Loaded<T = Tensor> = T | Promise<T>;
