/** Large linear layers against the formula in float64; on machines without the kernel of `native/src/ops/linear.cpp` they are PyTorch's own. */
import {
  autocast,
  full,
  getNumThreads,
  grad,
  linear,
  manualSeed,
  noGrad,
  randn,
  setNumThreads,
  type Tensor,
} from "../../../lib/torch";
import { relative } from "../helpers";

type Inputs = [input: Tensor, weight: Tensor, bias: Tensor | null];

const inputs = (tokens: number, inFeatures: number, outFeatures: number): Inputs => {
  manualSeed(tokens);
  return [randn([2, tokens, inFeatures]), randn([outFeatures, inFeatures]), randn([outFeatures])];
};
const formula = (input: Tensor, weight: Tensor, bias: Tensor | null) => {
  const product = input.matmul(weight.t());
  return bias ? product.add(bias) : product;
};

/** The result and the gradients of input, weight and bias. */
function run(f: typeof formula, tensors: Inputs, weights: Tensor): Tensor[] {
  const leaves = tensors.map((tensor) => tensor?.detach().requiresGrad_() ?? null) as Inputs;
  const out = f(...leaves);
  out.mul(weights).sum().backward();
  return [out.detach(), ...leaves.filter((leaf) => leaf !== null).map((leaf) => leaf.grad!)];
}

