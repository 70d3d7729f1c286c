import { defineConfig, mapping, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("RenameKeysSampleProcessor", {
  extra: "forbid",
  fields: {
    /** New name of each key, by its old one. */
    key_map: mapping(str()),
  },
});

/** Renames entries (`key_map`: old to new). Keys that are not there are ignored; when two meet, the later entry wins. */
export class RenameKeysSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: { key_map: Readonly<Record<string, string>> }) {
    super();
    this.options = validateConfig(Options, options);
  }

  override process(sample: Sample): Sample {
    return Object.fromEntries(Object.entries(sample).map(([key, value]) => [this.options.key_map[key] ?? key, value]));
  }
}

register("noether.data.pipeline.sample_processors.RenameKeysSampleProcessor", {
  class: RenameKeysSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.rename_keys.RenameKeysSampleProcessor"],
});
