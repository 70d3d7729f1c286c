import { cat, tensor } from "../../../torch";
import { AssertionError } from "../../../config/python-errors";
import { bool, defineConfig, list, str, validateConfig } from "../../../config/schema";
import type { BatchMap, Sample } from "../../sample";
import { requireAlike } from "../alike";
import { pickTensors } from "../default-collate";
import type { SampleCollator } from "../sample-collator";
import { register } from "../../../config/registry";

const Options = defineConfig("ConcatSparseTensorCollator", {
  extra: "forbid",
  fields: {
    /** Keys whose rows are concatenated. */
    items: list(str()),
    /** Adds the sample's number of each row. */
    create_batch_idx: bool().default(false),
    /** Key of these numbers. */
    batch_idx_key: str().default("batch_idx"),
  },
});

/**
 * Joins point clouds of any lengths along the points: (n_i, …) → (Σ n_i, …). With `create_batch_idx` also says for
 * every point which sample it comes from, int64 (Σ n_i,).
 */
export class ConcatSparseTensorCollator implements SampleCollator {
  readonly options;

  constructor(options: { items: readonly string[]; create_batch_idx?: boolean; batch_idx_key?: string }) {
    this.options = validateConfig(Options, options);
    const { items, create_batch_idx, batch_idx_key } = this.options;
    if (create_batch_idx && items.includes(batch_idx_key))
      throw new AssertionError(
        `ConcatSparseTensorCollator: batch_idx_key "${batch_idx_key}" is one of the items: choose another`,
      );
  }

  collate(samples: readonly Sample[]): BatchMap {
    const { items, create_batch_idx, batch_idx_key } = this.options;
    if (samples.length === 0)
      throw new AssertionError("ConcatSparseTensorCollator: expected at least one sample, received none");
    const join = (item: string) => {
      const parts = pickTensors(samples, item);
      requireAlike(parts, item, samples, "join");
      return cat(parts);
    };
    const batch: BatchMap = Object.fromEntries(items.map((item) => [item, join(item)]));
    if (!create_batch_idx) return batch;
    const rows = pickTensors(samples, items[0]!).map((points) => points.size(0));
    const total = rows.reduce((a, b) => a + b, 0);
    const owner = new BigInt64Array(total);
    rows.reduce((start, count, sample) => {
      owner.fill(BigInt(sample), start, start + count);
      return start + count;
    }, 0);
    batch[batch_idx_key] = tensor(owner);
    return batch;
  }
}

register("noether.data.pipeline.collators.ConcatSparseTensorCollator", {
  class: ConcatSparseTensorCollator,
  aliases: ["noether.data.pipeline.collators.concat_sparse_tensor.ConcatSparseTensorCollator"],
});
