import { Generator, type Tensor, empty, manualSeed, nn, rand } from "../../../lib/torch";
import { expectClose, fixtures } from "./fixtures";

function seeded<T>(seed: number, make: () => T): T {
  manualSeed(seed);
  return make();
}

/**
 * The random numbers are PyTorch's; scaling and shifting them, logarithms and cosines of normal ones round otherwise without
 * fused multiplication and addition.
 */
const ROUNDING: Record<string, number> = { float32: 1e-6, float64: 1e-14, int64: 0 };

describe("modules draw PyTorch's weights", () => {
  const modules: Record<string, () => nn.Module> = {
    linear: () => seeded(0, () => new nn.Linear(5, 3)),
    linear_without_bias: () => seeded(1, () => new nn.Linear(4, 2, { bias: false })),
    linear_float64: () => seeded(2, () => new nn.Linear(3, 4, { dtype: "float64" })),
    conv1d: () => seeded(3, () => new nn.Conv1d(3, 4, 3)),
    conv2d: () => seeded(4, () => new nn.Conv2d(2, 4, [3, 2], { groups: 2 })),
    conv3d: () => seeded(5, () => new nn.Conv3d(1, 2, 2)),
    embedding: () => seeded(6, () => new nn.Embedding(8, 4, { paddingIdx: -2 })),
    small_embedding: () => seeded(7, () => new nn.Embedding(3, 2)),
    layer_norm: () => new nn.LayerNorm([2, 3]),
    batch_norm: () => new nn.BatchNorm1d(3),
    sequential: () =>
      seeded(
        8,
        () =>
          new nn.Sequential(
            new nn.Linear(4, 8),
            new nn.GELU(),
            new nn.Linear(8, 8),
            new nn.GELU(),
            new nn.Linear(8, 2),
          ),
      ),
  };

  test("every stored module is tried", () => {
    expect(Object.keys(modules)).toEqual(Object.keys(fixtures.modules));
  });

  test.each(Object.keys(modules))("%s", (name) => {
    const state = modules[name]!().stateDict();
    const expected = fixtures.modules[name]!;
    expect([...state.keys()]).toEqual(Object.keys(expected));
    for (const [key, value] of state) expectClose(value, expected[key]!, ROUNDING[value.dtype]!);
  });
});

describe("nn.init fills with PyTorch's values", () => {
  const fills: Record<string, [number[], (t: Tensor) => Tensor]> = {
    uniform: [[3, 4], (t) => nn.init.uniform_(t, -2, 3)],
    normal: [[5, 4], (t) => nn.init.normal_(t, 1, 2)],
    normal_small: [[2, 3], (t) => nn.init.normal_(t)],
    xavier_uniform: [[3, 4], (t) => nn.init.xavierUniform_(t, nn.init.calculateGain("tanh"))],
    xavier_normal: [[4, 5], (t) => nn.init.xavierNormal_(t)],
    kaiming_uniform: [[3, 2, 4], (t) => nn.init.kaimingUniform_(t, 0, "fan_in", "relu")],
    kaiming_normal: [[4, 3, 2], (t) => nn.init.kaimingNormal_(t, 0.1, "fan_out")],
    trunc_normal: [[6, 5], (t) => nn.init.truncNormal_(t)],
    trunc_normal_002: [[6, 5], (t) => nn.init.truncNormal_(t, 0, 0.02)],
    trunc_normal_shifted: [[4, 4], (t) => nn.init.truncNormal_(t, 0.5, 0.7, -1, 1)],
    eye: [[3, 4], (t) => nn.init.eye_(t)],
  };

  test.each(Object.keys(fills))("%s", (name) => {
    const [shape, fill] = fills[name]!;
    expectClose(
      seeded(42, () => fill(empty(shape))),
      fixtures.init[name]!,
      ROUNDING["float32"]!,
    );
  });

  // The decomposition's last bits depend on the LAPACK that libtorch is linked with.
  test.each([
    ["orthogonal_tall", [5, 3], 1],
    ["orthogonal_wide", [3, 2, 4], 2],
  ] as const)("%s", (name, shape, gain) => {
    expectClose(
      seeded(42, () => nn.init.orthogonal_(empty(shape), gain)),
      fixtures.init[name]!,
      1e-6,
    );
  });

  test("a truncated normal never returns the far bound for the draw whose inverse is infinite", () => {
    manualSeed(0);
    // float16 draws have 11 bits, so that exactly -1 comes up about once in 2,048.
    const weights = nn.init.truncNormal_(empty([200_000], { dtype: "float16" }), 0, 0.02);
    expect(weights.min().item()).toBeGreaterThan(-0.1);
    expect(weights.isfinite().all().item()).toBe(true);
  });

  test("a generator of its own leaves the default one alone", () => {
    const undisturbed = seeded(1, () => rand([3]).toArray());
    manualSeed(1);
    nn.init.normal_(empty([20]), 0, 1, { generator: new Generator().manualSeed(7) });
    expect(rand([3]).toArray()).toEqual(undisturbed);
  });
});

describe("fans and gains", () => {
  test("fans count the kernel's entries", () => {
    expect(nn.init.calculateFanInAndFanOut(empty([4, 3, 5, 2]))).toEqual([30, 40]);
  });

  test("a vector has no fans", () => {
    expect(() => nn.init.xavierUniform_(empty([3]))).toThrow(
      "expected a weight of at least 2 dimensions, got shape [3]",
    );
  });

  test("gains", () => {
    expect(nn.init.calculateGain("linear")).toBe(1);
    expect(nn.init.calculateGain("relu")).toBe(Math.SQRT2);
    expect(nn.init.calculateGain("leaky_relu", 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 15);
  });
});
