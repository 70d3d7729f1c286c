import { cat } from "../../../torch";
import { defineConfig, int, list, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("ConcatTensorSampleProcessor", {
  extra: "forbid",
  fields: { items: list(str()), target_key: str(), dim: int().default(0) },
});

/** Joins several tensors along a dimension under a new key; the sources stay. */
export class ConcatTensorSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: { items: readonly string[]; target_key: string; dim?: number }) {
    super();
    this.options = validateConfig(Options, options);
  }

  override process(sample: Sample): Sample {
    const { items, target_key, dim } = this.options;
    return {
      ...sample,
      [target_key]: cat(
        items.map((item) => tensorOf(sample, item, this)),
        dim,
      ),
    };
  }
}

register("noether.data.pipeline.sample_processors.ConcatTensorSampleProcessor", {
  class: ConcatTensorSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.concat_tensor.ConcatTensorSampleProcessor"],
});
