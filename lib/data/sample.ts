import type { Tensor } from "../torch";

export type { Sample } from "../core/interfaces/data";

/** One batch: key to tensor (or null where a collator has nothing to give). */
export type { Batch as BatchMap } from "../core/interfaces/data";

/** What a getter returns: a tensor, at once or later. */
export type Loaded<T = Tensor> = T | Promise<T>;
