import type { z } from "zod";
import { ValueError } from "../../../../config/python-errors";
import { cat, keep } from "../../../../torch";
import type { Tensor } from "../../../../torch";
import type { RopeFrequencies } from "../../../functional/rope";
import { AttentionConfig } from "../config";
import { DotProductAttention, requireRope } from "../dot-product";
import type { KeysValues } from "../perceiver";
import { tokenSpans } from "./tokens";
import type { AnchorMemory, AttentionPattern, Span, TokenSpec } from "./tokens";

/** Config of {@link MixedAttention}. */
export const MixedAttentionConfig = AttentionConfig.extend("MixedAttentionConfig", { fields: {} });
export type MixedAttentionConfig = z.output<typeof MixedAttentionConfig>;

/** Arguments of {@link MixedAttention.forward}. */
export interface MixedAttentionOptions {
  /** Token groups in the order in which they lie in the sequence. */
  readonly tokenSpecs: readonly TokenSpec[];
  readonly attentionPatterns: readonly AttentionPattern[];
  readonly freqs?: RopeFrequencies | null;
  /** Keys and values of groups that are not in the sequence; those of the anchors that are in it are stored here. */
  readonly memory?: AnchorMemory;
  /** Not supported: what attends to what is said by the patterns. */
  readonly attnMask?: Tensor | null;
}

/** One attention call: some queries, keys and values of a pattern. */
interface PatternTensors {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Attention between named groups of tokens: each pattern's queries attend, without a mask, to the tokens of its key groups.
 * Groups are cut out of one sequence as views; patterns of equal shape run as one call, stacked on the batch.
 *
 * Shapes: x (B, N, D) with the groups one after the other → (B, N, D).
 */
export class MixedAttention extends DotProductAttention {
  override forward(x: Tensor, options: MixedAttentionOptions): Tensor {
    const { tokenSpecs, attentionPatterns: patterns, freqs, memory } = options;
    const spans = this.validate(x, options);
    const { q, k, v } = this.queriesKeysValues(x, freqs); // (B, H, N, d)
    if (memory) this.remember(memory, spans, k, v);

    const inputs = patterns.map(({ queryTokens, keyValueTokens }) => ({
      q: selectTokens(
        q,
        queryTokens.map((name) => spans.get(name)!),
      ),
      ...this.keysValuesOf(keyValueTokens, spans, k, v, memory),
    }));
    const outputs = this.attendPatterns(inputs).map((out) => out.transpose(1, 2)); // (B, n, H, d)
    return this.drop(this.proj.forward(inTokenOrder(outputs, patterns, tokenSpecs).flatten(2)));
  }

  /** Outputs of all patterns; those whose queries and keys have equal numbers go through one attention call. */
  private attendPatterns(patterns: readonly PatternTensors[]): Tensor[] {
    const groups = new Map<string, number[]>();
    patterns.forEach(({ q, k }, i) => {
      const shape = `${q.size(2)} x ${k.size(2)}`;
      groups.set(shape, [...(groups.get(shape) ?? []), i]);
    });
    const outputs: Tensor[] = [];
    for (const members of groups.values()) {
      const stacked = (name: keyof PatternTensors) => {
        const parts = members.map((i) => patterns[i]![name]);
        return parts.length === 1 ? parts[0]! : cat(parts, 0); // (patterns · B, H, n, d)
      };
      const out = this.attend(stacked("q"), stacked("k"), stacked("v"));
      const parts = members.length === 1 ? [out] : out.chunk(members.length, 0);
      members.forEach((i, j) => (outputs[i] = parts[j]!));
    }
    return outputs;
  }

