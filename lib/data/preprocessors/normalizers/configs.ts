import { z } from "zod";
import { findKind, unknownKindMessage } from "../../../config/registry";
import {
  bool,
  defineConfig,
  float,
  forwardIssues,
  isMapping,
  optional,
  report,
  smartUnion,
  str,
  type Report,
} from "../../../config/schema";
import { flatten, shapeOf, tensorValue, type TensorValue } from "./tensor-value";

function sameShape(a: TensorValue, b: TensorValue, names: string, complain: Report): boolean {
  const [left, right] = [shapeOf(a)!.join(", "), shapeOf(b)!.join(", ")];
  if (left !== right) complain(`expected ${names} of the same shape, received (${left}) and (${right})`);
  return left === right;
}

/** Mean and standard deviation per channel; with `logscale` those of the log-scaled data (data spec 2.7). */
export const MeanStdNormalizerConfig = defineConfig("MeanStdNormalizerConfig", {
  fields: { kind: optional(str()), mean: tensorValue(), std: tensorValue(), logscale: bool().default(false) },
});
export type MeanStdNormalizerConfig = z.output<typeof MeanStdNormalizerConfig>;

/** Corners of the box that is mapped to `[0, scale]` in every dimension. */
export const PositionNormalizerConfig = defineConfig("PositionNormalizerConfig", {
  fields: {
    kind: optional(str()),
    raw_pos_min: tensorValue(),
    raw_pos_max: tensorValue(),
    scale: float({ gt: 0 }).default(1000),
  },
  check: ({ raw_pos_min, raw_pos_max }, complain) => {
    if (!sameShape(raw_pos_min, raw_pos_max, "raw_pos_min and raw_pos_max", complain)) return;
    const min = flatten(raw_pos_min);
    const bad = flatten(raw_pos_max).flatMap((max, index) => (max > min[index]! ? [] : [index]));
    if (bad.length > 0) complain(`expected raw_pos_max > raw_pos_min in every entry; not so at ${bad.join(", ")}`);
  },
});
export type PositionNormalizerConfig = z.output<typeof PositionNormalizerConfig>;

/** `(x + shift) · scale`: the shift is added, the scale multiplied. */
export const ShiftAndScaleNormalizerConfig = defineConfig("ShiftAndScaleNormalizerConfig", {
  fields: { kind: optional(str()), shift: tensorValue(), scale: tensorValue(), logscale: bool().default(false) },
  check: ({ shift, scale }, complain) => {
    if (!sameShape(shift, scale, "shift and scale", complain)) return;
    if (flatten(scale).some((value) => !(value > 0))) complain("expected scale > 0 in every entry");
  },
});
export type ShiftAndScaleNormalizerConfig = z.output<typeof ShiftAndScaleNormalizerConfig>;

const builtIn = smartUnion([MeanStdNormalizerConfig, PositionNormalizerConfig, ShiftAndScaleNormalizerConfig]);

/** A normalizer config: by its `kind` where that is registered with a schema, else by its fields. */
export const AnyNormalizer = z.transform<unknown, Record<string, unknown>>((input, context) => {
  const kind = isMapping(input) ? input["kind"] : undefined;
  const entry = typeof kind === "string" ? findKind(kind) : undefined;
  if (typeof kind === "string" && !entry) {
    report(context, input, unknownKindMessage(kind), ["kind"]);
    return z.NEVER;
  }
  const result = (entry?.schema ?? builtIn).safeParse(input);
  if (result.success) return result.data as Record<string, unknown>;
  forwardIssues(context, result.error, input, []);
  return z.NEVER;
});

/** One normalizer or a list of them, applied in order; always held as a list. */
export const NormalizerChain = z.transform<unknown, Record<string, unknown>[]>((input, context) => {
  const items: unknown[] = Array.isArray(input) ? input : [input];
  const configs: Record<string, unknown>[] = [];
  items.forEach((item, index) => {
    const result = AnyNormalizer.safeParse(item);
    if (result.success) configs.push(result.data);
    else forwardIssues(context, result.error, item, Array.isArray(input) ? [index] : []);
  });
  return configs.length === items.length ? configs : z.NEVER;
});