const doubles = (tensors: Inputs) => tensors.map((tensor) => tensor?.double() ?? null) as Inputs;
describe("a large linear layer", () => {
  it.each([
    [64, 192, 768],
    [120, 768, 192],
    [45, 193, 77],
    [333, 100, 49],
    [40, 1600, 530],
    [700, 64, 17],
  ])("of 2 x %i tokens, %i to %i features, is as exact as float32", (tokens, inFeatures, outFeatures) => {
    const tensors = inputs(tokens, inFeatures, outFeatures);
    const weights = randn([2, tokens, outFeatures]);
    const expected = run(formula, doubles(tensors), weights.double());
    run(linear, tensors, weights).forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(5e-7));
  });

  it("has an error per element that is small against its terms", () => {
    const [input, weight] = inputs(150, 300, 200);
    const exact = input.double().matmul(weight.double().t());
    const magnitude = input.double().abs().matmul(weight.double().abs().t());
    const error = linear(input, weight).double().sub(exact).abs().div(magnitude).max();
    expect(Number(error.item())).toBeLessThan(5e-7);
  });

  it("takes no bias", () => {
    const [input, weight] = inputs(100, 128, 128);
    const weights = randn([2, 100, 128]);
    const expected = run(formula, [input.double(), weight.double(), null], weights.double());
    run(linear, [input, weight, null], weights).forEach((value, i) =>
      expect(relative(value, expected[i]!)).toBeLessThan(5e-7),
    );
  });

  it("takes views: transposed, strided and sliced", () => {
    const input = randn([200, 128]).t().narrow(0, 0, 96); // (96, 200), columns next to each other
    const weight = randn([100, 200, 2]).select(2, 1); // (100, 200), every other column
    const expected = input.double().matmul(weight.double().t());
    expect(relative(linear(input, weight), expected)).toBeLessThan(5e-7);
  });

  it.each([
    ["every other entry", () => randn([100, 2]).select(1, 1)],
    ["one entry for all", () => randn([1]).expand([100])],
  ])("takes a bias that is a view: %s", (_, make) => {
    const [input, weight] = inputs(100, 128, 100);
    const bias = make();
    expect(relative(linear(input, weight, bias), formula(input.double(), weight.double(), bias.double()))).toBeLessThan(
      5e-7,
    );
  });

  it.each([0, 1, 2])("computes the gradient of argument %i alone", (wanted) => {
    const one = (f: typeof formula, tensors: Inputs, weights: Tensor) => {
      const leaf = tensors[wanted]!.detach().requiresGrad_();
      const given = tensors.map((tensor, i) => (i === wanted ? leaf : tensor)) as Inputs;
      f(...given)
        .mul(weights)
        .sum()
        .backward();
      return leaf.grad!;
    };
    const [tensors, weights] = [inputs(100, 192, 128), randn([2, 100, 128])];
    const expected = one(formula, doubles(tensors), weights.double());
    expect(relative(one(linear, tensors, weights), expected)).toBeLessThan(5e-7);
  });

  it("lets a tensor change in place that no gradient needs", () => {
    const [input, weight, bias] = inputs(100, 128, 128);
    const [hidden, leaf] = [input.requiresGrad_().mul(1), weight.clone().requiresGrad_()];
    linear(hidden, weight, bias)
      .add(noGrad(() => hidden.add_(1)))
      .sum()
      .backward(); // a frozen layer's input
    const out = linear(input.detach(), leaf, bias);
    noGrad(() => leaf.add_(1)); // the first layer's weight
    out.sum().backward();
    expect(relative(leaf.grad!, input.detach().sum([0, 1]).expand([128, 128]))).toBeLessThan(1e-6);
  });

  it.each([192, 1600])("multiplies %i features in bfloat16 with sums in float32", (features) => {
    const tensors = inputs(100, features, 192).map((tensor) => tensor!.to("bfloat16")) as Inputs;
    const weights = randn([2, 100, 192]).to("bfloat16");
    const expected = run(formula, doubles(tensors), weights.double());
    run(linear, tensors, weights).forEach((value, i) => {
      expect(value.dtype).toBe("bfloat16");
      expect(relative(value, expected[i]!)).toBeLessThan(3e-3); // half a unit in the last place is 2e-3
    });
  });

  it("runs in bfloat16 under autocast, with gradients in the types of the inputs", () => {
    const tensors = inputs(100, 192, 192);
    const weights = randn([2, 100, 192]);
    const expected = run(formula, doubles(tensors), weights.double());
    const lower = (...given: Inputs) => autocast({ deviceType: "cpu", dtype: "bfloat16" }, () => linear(...given));
    const [out, ...gradients] = run(lower as typeof formula, tensors, weights);
    expect(out!.dtype).toBe("bfloat16");
    expect(relative(out!, expected[0]!)).toBeLessThan(1e-2);
    gradients.forEach((gradient, i) => {
      expect(gradient.dtype).toBe("float32");
      expect(relative(gradient, expected[i + 1]!)).toBeLessThan(1e-2);
    });
  });

  it.each([Infinity, -Infinity, NaN, 3.4e38])("treats %p as PyTorch does", (value) => {
    const [input, weight, bias] = inputs(64, 128, 128);
    const data = input.clone();
    data.index(0, 3, 5).fill_(value);
    const zero = weight.clone();
    zero.narrow(0, 0, 3).select(1, 5).fill_(0); // infinity times zero is not a number
    const expected = data.matmul(zero.t()).add(bias!);
    const actual = linear(data, zero, bias);
    expect(actual.isfinite().equal(expected.isfinite())).toBe(true);
    expect(actual.isnan().equal(expected.isnan())).toBe(true);
    const finite = expected.isfinite();
    const difference = actual.sub(expected).maskedSelect(finite).abs().max();
    expect(Number(difference.item())).toBeLessThan(1e-4);
  });

  it.each([1e-30, 1e-18, 1e18, 1e30])("keeps its exactness for values around %p", (scale) => {
    const [input, weight] = inputs(64, 128, 128);
    const small = input.mul(scale);
    expect(relative(linear(small, weight), formula(small.double(), weight.double(), null))).toBeLessThan(5e-7);
  });

  it("gives the same bits whatever the number of threads", () => {
    const tensors = inputs(200, 192, 192);
    const before = getNumThreads();
    try {
      const results = [1, 2, 3].map((threads) => {
        setNumThreads(threads);
        return run(linear, tensors, full([2, 200, 192], 0.5));
      });
      for (const result of results.slice(1))
        result.forEach((value, i) => expect(value.equal(results[0]![i]!)).toBe(true));
    } finally {
      setNumThreads(before);
    }
  });

  it("has gradients of gradients", () => {
    const [input, weight, bias] = inputs(100, 128, 128);
    const second = (f: typeof formula, [x, w, b]: Inputs) => {
      const leaf = x.detach().requiresGrad_();
      const [first] = grad([f(leaf, w, b).square().sum()], [leaf], { createGraph: true }) as [Tensor];
      return (grad([first.square().sum()], [leaf]) as [Tensor])[0];
    };
    const expected = second(formula, doubles([input, weight, bias]));
    expect(relative(second(linear, [input, weight, bias]), expected)).toBeLessThan(1e-5);
  });

  it("has gradients of gradients under autocast", () => {
    const [input, weight] = inputs(100, 128, 128);
    const second = (x: Tensor, w: Tensor) => {
      const [leaf, weights] = [x.detach().requiresGrad_(), w.detach().requiresGrad_()];
      const out = autocast({ deviceType: "cpu", dtype: "bfloat16" }, () => linear(leaf, weights));
      const [first] = grad([out.double().pow(3).sum()], [weights], { createGraph: true }) as [Tensor];
      return (grad([first.double().square().sum()], [leaf]) as [Tensor])[0];
    };
    const exact = (x: Tensor, w: Tensor) => {
      const [leaf, weights] = [x.detach().requiresGrad_(), w.detach().requiresGrad_()];
      const [first] = grad([leaf.matmul(weights.t()).pow(3).sum()], [weights], { createGraph: true }) as [Tensor];
      return (grad([first.square().sum()], [leaf]) as [Tensor])[0];
    };
    expect(relative(second(input, weight), exact(input.double(), weight.double()))).toBeLessThan(3e-2);
  });

  it("says what does not fit", () => {
    expect(() => linear(randn([100, 128]), randn([128, 127]))).toThrow(/mat1 and mat2 shapes cannot be multiplied/);
  });
});
