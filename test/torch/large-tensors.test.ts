/** Kernels of our own for norms and element-wise operators on the CPU (`native/src/ops/layer_norm.cpp`, `native/src/kernels/vectors.cpp`). */
import { grad, inferenceMode, layerNorm, manualSeed, randn, type Tensor } from "../../lib/torch";
import { relative } from "./helpers";

describe("layer norm", () => {
  it.each([
    [500, 192, 0],
    [70, 1001, 0],
    [3000, 40, 0],
    [500, 192, 1000],
    [3, 5, 0], // narrower than a vector
  ])("of %i rows of %i around %i is PyTorch's, with its gradients", (rows, width, offset) => {
    manualSeed(rows);
    const inputs = [randn([2, rows, width]).add(offset), randn([width]), randn([width])];
    const weights = randn([2, rows, width]);
    const run = (tensors: Tensor[], factors: Tensor) => {
      const leaves = tensors.map((tensor) => tensor.requiresGrad_()) as [Tensor, Tensor, Tensor];
      const out = layerNorm(leaves[0], [width], leaves[1], leaves[2], 1e-6);
      return [out, ...(grad([out.mul(factors).sum()], leaves) as Tensor[])];
    };
    const expected = run(
      inputs.map((tensor) => tensor.double()),
      weights.double(),
    );
    // Around 1000 the mean takes away three digits of what float32 holds. The gradients are ATen's sums over rows, exact to about 1e-6.
    const bound = (i: number) => (offset !== 0 ? 2e-4 : i === 0 ? 5e-7 : 3e-6);
    run(inputs, weights).forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(bound(i)));
  });

  it("of nothing is nothing", () => {
    expect(layerNorm(randn([0, 4]), [4], randn([4]), randn([4])).shape).toEqual([0, 4]);
  });

  it("gives NaN for a row with one, and only there", () => {
    const x = randn([500, 192]);
    x.index(3, 7).fill_(NaN);
    const out = layerNorm(x, [192], randn([192]), randn([192]));
    expect(Number(out.isnan().sum().item())).toBe(192);
    expect(out.index(3).isnan().all().item()).toBe(true);
  });
});

describe.each(["add", "sub", "mul"] as const)("%s of large tensors", (operator) => {
  it("rounds as float32 does", () => {
    const [a, b] = [randn([100_003]), randn([100_003])];
    expect(a[operator](b).equal(a.double()[operator](b.double()).float())).toBe(true);
  });

  it("gives tensors of inference mode inside of it", () => {
    const [a, b] = [randn([300]), randn([300])];
    const out = inferenceMode(() => a[operator](b)[operator](b));
    expect(out.isInference()).toBe(true);
    expect(out.equal(a[operator](b)[operator](b))).toBe(true);
  });
});
