import { ValueError } from "../../../../config/python-errors";
import { cat, zeros } from "../../../../torch";
import type { nn, Tensor } from "../../../../torch";
import type { RopeFrequencies } from "../../../functional/rope";
import { requireRope } from "../dot-product";
import type { KeysValues } from "../perceiver";
import { countTokens, tokenSpans } from "./tokens";
import type { AttentionPattern, KeyValueCache, Span, TokenSpec } from "./tokens";

/** Arguments of attention between named groups of tokens. */
export interface MixedAttentionOptions {
  /** Token groups in the order in which they lie in the sequence; those of size null are in the cache instead. */
  readonly tokenSpecs: readonly TokenSpec[];
  readonly attentionPatterns: readonly AttentionPattern[];
  /** boolean (B, N), true: a token that others may attend to. A token that has nobody to attend to gets zeros. */
  readonly keyPaddingMask?: Tensor | null;
  readonly freqs?: RopeFrequencies | null;
  /** Keys and values from an earlier call. */
  readonly kvCache?: KeyValueCache | null;
  /** Not supported: what attends to what is said by the patterns. */
  readonly attnMask?: Tensor | null;
}

/** One attention call: some queries (B, H, n, d), keys and values (B, H, m, d), mask (B, 1, 1, m). */
interface PatternTensors {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor | null;
}

/** Computes one attention call. */
type Attend = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null) => Tensor;

/** What attends to what in one call, checked. */
export class PatternedAttention {
  readonly #specs: readonly TokenSpec[];
  readonly #spans: ReadonlyMap<string, Span>;
  readonly #patterns: readonly AttentionPattern[];
  readonly #cache: KeyValueCache;
  readonly #mask: Tensor | null;

  /**
   * @param x (B, N, D), the tokens that are not in the cache
   * @throws ValueError when the arguments do not fit each other
   */
  constructor(
    module: nn.Module & { readonly config: { readonly use_rope: boolean } },
    x: Tensor,
    options: MixedAttentionOptions,
  ) {
    const { tokenSpecs, keyPaddingMask, freqs, kvCache, attnMask } = options;
    const refuse = (message: string): never => {
      throw new ValueError(`${module.constructor.name}: ${message}`);
    };
    requireRope(module, module.config.use_rope, { freqs });
    if (attnMask) refuse("attnMask is not supported; the attention patterns say what attends to what");
    const cached = tokenSpecs.filter(({ size }) => size === null).map(({ name }) => name);
    const missing = cached.find((name) => kvCache?.[name] === undefined);
    if (missing !== undefined) {
      const names = Object.keys(kvCache ?? {}).join(", ") || "nothing";
      refuse(`the size of ${missing} is null, but kvCache does not hold it (it holds ${names})`);
    }
    if (keyPaddingMask) this.#checkMask(x, keyPaddingMask, cached, refuse);
    this.#specs = tokenSpecs.filter(({ size }) => size !== null);
    this.#spans = tokenSpans(this.#specs);
    this.#cache = kvCache ?? {};
    this.#mask = keyPaddingMask ?? null;
    const total = countTokens(this.#spans.values());
    if (total !== x.size(1)) refuse(`Token specs total size (${total}) must be the number of tokens (${x.size(1)})`);

    this.#patterns = options.attentionPatterns
      .map((pattern) => ({ ...pattern, queryTokens: pattern.queryTokens.filter((name) => !cached.includes(name)) }))
      .filter(({ queryTokens }) => queryTokens.length > 0);
    this.#checkPatterns(refuse);
  }

  #checkMask(x: Tensor, mask: Tensor, cached: readonly string[], refuse: (message: string) => never): void {
    if (cached.length > 0)
      refuse(`keyPaddingMask covers the tokens of the sequence; ${cached.join(", ")} are not in it`);
    if (mask.dtype !== "bool" || mask.ndim !== 2 || mask.size(0) !== x.size(0) || mask.size(1) !== x.size(1)) {
      refuse(
        `keyPaddingMask must be bool of shape (${x.size(0)}, ${x.size(1)}), got ${mask.dtype} of shape (${mask.shape.join(", ")})`,
      );
    }
  }

