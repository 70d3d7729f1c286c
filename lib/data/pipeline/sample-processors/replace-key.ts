import { KeyError } from "../../../config/python-errors";
import { defineConfig, set, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("ReplaceKeySampleProcessor", {
  extra: "forbid",
  fields: {
    /** Key whose value is moved. */
    source_key: str(),
    /** Keys that get it. */
    target_keys: set(str()),
  },
});

/** Moves an entry to one or several other keys, each with a copy of its own. */
export class ReplaceKeySampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: { source_key: string; target_keys: Iterable<string> }) {
    super();
    this.options = validateConfig(Options, { ...options, target_keys: [...options.target_keys] });
  }

  override process(sample: Sample): Sample {
    const { source_key, target_keys } = this.options;
    if (!(source_key in sample)) throw new KeyError(`ReplaceKeySampleProcessor: the sample has no "${source_key}"`);
    const { [source_key]: value, ...result } = sample;
    for (const key of target_keys) result[key] = SampleProcessor.saveCopy(value);
    return result;
  }
}

register("noether.data.pipeline.sample_processors.ReplaceKeySampleProcessor", {
  class: ReplaceKeySampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.replace_key.ReplaceKeySampleProcessor"],
});
