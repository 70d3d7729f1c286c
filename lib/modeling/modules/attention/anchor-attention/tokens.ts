import type { z } from "zod";
import { ValueError } from "../../../../config/python-errors";
import { defineConfig, int, str, validateConfig } from "../../../../config/schema";
import type { KeysValues } from "../perceiver";

/**
 * A group of tokens that lie one after the other in the sequence. Names are `<domain>_<type>`, e.g. "surface_anchors" and
 * "rear_wing_queries"; see {@link domainOf}.
 */
export const TokenSpec = defineConfig("TokenSpec", {
  extra: "forbid",
  fields: {
    /** Name of the tokens, such as `surface_anchors`. */
    name: str(),
    /** Number of tokens; null: they are not in the sequence, their keys and values come from a cache. */
    size: int({ ge: 0 }).nullable(),
  },
  /** What the Python framework derives from the name. */
  derived: ["domain", "attn_type"],
});
export type TokenSpec = z.output<typeof TokenSpec>;

/** The domain of a token group: its name without the last part. */
export function domainOf(name: string): string {
  const end = name.lastIndexOf("_");
  return end < 0 ? name : name.slice(0, end);
}

/** The spec of `{ name: size }`, a mapping with exactly one entry. */
export function tokenSpecFromDict(dict: Readonly<Record<string, number | null>>): TokenSpec {
  const entries = Object.entries(dict);
  if (entries.length !== 1)
    throw new ValueError(`TokenSpec: expected exactly one name and size, got ${entries.length}`);
  const [name, size] = entries[0]!;
  return validateConfig(TokenSpec, { name, size });
}

/** The inverse of {@link tokenSpecFromDict}. */
export function tokenSpecToDict({ name, size }: TokenSpec): Record<string, number | null> {
  return { [name]: size };
}

/** Which token groups attend to which. */
export interface AttentionPattern {
  readonly queryTokens: readonly string[];
  readonly keyValueTokens: readonly string[];
}

/** Keys and values of token groups by name, each (B, H, n, d), keys rotated. */
export type KeyValueCache = Readonly<Record<string, KeysValues>>;

/** Half-open range of a token group in the sequence. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Ranges of the groups that are in the sequence, in the order of the specs. */
export function tokenSpans(specs: readonly TokenSpec[]): Map<string, Span> {
  const spans = new Map<string, Span>();
  let start = 0;
  for (const { name, size } of specs) {
    if (size === null) continue;
    spans.set(name, { start, end: start + size });
    start += size;
  }
  return spans;
}

/** The number of tokens of some ranges. */
export function countTokens(spans: Iterable<Span>): number {
  return [...spans].reduce((sum, { start, end }) => sum + end - start, 0);
}