  #checkPatterns(refuse: (message: string) => never): void {
    const present = [...this.#spans.keys()];
    const queries = this.#patterns.flatMap(({ queryTokens }) => queryTokens);
    const twice = queries.find((name, i) => queries.indexOf(name) !== i);
    if (twice !== undefined) refuse(`token ${twice} cannot be a query in multiple patterns`);
    if (queries.length !== present.length || !queries.every((name) => this.#spans.has(name))) {
      refuse(
        `the set of query tokens must exactly match the token specs (${present.join(", ")}), got ${queries.join(", ")}`,
      );
    }
    for (const name of this.#patterns.flatMap(({ keyValueTokens }) => keyValueTokens)) {
      if (!this.#spans.has(name) && this.#cache[name] === undefined) {
        refuse(`key/value token ${name} is not defined in \`token_specs\` (${present.join(", ")})`);
      }
    }
  }

  /** Whether some tokens attend to tokens of the sequence: else only their queries are needed. */
  get needsKeys(): boolean {
    return this.#patterns.some(({ keyValueTokens }) => keyValueTokens.some((name) => this.#spans.has(name)));
  }

  /**
   * Runs all patterns; those whose queries and keys have equal numbers go through one attention call, stacked on the batch.
   *
   * @param q queries of all tokens (B, H, N, d)
   * @param own keys and values of all tokens, where {@link needsKeys}
   * @returns (B, N, D), tokens in the order of the specs
   */
  attend(q: Tensor, own: KeysValues | null, attend: Attend): Tensor {
    const inputs = this.#patterns.map(({ queryTokens, keyValueTokens }) => ({
      q: selectTokens(q, queryTokens.map((name) => this.#spans.get(name)!)),
      ...this.#keysValues(keyValueTokens, own),
      mask: this.#keyMask(keyValueTokens),
    })); // prettier-ignore
    const outputs = attendStacked(inputs, attend).map((out) => out.transpose(1, 2)); // (B, n, H, d)
    return this.#inTokenOrder(outputs).flatten(2);
  }

  /** Keys and values of the anchors among the tokens. */
  anchors({ k, v }: KeysValues): KeyValueCache {
    const entries = [...this.#spans].filter(([name]) => name.includes("_anchor"));
    return Object.fromEntries(
      entries.map(([name, span]) => [name, { k: selectTokens(k, [span]), v: selectTokens(v, [span]) }]),
    );
  }

  /** Of some token groups, from the sequence or from the cache. */
  #keysValues(names: readonly string[], own: KeysValues | null): KeysValues {
    if (own && names.every((name) => this.#spans.has(name))) {
      const spans = names.map((name) => this.#spans.get(name)!);
      return { k: selectTokens(own.k, spans), v: selectTokens(own.v, spans) };
    }
    const groups = names.map((name) => {
      const span = this.#spans.get(name);
      return span ? { k: selectTokens(own!.k, [span]), v: selectTokens(own!.v, [span]) } : this.#cache[name]!;
    });
    return { k: joined(groups.map(({ k }) => k), 2), v: joined(groups.map(({ v }) => v), 2) }; // prettier-ignore
  }

  /** The mask of some token groups, (B, 1, 1, m). */
  #keyMask(names: readonly string[]): Tensor | null {
    if (this.#mask === null) return null;
    const mask = this.#mask.unsqueeze(1).unsqueeze(-1); // (B, 1, N, 1)
    return selectTokens(mask, names.map((name) => this.#spans.get(name)!)).transpose(2, 3); // prettier-ignore
  }

  /** Joins pattern outputs (B, n, H, d) to the sequence (B, N, H, d) of the specs. */
  #inTokenOrder(outputs: readonly Tensor[]): Tensor {
    const order = this.#patterns.flatMap(({ queryTokens }) => queryTokens);
    if (order.every((name, i) => name === this.#specs[i]!.name)) return joined(outputs, 1);
    const parts = new Map<string, Tensor>();
    this.#patterns.forEach(({ queryTokens }, i) => {
      const sizes = queryTokens.map((name) => countTokens([this.#spans.get(name)!]));
      const split = outputs[i]!.splitWithSizes(sizes, 1);
      queryTokens.forEach((name, j) => parts.set(name, split[j]!));
    });
    return joined(this.#specs.map(({ name }) => parts.get(name)!), 1); // prettier-ignore
  }
}

/** Outputs (B, H, n, d) of some patterns, equal shapes in one call. */
function attendStacked(patterns: readonly PatternTensors[], attend: Attend): Tensor[] {
  const groups = new Map<string, number[]>();
  patterns.forEach(({ q, k }, i) => {
    const shape = `${q.size(2)} x ${k.size(2)}`;
    groups.set(shape, [...(groups.get(shape) ?? []), i]);
  });
  const outputs: Tensor[] = [];
  for (const members of groups.values()) {
    const stacked = (name: "q" | "k" | "v") => joined(members.map((i) => patterns[i]![name]), 0); // prettier-ignore
    const masks = members.flatMap((i) => patterns[i]!.mask ?? []);
    const q = stacked("q"); // (patterns · B, H, n, d)
    const k = stacked("k");
    // ATen's attention does not take zero tokens.
    const out =
      q.size(2) === 0 || k.size(2) === 0
        ? zeros(q.shape, { dtype: q.dtype, device: q.device })
        : attend(q, k, stacked("v"), masks.length > 0 ? joined(masks, 0) : null);
    const parts = members.length === 1 ? [out] : out.chunk(members.length, 0);
    members.forEach((i, j) => (outputs[i] = parts[j]!));
  }
  return outputs;
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
  return joined(parts, 2);
}

function joined(parts: readonly Tensor[], dim: number): Tensor {
  return parts.length === 1 ? parts[0]! : cat([...parts], dim);
}