  /** Keys and values of some token groups, from the sequence or from memory. */
  private keysValuesOf(
    names: readonly string[],
    spans: Map<string, Span>,
    k: Tensor,
    v: Tensor,
    memory?: AnchorMemory,
  ): KeysValues {
    if (names.every((name) => spans.has(name))) {
      const ranges = names.map((name) => spans.get(name)!);
      return { k: selectTokens(k, ranges), v: selectTokens(v, ranges) };
    }
    const stored = names.map((name) => memory!.get(this, name)!);
    if (stored.length === 1) return stored[0]!;
    return {
      k: cat(
        stored.map((s) => s.k),
        2,
      ),
      v: cat(
        stored.map((s) => s.v),
        2,
      ),
    };
  }

  private remember(memory: AnchorMemory, spans: Map<string, Span>, k: Tensor, v: Tensor): void {
    for (const [name, span] of spans) {
      if (name.endsWith("_queries")) continue;
      const [keys, values] = [k, v].map((t) => keep(selectTokens(t, [span]).detach().clone())) as [Tensor, Tensor];
      memory.set(this, name, { k: keys, v: values });
    }
  }

  private validate(
    x: Tensor,
    { tokenSpecs, attentionPatterns, freqs, memory, attnMask }: MixedAttentionOptions,
  ): Map<string, Span> {
    requireRope(this, this.config.use_rope, { freqs });
    if (attnMask)
      throw new ValueError(
        "MixedAttention: attnMask is not supported; the attention patterns say what attends to what",
      );
    const total = tokenSpecs.reduce((sum, { size }) => sum + size, 0);
    if (total !== x.size(1)) {
      throw new ValueError(
        `MixedAttention: Token specs total size (${total}) must be the number of tokens (${x.size(1)})`,
      );
    }
    const spans = tokenSpans(tokenSpecs);
    const queries = attentionPatterns.flatMap(({ queryTokens }) => queryTokens);
    const twice = queries.find((name, i) => queries.indexOf(name) !== i);
    if (twice !== undefined)
      throw new ValueError(`MixedAttention: token ${twice} cannot be a query in multiple patterns`);
    if (queries.length !== spans.size || !queries.every((name) => spans.has(name))) {
      throw new ValueError(
        `MixedAttention: the set of query tokens must exactly match the token specs (${[...spans.keys()].join(", ")}), ` +
          `got ${queries.join(", ")}`,
      );
    }
    for (const name of attentionPatterns.flatMap(({ keyValueTokens }) => keyValueTokens)) {
      if (!spans.has(name) && !memory?.get(this, name)) {
        throw new ValueError(
          `MixedAttention: key/value token ${name} is not defined in \`token_specs\` (${[...spans.keys()].join(", ")})`,
        );
      }
    }
    return spans;
  }
}

/** Tokens of `x` (B, H, N, d) in the given ranges; a view where the ranges follow each other. */
function selectTokens(x: Tensor, ranges: readonly Span[]): Tensor {
  const merged: Span[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last?.end === range.start) merged[merged.length - 1] = { start: last.start, end: range.end };
    else merged.push(range);
  }
  const parts = merged.map(({ start, end }) =>
    start === 0 && end === x.size(2) ? x : x.narrow(2, start, end - start),
  );
  return parts.length === 1 ? parts[0]! : cat(parts, 2);
}

/** Joins pattern outputs (B, n, H, d) to the sequence (B, N, H, d) of the specs. */
function inTokenOrder(
  outputs: readonly Tensor[],
  patterns: readonly AttentionPattern[],
  specs: readonly TokenSpec[],
): Tensor {
  const order = patterns.flatMap(({ queryTokens }) => queryTokens);
  if (order.every((name, i) => name === specs[i]!.name))
    return outputs.length === 1 ? outputs[0]! : cat([...outputs], 1);
  const sizes = new Map(specs.map(({ name, size }) => [name, size]));
  const parts = new Map<string, Tensor>();
  patterns.forEach(({ queryTokens }, i) => {
    const split = outputs[i]!.splitWithSizes(
      queryTokens.map((name) => sizes.get(name)!),
      1,
    );
    queryTokens.forEach((name, j) => parts.set(name, split[j]!));
  });
  return cat(
    specs.map(({ name }) => parts.get(name)!),
    1,
  );
}
