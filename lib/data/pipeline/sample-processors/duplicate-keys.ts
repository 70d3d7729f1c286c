import { KeyError } from "../../../config/python-errors";
import { defineConfig, mapping, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("DuplicateKeysSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Name of the copy, by the key that is copied. */
    key_map: mapping(str()),
  },
});

/** Copies entries under other names (`key_map`: source to target), in order: a later pair may use an earlier target. */
export class DuplicateKeysSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: { key_map: Readonly<Record<string, string>> }) {
    super();
    this.options = validateConfig(Options, options);
  }

  override process(sample: Sample): Sample {
    const result = { ...sample };
    for (const [source, target] of Object.entries(this.options.key_map)) {
      if (!(source in result)) throw new KeyError(`DuplicateKeysSampleProcessor: the sample has no "${source}"`);
      result[target] = SampleProcessor.saveCopy(result[source]);
    }
    return result;
  }
}

register("noether.data.pipeline.sample_processors.DuplicateKeysSampleProcessor", {
  class: DuplicateKeysSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.duplicate_keys.DuplicateKeysSampleProcessor"],
});
