import { full } from "../../../torch";
import { AssertionError } from "../../../config/python-errors";
import { defineConfig, float, int, optional, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("DefaultTensorSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Key of the new tensor. */
    item_key_name: str(),
    /** Its channels. */
    feature_dim: int(),
    /** Its rows; null: as many as `matching_item_key` has. */
    size: optional(int()),
    /** Key of a tensor with as many rows. */
    matching_item_key: optional(str()),
    /** Value of every entry. */
    default_value: float().default(0),
  },
});

/** Adds a float32 tensor (n, feature_dim) of one value; n is `size`, or as many rows as `matching_item_key` has. */
export class DefaultTensorSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: {
    item_key_name: string;
    feature_dim: number;
    size?: number | null;
    matching_item_key?: string | null;
    default_value?: number;
  }) {
    super();
    this.options = validateConfig(Options, options);
    if (this.options.size === null && this.options.matching_item_key === null)
      throw new AssertionError("DefaultTensorSampleProcessor: expected size or matching_item_key, received neither");
  }

  override process(sample: Sample): Sample {
    const { item_key_name, feature_dim, size, matching_item_key, default_value } = this.options;
    const rows = size ? size : tensorOf(sample, matching_item_key!, this).size(0);
    return { ...sample, [item_key_name]: full([rows, feature_dim], default_value, { dtype: "float32" }) };
  }
}

register("noether.data.pipeline.sample_processors.DefaultTensorSampleProcessor", {
  class: DefaultTensorSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.default_tensor.DefaultTensorSampleProcessor"],
});
