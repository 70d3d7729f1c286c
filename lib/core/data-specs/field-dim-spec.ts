import type { z } from "zod";
import { int, mapping } from "../../config/schema";

/**
 * Fields and their numbers of channels, in order: `{ pressure: 1, friction: 3 }`. The order of the YAML mapping is the
 * order of the channels of a tensor that holds all fields side by side.
 *
 * A plain object; the functions below read it.
 */
export const FieldDimSpec = mapping(int());
export type FieldDimSpec = z.output<typeof FieldDimSpec>;

/** Half-open range of channels `[start, end)`. */
export type ChannelRange = readonly [start: number, end: number];

/** Sum of all dims; 0 without a spec. */
export function totalDim(spec: FieldDimSpec | null | undefined): number {
  return Object.values(spec ?? {}).reduce((sum, dim) => sum + dim, 0);
}

/**
 * Channels of each field; fields without channels are left out.
 *
 * @example `fieldSlices({ pressure: 1, friction: 3 })` is `Map { "pressure" → [0, 1], "friction" → [1, 4] }`
 */
export function fieldSlices(spec: FieldDimSpec): Map<string, ChannelRange> {
  const slices = new Map<string, ChannelRange>();
  let start = 0;
  for (const [field, dim] of Object.entries(spec)) {
    if (dim <= 0) continue;
    slices.set(field, [start, start + dim]);
    start += dim;
  }
  return slices;
}
