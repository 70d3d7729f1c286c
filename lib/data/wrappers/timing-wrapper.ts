import type { Sample } from "../sample";
import { DatasetWrapper } from "./dataset-wrapper";

/** Adds to each sample how long it took to load, in seconds, under `__meta_time_getitem`. */
export class TimingWrapper extends DatasetWrapper {
  override async get(index: number): Promise<Sample> {
    const start = performance.now();
    const sample = await super.get(index);
    if (typeof sample !== "object" || sample === null)
      throw new TypeError("TimingWrapper: expected a mapping as sample");
    return { ...sample, __meta_time_getitem: (performance.now() - start) / 1000 };
  }
}
