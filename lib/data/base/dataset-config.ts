import type { z } from "zod";
import { findKind } from "../../config/registry";
import {
  bool,
  customType,
  defineConfig,
  delegate,
  isMapping,
  list,
  literal,
  mapping,
  optional,
  set,
  str,
} from "../../config/schema";
import { NormalizerChain } from "../preprocessors/normalizers/normalizer-config";
import { DatasetWrappers } from "./wrapper-config";

/** A pipeline, checked by the schema of its class where that has one. */
const pipeline = customType<unknown>((input, context) => {
  const kind = isMapping(input) ? input["kind"] : undefined;
  const schema = typeof kind === "string" ? findKind(kind)?.schema : undefined;
  return schema ? delegate(schema, input, context) : input;
});

/** What every data set config has. Unknown keys are errors. */
export const DatasetBaseConfig = defineConfig("DatasetBaseConfig", {
  extra: "forbid",
  fields: {
    /** Class of the data set. */
    kind: str(),
    /** Config of the collating pipeline (mapping with `kind`), or a ready object. */
    pipeline: optional(pipeline),
    /** Normalizers by sample key: one config or a list of them. */
    dataset_normalizers: optional(mapping(NormalizerChain)),
    /** Whether a value whose normalizer is not configured is an error; otherwise it comes as it is, with a warning. */
    strict_normalizers: bool().default(false),
    /**
     * What is done about NaN and infinite values in a sample: `error`; `drop` leaves their points out of all properties of the
     * domain; `keep` takes them as they are.
     */
    non_finite: literal("error", "drop", "keep").default("error"),
    /** Applied in order, the first is innermost. */
    dataset_wrappers: optional(list(DatasetWrappers)),
    /** Only these sample keys (add `index` where sampling is seeded). */
    included_properties: optional(set(str())),
    /** All but these; wins over `included_properties`. */
    excluded_properties: optional(set(str())),
  },
  aliases: { normalizers: "dataset_normalizers", wrappers: "dataset_wrappers" },
});
export type DatasetBaseConfig = z.output<typeof DatasetBaseConfig>;

/** A data set with a root directory and the usual three splits. */
export const StandardDatasetConfig = DatasetBaseConfig.extend("StandardDatasetConfig", {
  fields: {
    /** Folder of the data. */
    root: str(),
    /** Which part of the data. */
    split: literal("train", "val", "test"),
  },
});
export type StandardDatasetConfig = z.output<typeof StandardDatasetConfig>;
