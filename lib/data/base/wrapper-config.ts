import type { z } from "zod";
import { defineConfig, registered, str } from "../../config/schema";

/** Base of wrapper configs; `kind` may be empty when a wrapper is built in code. */
export const DatasetWrapperConfig = defineConfig("DatasetWrapperConfig", {
  extra: "allow",
  fields: {
    /** Class of the wrapper. */
    kind: str(),
  },
});
export type DatasetWrapperConfig = z.output<typeof DatasetWrapperConfig>;

/** A wrapper of a data set, chosen by its `kind`. */
export const DatasetWrappers: z.ZodType<DatasetWrapperConfig> = registered(DatasetWrapperConfig, { mustExtend: false });
