import type { z } from "zod";
import { customType, defineConfig, delegate, optional, registered, smartUnion, str } from "../../../config/schema";
import { MeanStdNormalizerConfig } from "./mean-std";
import { PositionNormalizerConfig } from "./position";
import { ShiftAndScaleNormalizerConfig } from "./shift-and-scale";

/** What every normalizer config has. */
const NormalizerConfig = defineConfig("NormalizerConfig", {
  extra: "allow",
  fields: {
    /** Class of the normalizer. */
    kind: optional(str()),
  },
});

/** Configs that are found by their keys alone, as in the Python framework; a new normalizer is found by its kind. */
const byKeys = smartUnion([MeanStdNormalizerConfig, PositionNormalizerConfig, ShiftAndScaleNormalizerConfig]);

/** A normalizer config: by its `kind` where that is registered with a schema, else by its keys. */
export const AnyNormalizer: z.ZodType<Record<string, unknown>> = registered(NormalizerConfig, {
  withoutKind: byKeys,
  withoutSchema: byKeys,
  mustExtend: false,
});

/** One normalizer or a list of them, applied in order; always held as a list. */
export const NormalizerChain = customType<Record<string, unknown>[], unknown>((input, context) =>
  Array.isArray(input)
    ? input.map((item, index) => delegate(AnyNormalizer, item, context, [index]))
    : [delegate(AnyNormalizer, input, context)],
);
