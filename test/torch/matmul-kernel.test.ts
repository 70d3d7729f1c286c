/** Large matrix products against float64; on machines without the kernel of `native/src/ops/matmul.cpp` they are PyTorch's own. */
import { autocast, grad, manualSeed, matmul, noGrad, ops, randn, type Tensor } from "../../lib/torch";
import { matmulKernel } from "../../lib/torch/kernels";
import { norm, relative } from "./helpers";

/** The product and the gradients of both operands. */
function run(f: (left: Tensor, right: Tensor) => Tensor, left: Tensor, right: Tensor, weights: Tensor): Tensor[] {
  const leaves = [left, right].map((tensor) => tensor.detach().requiresGrad_()) as [Tensor, Tensor];
  const out = f(...leaves);
  out.mul(weights).sum().backward();
  return [out.detach(), ...leaves.map((leaf) => leaf.grad!)];
}

describe("a large matrix product", () => {
  it.each([
    ["matrices", () => [randn([150, 300]), randn([300, 100])]],
    ["batches", () => [randn([2, 3, 200, 100]), randn([2, 3, 100, 64])]],
    ["transposed operands", () => [randn([3, 200, 150]).transpose(1, 2), randn([3, 100, 200]).transpose(1, 2)]],
    // slice weights and values of physics attention: (B, H, G, N) from (B, N, H, G), (B, H, N, d) from (B, N, H, d)
    ["permuted batches", () => [randn([2, 300, 3, 90]).permute([0, 2, 3, 1]), randn([2, 300, 3, 64]).transpose(1, 2)]],
    ["expanded batches", () => [randn([1, 200, 100]).expand([3, 200, 100]), randn([3, 100, 64])]],
  ] as [string, () => [Tensor, Tensor]][])("of %s is as exact as float32", (_, make) => {
    manualSeed(1);
    const [left, right] = make();
    const weights = randn(left.matmul(right).shape);
    const expected = run(matmul, left.double(), right.double(), weights.double());
    run(matmul, left, right, weights).forEach((value, i) => {
      expect(value.dtype).toBe("float32");
      expect(relative(value, expected[i]!)).toBeLessThan(5e-7);
    });
  });

  it("runs in bfloat16 under autocast, with gradients in the types of the operands", () => {
    manualSeed(2);
    const [left, right, weights] = [randn([2, 200, 100]), randn([2, 100, 64]), randn([2, 200, 64])];
    const expected = run(matmul, left.double(), right.double(), weights.double());
    const lower = (a: Tensor, b: Tensor) => autocast({ deviceType: "cpu", dtype: "bfloat16" }, () => matmul(a, b));
    const [out, ...gradients] = run(lower, left, right, weights);
    expect(out!.dtype).toBe("bfloat16");
    expect(relative(out!, expected[0]!)).toBeLessThan(1e-2);
    gradients.forEach((gradient, i) => {
      expect(gradient.dtype).toBe("float32");
      expect(relative(gradient, expected[i + 1]!)).toBeLessThan(1e-2);
    });
  });

  it("has gradients of gradients", () => {
    manualSeed(3);
    const [left, right] = [randn([200, 100]), randn([100, 64])];
    const second = (a: Tensor, b: Tensor) => {
      const leaf = a.detach().requiresGrad_();
      const [first] = grad([matmul(leaf, b).pow(3).sum()], [leaf], { createGraph: true }) as [Tensor];
      return (grad([first.square().sum()], [leaf]) as [Tensor])[0];
    };
    expect(relative(second(left, right), second(left.double(), right.double()))).toBeLessThan(1e-5);
  });

  it("with an infinite entry is PyTorch's", () => {
    const [left, right] = [randn([200, 100]), randn([100, 64])];
    left.index(3, 4).fill_(Infinity);
    right.index(4, 5).fill_(0);
    const out = left.matmul(right);
    const count = (mask: Tensor) => Number(mask.sum().item());
    expect(out.index(3, 5).isnan().item()).toBe(true); // infinity times zero
    expect([count(out.isnan()), count(out.isinf())]).toEqual([1, 63]);
  });

  it("saves no operand that no gradient needs", () => {
    const [left, right] = [randn([200, 100]).requiresGrad_(), randn([100, 64])];
    const [inner, expected] = [left.mul(2), right.sum(1)];
    const out = inner.matmul(right);
    noGrad(() => inner.add_(1)); // the right operand needs no gradient, so its partner may change
    out.sum().backward();
    expect(relative(left.grad!, expected.mul(2).expand([200, 100]))).toBeLessThan(1e-6);
  });

  it("takes tensors of zeros without memory of their own", () => {
    const nothing = ops.call("aten::_efficientzerotensor", [200, 100], { dtype: "float32" }) as Tensor;
    expect(norm(nothing.matmul(randn([100, 64])))).toBe(0);
  });

  it("is used where the machine has one: the last bits are not those of ATen", () => {
    const [left, right] = [randn([200, 100]), randn([100, 64])];
    const other = ops.call("aten::mm", left, right) as Tensor;
    expect(left.matmul(right).equal(other)).toBe(matmulKernel(200, 64, 100) === null);
  });
});
