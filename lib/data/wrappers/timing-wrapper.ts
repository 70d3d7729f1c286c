import type { FieldType } from "../../config/schema";
import { register } from "../../config/registry";
import type { DatasetProtocol } from "../base/dataset";
import { describeSource } from "../base/dataset-source";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { Sample } from "../sample";
import { DatasetWrapper } from "./dataset-wrapper";

/** Adds to each sample how long it took to load, in seconds, under `__meta_time_getitem`. */
export class TimingWrapper extends DatasetWrapper {
  static readonly schema: FieldType = DatasetWrapperConfig.extend("TimingWrapperConfig", {
    extra: "forbid",
    fields: {},
  });

  /** The wrapper that an entry of `dataset_wrappers` asks for. */
  static fromConfig(_config: unknown, dataset: DatasetProtocol): DatasetProtocol {
    return new TimingWrapper(dataset);
  }

  override async get(index: number): Promise<Sample> {
    const start = performance.now();
    const sample = await super.get(index);
    if (typeof sample !== "object" || sample === null)
      throw new TypeError("TimingWrapper: expected a mapping as sample");
    return { ...sample, __meta_time_getitem: (performance.now() - start) / 1000 };
  }
}

describeSource(TimingWrapper, ({ dataset }, { of }) => ({ from: "timing", of: of(dataset) }));
register("noether.data.base.wrappers.TimingWrapper", {
  class: TimingWrapper,
  aliases: ["noether.data.base.wrappers.timing.TimingWrapper"],
});
