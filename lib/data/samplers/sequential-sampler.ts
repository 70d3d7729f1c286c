import type { SamplerLike } from "../../core/interfaces/data";
import type { SampleSource } from "./sampler";

/** 0, 1, …, n-1. */
export class SequentialSampler implements SamplerLike {
  constructor(readonly dataSource: SampleSource) {}

  get length(): number {
    return this.dataSource.length;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.length; index++) yield index;
  }
}
