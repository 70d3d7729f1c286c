import type { Tensor } from "../../../torch";
import { defineConfig, mapping, str, validateConfig } from "../../../config/schema";
import type { BatchMap } from "../../sample";
import { BatchProcessor } from "../batch-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("RenameKeysBatchProcessor", {
  extra: "forbid",
  fields: {
    /** New name of each key, by its old one. */
    key_map: mapping(str()),
  },
});

/** Renames entries of a batch (`key_map`: old to new). */
export class RenameKeysBatchProcessor extends BatchProcessor {
  readonly options;

  constructor(options: { key_map: Readonly<Record<string, string>> }) {
    super();
    this.options = validateConfig(Options, options);
  }

  override process(batch: BatchMap): BatchMap {
    return Object.fromEntries(Object.entries(batch).map(([key, value]) => [this.options.key_map[key] ?? key, value]));
  }

  override denormalize(key: string, value: Tensor): readonly [string, Tensor] {
    const source = Object.entries(this.options.key_map).find(([, target]) => target === key)?.[0];
    return [source ?? key, value];
  }
}

register("noether.data.pipeline.batch_processors.RenameKeysBatchProcessor", {
  class: RenameKeysBatchProcessor,
  aliases: ["noether.data.pipeline.batch_processors.rename_keys.RenameKeysBatchProcessor"],
});
