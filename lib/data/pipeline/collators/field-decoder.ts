import { cat, stack, tensor, zeros } from "../../../torch";
import { AssertionError } from "../../../config/python-errors";
import { defineConfig, list, str, validateConfig } from "../../../config/schema";
import type { BatchMap, Sample } from "../../sample";
import { requireAlike, sampleName } from "../alike";
import { pickTensors } from "../default-collate";
import type { SampleCollator } from "../sample-collator";
import { register } from "../../../config/registry";

const Options = defineConfig("FieldDecoderCollator", {
  extra: "forbid",
  fields: {
    /** Key of the query positions. */
    position_item: str(),
    /** Keys of the fields at these positions. */
    target_items: list(str()),
  },
});

/**
 * Query positions of different numbers: positions are padded with zeros to (B, max n, …), targets joined to (Σ n_i, …).
 * `unbatch_mask_<position_item>` (B · max n,) marks the real rows; it is null when nothing was padded.
 */
export class FieldDecoderCollator implements SampleCollator {
  readonly options;

  constructor(options: { position_item: string; target_items: readonly string[] }) {
    this.options = validateConfig(Options, options);
  }

  collate(samples: readonly Sample[]): BatchMap {
    const { position_item, target_items } = this.options;
    if (samples.length === 0)
      throw new AssertionError("FieldDecoderCollator: expected at least one sample, received none");
    const positions = pickTensors(samples, position_item);
    requireAlike(positions, position_item, samples, "join");
    const rows = positions.map((position) => position.size(0));
    const longest = Math.max(...rows);
    const padded = positions.map((position, sample) => {
      const missing = longest - rows[sample]!;
      if (missing === 0) return position;
      return cat([
        position,
        zeros([missing, ...position.shape.slice(1)], { dtype: position.dtype, device: position.device }),
      ]);
    });
    const batch: BatchMap = { [position_item]: stack(padded) };
    for (const item of target_items) {
      const targets = pickTensors(samples, item);
      targets.forEach((target, sample) => {
        if (target.size(0) !== rows[sample])
          throw new AssertionError(
            `FieldDecoderCollator: expected ${rows[sample]} rows of "${item}" in ${sampleName(samples, sample)}, one for each of "${position_item}", received ${target.size(0)}`,
          );
      });
      requireAlike(targets, item, samples, "join");
      batch[item] = cat(targets);
    }
    const complete = rows.every((count) => count === longest);
    const mask = rows.flatMap((count) => Array.from({ length: longest }, (_, row) => row < count));
    batch[`unbatch_mask_${position_item}`] = complete ? null : tensor(mask, { dtype: "bool" });
    return batch;
  }
}

register("noether.data.pipeline.collators.FieldDecoderCollator", {
  class: FieldDecoderCollator,
  aliases: ["noether.data.pipeline.collators.field_decoder.FieldDecoderCollator"],
});
