import {
  CrossAnchorAttention,
  domainOf,
  JointAnchorAttention,
  MissingAnchorTokenError,
  MissingBranchTokensError,
  MixedAttention,
  RopeFrequency,
  SelfAnchorAttention,
  TokenSpec,
  tokenSpecFromDict,
  tokenSpecToDict,
  UnexpectedTokenError,
} from "../../../../lib/modeling";
import { allclose, cat, rand, randn } from "../../../../lib/torch";

const config = { hidden_dim: 16, num_heads: 2, init_weights: "torch" } as const;
const specs = (sizes: Record<string, number>) => Object.entries(sizes).map(([name, size]) => ({ name, size }));

describe("TokenSpec", () => {
  it("goes to a mapping and back", () => {
    expect(tokenSpecToDict(tokenSpecFromDict({ surface_anchors: 5 }))).toEqual({ surface_anchors: 5 });
  });

  it("of tokens that are in a cache has no size", () => {
    expect(tokenSpecToDict(tokenSpecFromDict({ surface_anchors: null }))).toEqual({ surface_anchors: null });
    expect(() => TokenSpec.create({ name: "surface_anchors" } as never)).toThrow("size");
  });

  it("drops what the Python framework derives from the name", () => {
    const stored = { name: "rear_wing_queries", size: 2, domain: "rear", attn_type: "queries" };
    expect(TokenSpec.create(stored as never)).toEqual({ name: "rear_wing_queries", size: 2 });
    expect(domainOf("rear_wing_queries")).toBe("rear_wing");
  });

  it("refuses negative sizes and several entries", () => {
    expect(() => TokenSpec.create({ name: "surface_anchors", size: -1 })).toThrow("integer >= 0");
    expect(() => tokenSpecFromDict({ a_anchors: 1, b_anchors: 2 })).toThrow("exactly one");
  });
});

describe("MixedAttention", () => {
  const pattern = (queryTokens: string[], keyValueTokens: string[]) => ({ queryTokens, keyValueTokens });
  const tokenSpecs = specs({ surface_anchors: 5, volume_anchors: 5 });
  const selfPatterns = [
    pattern(["surface_anchors"], ["surface_anchors"]),
    pattern(["volume_anchors"], ["volume_anchors"]),
  ];

  /** Batch sizes of the attention calls that a forward makes. */
  function callsOf(attention: MixedAttention, forward: () => unknown): number[] {
    const calls: number[] = [];
    const spied = attention as unknown as { attend: (q: { size(d: number): number }, ...rest: unknown[]) => unknown };
    const attend = spied.attend.bind(attention);
    spied.attend = (q, ...rest) => {
      calls.push(q.size(0));
      return attend(q, ...rest);
    };
    forward();
    return calls;
  }

  it("makes one call of patterns with equal shapes", () => {
    const attention = new MixedAttention(config);
    const names = ["a_anchors", "b_anchors", "c_anchors", "d_anchors"];
    const forward = () =>
      attention.forward(rand([1, 20, 16]), {
        tokenSpecs: names.map((name) => ({ name, size: 5 })),
        attentionPatterns: names.map((name) => pattern([name], [name])),
      });
    expect(callsOf(attention, forward)).toEqual([4]);
  });

  it("makes a call for each shape", () => {
    const attention = new MixedAttention(config);
    const tokenSpecs = specs({ surface_anchors: 10, volume_anchors: 5 });
    expect(
      callsOf(attention, () => attention.forward(rand([1, 15, 16]), { tokenSpecs, attentionPatterns: selfPatterns })),
    ).toEqual([1, 1]);
  });

  it("restores the order of the tokens", () => {
    const attention = new MixedAttention(config);
    const x = randn([2, 10, 16]);
    const forwards = attention.forward(x, { tokenSpecs, attentionPatterns: selfPatterns });
    const backwards = attention.forward(x, { tokenSpecs, attentionPatterns: [...selfPatterns].reverse() });
    expect(allclose(forwards, backwards, 1e-6, 1e-6)).toBe(true);
  });

  it("drops out after the projection in training", () => {
    const attention = new MixedAttention({ ...config, dropout: 0.5 });
    const zeros = (training: boolean) =>
      Number(
        attention
          .train(training)
          .forward(randn([1, 10, 16]), { tokenSpecs, attentionPatterns: selfPatterns })
          .eq(0)
          .sum()
          .item(),
      );
    expect(zeros(true)).toBeGreaterThan(20);
    expect(zeros(false)).toBe(0);
  });

  const all = pattern(["surface_anchors", "volume_anchors"], ["surface_anchors"]);
  const freqs = () => new RopeFrequency({ hidden_dim: 8, input_dim: 2 }).table(rand([1, 10, 2]));
  it.each([
    ["frequencies without rope", { tokenSpecs, attentionPatterns: [all], freqs: freqs() }, "RoPE usage mismatch"],
    ["a mask", { tokenSpecs, attentionPatterns: [all], attnMask: rand([10, 10]) }, "attnMask is not supported"],
    [
      "sizes that do not add up",
      { tokenSpecs: specs({ surface_anchors: 5 }), attentionPatterns: [all] },
      "Token specs total size",
    ],
    ["a query in two patterns", { tokenSpecs, attentionPatterns: [all, all] }, "cannot be a query in multiple"],
    [
      "a token that is no query",
      { tokenSpecs, attentionPatterns: [selfPatterns[0]!] },
      "set of query tokens must exactly match",
    ],
    [
      "an unknown key token",
      { tokenSpecs, attentionPatterns: [pattern(all.queryTokens, ["wake_anchors"])] },
      "is not defined in `token_specs`",
    ],
  ])("refuses %s", (_, options, message) => {
    expect(() => new MixedAttention(config).forward(rand([1, 10, 16]), options)).toThrow(message);
  });
});

