import type { z } from "zod";
import { ValueError } from "../../../../config/python-errors";
import { defineConfig, int, str, validateConfig } from "../../../../config/schema";
import type { KeysValues } from "../perceiver";
import type { nn } from "../../../../torch";

/** Names of token groups say which branch they belong to and whether others may attend to them. */
const TOKEN_NAME = /^.+_(anchors|queries)$/;

/** A group of tokens that lie one after the other in the sequence. */
export const TokenSpec = defineConfig("TokenSpec", {
  extra: "forbid",
  fields: {
    /** `<branch>_anchors` or `<branch>_queries`, e.g. "surface_anchors". */
    name: str(),
    /** Number of tokens. */
    size: int({ ge: 0 }),
  },
  check({ name }, report) {
    if (!TOKEN_NAME.test(name)) report(`must be <branch>_anchors or <branch>_queries, got "${name}"`, "name");
  },
});
export type TokenSpec = z.output<typeof TokenSpec>;

/** The spec of `{ name: size }`, a mapping with exactly one entry. */
export function tokenSpecFromDict(dict: Readonly<Record<string, number>>): TokenSpec {
  const entries = Object.entries(dict);
  if (entries.length !== 1)
    throw new ValueError(`TokenSpec: expected exactly one name and size, got ${entries.length}`);
  const [name, size] = entries[0]!;
  return validateConfig(TokenSpec, { name, size });
}

/** The inverse of {@link tokenSpecFromDict}. */
export function tokenSpecToDict({ name, size }: TokenSpec): Record<string, number> {
  return { [name]: size };
}

/** Which token groups attend to which. */
export interface AttentionPattern {
  readonly queryTokens: readonly string[];
  readonly keyValueTokens: readonly string[];
}

/** Half-open range of a token group in the sequence. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Ranges of the groups, which follow each other in the order of the specs. */
export function tokenSpans(specs: readonly TokenSpec[]): Map<string, Span> {
  const spans = new Map<string, Span>();
  let start = 0;
  for (const { name, size } of specs) {
    spans.set(name, { start, end: start + size });
    start += size;
  }
  return spans;
}

/**
 * Keys and values of anchor tokens, per attention layer and token group. A forward with anchors fills it; a forward with queries
 * alone then attends to what is stored, without computing the anchors again.
 */
export class AnchorMemory {
  readonly #stored = new Map<nn.Module, Map<string, KeysValues>>();

  /** Stored keys and values of a layer's token group. */
  get(layer: nn.Module, token: string): KeysValues | undefined {
    return this.#stored.get(layer)?.get(token);
  }

  /** Stores keys and values; they belong to the memory from then on. */
  set(layer: nn.Module, token: string, value: KeysValues): void {
    const tokens = this.#stored.get(layer) ?? new Map<string, KeysValues>();
    this.#stored.set(layer, tokens.set(token, value));
  }

  /** Frees what is stored. */
  dispose(): void {
    for (const tokens of this.#stored.values()) {
      for (const { k, v } of tokens.values()) {
        k.dispose();
        v.dispose();
      }
    }
    this.#stored.clear();
  }
}
