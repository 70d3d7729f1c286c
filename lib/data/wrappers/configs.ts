import { z } from "zod";
import { findKind, unknownKindMessage } from "../../config/registry";
import {
  any,
  defineConfig,
  describe,
  float,
  forwardIssues,
  int,
  isMapping,
  optional,
  report,
  str,
} from "../../config/schema";

/** Base of wrapper configs; `kind` may be empty when a wrapper is built in code (data spec 2.1). */
export const DatasetWrapperConfig = defineConfig("DatasetWrapperConfig", { extra: "allow", fields: { kind: str() } });
export type DatasetWrapperConfig = z.output<typeof DatasetWrapperConfig>;

/** The whole data set `repetitions` times, one pass after the other. */
export const RepeatWrapperConfig = DatasetWrapperConfig.extend("RepeatWrapperConfig", {
  extra: "ignore",
  fields: { repetitions: int({ ge: 2 }) },
});
export type RepeatWrapperConfig = z.output<typeof RepeatWrapperConfig>;

/** A fixed random order; the same for the same seed. */
export const ShuffleWrapperConfig = DatasetWrapperConfig.extend("ShuffleWrapperConfig", {
  extra: "ignore",
  fields: { seed: optional(int({ ge: 0 })) },
});
export type ShuffleWrapperConfig = z.output<typeof ShuffleWrapperConfig>;

/** Part of a data set: explicit indices, or a half-open range of indices or fractions. Ranges are checked by the wrapper. */
export const SubsetWrapperConfig = DatasetWrapperConfig.extend("SubsetWrapperConfig", {
  extra: "ignore",
  fields: {
    indices: optional(any()),
    start_index: optional(int()),
    end_index: optional(int()),
    start_percent: optional(float()),
    end_percent: optional(float()),
  },
});
export type SubsetWrapperConfig = z.output<typeof SubsetWrapperConfig>;

/** A wrapper config, validated by the schema of its `kind`. */
export const DatasetWrappers = z.transform<unknown, DatasetWrapperConfig>((input, context) => {
  const kind = isMapping(input) ? input["kind"] : undefined;
  if (typeof kind !== "string") {
    report(context, input, `expected a dataset wrapper with a "kind", received ${describe(input)}`);
    return z.NEVER;
  }
  const entry = findKind(kind);
  if (!entry) {
    report(context, input, unknownKindMessage(kind), ["kind"]);
    return z.NEVER;
  }
  const result = (entry.schema ?? DatasetWrapperConfig).safeParse(input);
  if (result.success) return result.data as DatasetWrapperConfig;
  forwardIssues(context, result.error, input, []);
  return z.NEVER;
});