describe("anchor attention", () => {
  const branches = ["surface", "volume"];
  const sizes = { surface_anchors: 6, surface_queries: 3, volume_anchors: 4, volume_queries: 2 };

  it.each([
    ["self", SelfAnchorAttention],
    ["cross", CrossAnchorAttention],
    ["joint", JointAnchorAttention],
  ])("keeps anchors apart from queries (%s)", (_, Attention) => {
    const attention = new Attention({ ...config, branches });
    const [surface, volume] = [randn([2, 6, 16]), randn([2, 4, 16])];
    const withQueries = (queries: () => ReturnType<typeof rand>) =>
      attention.forward(cat([surface, queries().narrow(1, 0, 3), volume, queries().narrow(1, 0, 2)], 1), {
        tokenSpecs: specs(sizes),
      });
    const anchors = attention.forward(cat([surface, volume], 1), {
      tokenSpecs: specs({ surface_anchors: 6, volume_anchors: 4 }),
    });
    const y = withQueries(() => randn([2, 3, 16]));
    expect(allclose(y.narrow(1, 0, 6), anchors.narrow(1, 0, 6), 1e-5, 1e-6)).toBe(true);
    expect(allclose(y.narrow(1, 9, 4), anchors.narrow(1, 6, 4), 1e-5, 1e-6)).toBe(true);
  });

  it.each([
    ["a token of no branch", { wake_anchors: 2, surface_anchors: 4, volume_anchors: 4 }, UnexpectedTokenError],
    ["a branch without tokens", { surface_anchors: 10 }, MissingBranchTokensError],
    ["a branch without anchors", { surface_anchors: 5, volume_queries: 5 }, MissingAnchorTokenError],
  ])("refuses %s", (_, tokens, error) => {
    expect(() =>
      new SelfAnchorAttention({ ...config, branches }).forward(rand([1, 10, 16]), { tokenSpecs: specs(tokens) }),
    ).toThrow(error);
  });

  it("between branches needs two of them", () => {
    for (const Attention of [CrossAnchorAttention, JointAnchorAttention]) {
      expect(() => new Attention({ ...config, branches: ["surface"] })).toThrow("requires at least two branches");
    }
  });
});
