import { cat } from "../../../torch";
import { defineConfig, str, validateConfig } from "../../../config/schema";
import type { BatchMap, Sample } from "../../sample";
import { requireAlike } from "../alike";
import { pickTensors } from "../default-collate";
import type { SampleCollator } from "../sample-collator";
import { register } from "../../../config/registry";

const Options = defineConfig("SparseTensorOffsetCollator", {
  extra: "forbid",
  fields: {
    /** Key of the indices. */
    item: str(),
    /** Key of the points that are counted. */
    offset_key: str(),
  },
});

/**
 * Joins index tensors of point clouds that are themselves joined: the indices of each sample are shifted by the number of
 * points (`offset_key`) of the samples before it. Result (Σ k_i,), int64.
 */
export class SparseTensorOffsetCollator implements SampleCollator {
  readonly options;

  constructor(options: { item: string; offset_key: string }) {
    this.options = validateConfig(Options, options);
  }

  collate(samples: readonly Sample[]): BatchMap {
    const { item, offset_key } = this.options;
    const points = pickTensors(samples, offset_key);
    const parts = pickTensors(samples, item);
    requireAlike(parts, item, samples, "join");
    let offset = 0;
    const shifted = parts.map((indices, position) => {
      const result = offset === 0 ? indices : indices.add(offset);
      offset += points[position]!.size(0);
      return result;
    });
    return { [item]: cat(shifted) };
  }
}

register("noether.data.pipeline.collators.SparseTensorOffsetCollator", {
  class: SparseTensorOffsetCollator,
  aliases: ["noether.data.pipeline.collators.sparse_tensor_offset.SparseTensorOffsetCollator"],
});
