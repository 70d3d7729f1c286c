import type { BatchMap, Sample } from "../sample";

/** Makes part of a batch: the entries it is responsible for. A pipeline joins the parts of several collators. */
export interface SampleCollator {
  collate(samples: readonly Sample[]): BatchMap;
}
