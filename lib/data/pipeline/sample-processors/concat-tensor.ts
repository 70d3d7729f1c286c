import { ValueError } from "../../../config/python-errors";
import { cat, type Tensor } from "../../../torch";
import { defineConfig, int, list, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("ConcatTensorSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Keys to join, in order. */
    items: list(str()),
    /** Key of the result. */
    target_key: str(),
    /** Dimension along which they are joined. */
    dim: int().default(0),
  },
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
    const parts = items.map((item) => tensorOf(sample, item, this));
    const shapeWithout = (x: Tensor) => x.shape.filter((_, at) => at !== (dim < 0 ? x.ndim + dim : dim)).join(", ");
    const other = parts.findIndex((x) => x.ndim !== parts[0]!.ndim || shapeWithout(x) !== shapeWithout(parts[0]!));
    if (other > 0)
      throw new ValueError(
        `ConcatTensorSampleProcessor: expected items that differ along dimension ${dim} only, received "${items[0]}" of shape (${parts[0]!.shape.join(", ")}) and "${items[other]}" of (${parts[other]!.shape.join(", ")})`,
      );
    return { ...sample, [target_key]: cat(parts, dim) };
  }
}

register("noether.data.pipeline.sample_processors.ConcatTensorSampleProcessor", {
  class: ConcatTensorSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.concat_tensor.ConcatTensorSampleProcessor"],
});
