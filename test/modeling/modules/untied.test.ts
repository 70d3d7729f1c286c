import { UntiedLinear, UntiedMixedAttention, UntiedMLP } from "../../../lib/modeling";
import { allclose, noGrad, randn, scope, tensor } from "../../../lib/torch";
import { expectEntries } from "../helpers";

const sizes = (...counts: number[]) => counts.map((size, t) => ({ name: `${"ab"[t]}_anchors`, size }));

/** W_t[o,i] = sin(1 + o + 2i + 5t), b_t[o] = 0.1(o+1)(t+1), on x[s,i] = cos(s + 3i). */
function vector(input_dim: number, output_dim: number, counts: number[], square_weights: "consistent" | "upstream") {
  const layer = new UntiedLinear({ num_types: 2, linear_projection: { input_dim, output_dim }, square_weights });
  const grid = (rows: number, columns: number, value: (row: number, column: number) => number) =>
    tensor(
      Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (__, column) => value(row, column))),
    );
  noGrad(() => {
    for (const t of [0, 1]) {
      layer.weight.at(t).copy_(grid(output_dim, input_dim, (o, i) => Math.sin(1 + o + 2 * i + 5 * t)));
      layer.bias!.at(t).copy_(tensor(Array.from({ length: output_dim }, (_, o) => 0.1 * (o + 1) * (t + 1))));
    }
  });
  const x = grid(counts[0]! + counts[1]!, input_dim, (s, i) => Math.cos(s + 3 * i)).unsqueeze(0);
  return noGrad(() => layer.forward(x, sizes(...counts)));
}

const RECTANGULAR = [0.801763, 1.858526, 1.390448, 0.462406, 1.185975, 1.003042, 0.596921, 0.2435, 0.033964, 1.426572, 0.145292, -0.90181]; // prettier-ignore

describe("UntiedLinear", () => {
  it.each(["consistent", "upstream"] as const)("has the numbers of the specification (%s)", (form) =>
    scope(() => {
      expectEntries(vector(2, 3, [2, 2], form), RECTANGULAR);
      expectEntries(vector(2, 3, [3, 1], form), [...RECTANGULAR.slice(0, 6), -0.210145, -0.393078, -0.030737, ...RECTANGULAR.slice(9)]); // prettier-ignore
      expectEntries(vector(2, 2, [3, 1], form), [0.801763, 1.858526, 0.462406, 1.185975, -0.210145, -0.393078, 1.426572, 0.145292]); // prettier-ignore
    }),
  );

  it("multiplies with square weights as it was trained in the Python framework, if it is told to", () =>
    scope(() => {
      expectEntries(vector(2, 2, [2, 2], "upstream"), [0.041273, 1.090349, -0.039708, 0.770927, 0.50264, 0.105184, 1.107438, -0.183753]); // prettier-ignore
      const padded = vector(2, 2, [10, 9], "upstream").squeeze(0);
      expectEntries(padded.narrow(0, 0, 3), [0.041273, 1.090349, -0.039708, 0.770927, 0.007758, -0.073403]);
      expectEntries(padded.narrow(0, 18, 1), [-0.344353, 0.82756]);
    }));

  it("has the same weights for a domain whatever else is there, and consistent ones for any numbers of tokens", () =>
    scope(() => {
      const layer = new UntiedLinear({ num_types: 2, linear_projection: { input_dim: 4, output_dim: 4 } });
      const x = randn([1, 8, 4]);
      const all = layer.forward(x, sizes(4, 4));
      const second = x.narrow(1, 4, 4);
      for (const size of [0, null])
        expect(allclose(layer.forward(second, [{ name: "a_anchors", size }, { name: "b_queries", size: 4 }]), all.narrow(1, 4, 4))).toBe(true); // prettier-ignore
      expect(layer.forward(x.narrow(1, 0, 0), sizes(0, 0)).shape).toEqual([1, 0, 4]);
    }));

  it("has its state-dict keys: weights, then biases", () => {
    const layer = new UntiedLinear({ num_types: 2, linear_projection: { input_dim: 2, output_dim: 3 } });
    expect([...layer.stateDict().keys()]).toEqual(["weight.0", "weight.1", "bias.0", "bias.1"]);
  });

  it.each([
    ["too few domains", [{ name: "a_anchors", size: 4 }], "expected tokens of 2 domains"],
    ["too many", [...sizes(1, 2), { name: "c_anchors", size: 1 }], "got a, b, c"],
    ["a domain in two pieces", [...sizes(1, 2), { name: "a_queries", size: 1 }], "must follow each other"],
    ["other numbers of tokens", sizes(1, 2), "must be the number of tokens (4)"],
  ])("refuses %s", (_, specs, message) => {
    const layer = new UntiedLinear({ num_types: 2, linear_projection: { input_dim: 2, output_dim: 3 } });
    expect(() => layer.forward(randn([1, 4, 2]), specs)).toThrow(message);
  });

  it("refuses initialisations that it does not have", () => {
    const linear_projection = { input_dim: 2, output_dim: 2, init_weights: "truncnormal002-identity" } as const;
    expect(() => new UntiedLinear({ num_types: 1, linear_projection })).toThrow("init_weights must be one of");
  });
});

it("UntiedMLP has a layer for each width", () => {
  const mlp = new UntiedMLP({ num_types: 1, mlp: { input_dim: 2, hidden_dim: 3, output_dim: 4, num_layers: 1 } });
  expect([...mlp.stateDict()].map(([key, { shape }]) => `${key} ${shape.join("x")}`)).toEqual([
    "layers.0.weight.0 3x2", "layers.0.bias.0 3", "layers.1.weight.0 3x3", "layers.1.bias.0 3", "layers.2.weight.0 4x3", "layers.2.bias.0 4",
  ]); // prettier-ignore
});

it("UntiedMixedAttention attends from all to all without patterns", () =>
  scope(() => {
    const attention = new UntiedMixedAttention({ num_types: 2, hidden_dim: 8, num_heads: 2 });
    const [x, tokenSpecs] = [randn([1, 5, 8]), sizes(3, 2)];
    const names = tokenSpecs.map(({ name }) => name);
    const attentionPatterns = [{ queryTokens: names, keyValueTokens: names }];
    expect(
      allclose(attention.forward(x, { tokenSpecs }), attention.forward(x, { tokenSpecs, attentionPatterns })),
    ).toBe(true);
  }));
