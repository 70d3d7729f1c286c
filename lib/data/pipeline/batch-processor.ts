import type { Tensor } from "../../torch";
import type { BatchMap } from "../sample";

/** One step of a pipeline that works on a collated batch. `process` returns a new mapping. */
export abstract class BatchProcessor {
  abstract process(batch: BatchMap): BatchMap;

  /** Undoes the step on one value; returns its key before the step and the value. */
  abstract denormalize(key: string, value: Tensor): readonly [key: string, value: Tensor];
}
