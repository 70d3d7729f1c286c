/** GELU (`native/src/ops/gelu.cpp`) against ATen's in float64. */
import { full, gelu, grad, linspace, nn, tensor, zeros, type Tensor } from "../../lib/torch";

const x = () => linspace(-12, 12, 100_003);
const largest = (difference: Tensor) => Number(difference.abs().max().item());

describe("gelu", () => {
  it("is exact to float32's rounding", () => {
    const expected = gelu(x().double());
    const error = gelu(x()).double().sub(expected).abs().div(expected.abs().add(1e-3));
    expect(largest(error)).toBeLessThan(6e-7); // the exponent x² / 2 is rounded, too
  });

  it.each([0, 1, 17])("is exact for %i entries too", (count) => {
    const values = linspace(-3, 4, count);
    expect(gelu(values).shape).toEqual([count]);
    expect(Number(gelu(values).double().sub(gelu(values.double())).abs().sum().item())).toBeLessThan(
      1e-6 * (count + 1),
    );
  });

  it("has the derivative of the formula", () => {
    const derivative = (values: Tensor) => (grad([gelu(values.requiresGrad_()).sum()], [values]) as [Tensor])[0];
    expect(largest(derivative(x()).double().sub(derivative(x().double())))).toBeLessThan(3e-7);
  });

  it("has derivative 0 and 1 far away", () => {
    const far = full([70_000], -1e38);
    far.narrow(0, 0, 3000).fill_(1e38);
    const [derivative] = grad([gelu(far.requiresGrad_()).sum()], [far]) as [Tensor];
    expect([derivative.index(0).item(), derivative.index(69_999).item()]).toEqual([1, 0]);
  });

  it("has a second derivative", () => {
    const second = (values: Tensor) => {
      const leaf = values.requiresGrad_();
      const [first] = grad([gelu(leaf).sum()], [leaf], { createGraph: true }) as [Tensor];
      return (grad([first.sum()], [leaf]) as [Tensor])[0];
    };
    expect(largest(second(x()).double().sub(second(x().double())))).toBeLessThan(1e-6);
  });

  it("rounds once in bfloat16", () => {
    const values = x().narrow(0, 20_000, 80_003).to("bfloat16"); // above -7.2: smaller results leave what float32 holds exactly
    const out = gelu(values);
    expect(out.dtype).toBe("bfloat16");
    const expected = gelu(values.double());
    const error = out.double().sub(expected).abs().div(expected.abs().add(1e-30));
    expect(largest(error)).toBeLessThan(2 ** -8 * 1.001); // half a unit in the last place
  });

  it("keeps infinities and NaN as PyTorch does", () => {
    const values = zeros([70_000]);
    values.narrow(0, 0, 4).copy_(tensor([Infinity, NaN, 1e30, -1e30]));
    expect(gelu(values).narrow(0, 0, 4).toArray()).toEqual([Infinity, NaN, Math.fround(1e30), -0]);
  });

  it("is the module's, and not the approximation by tanh", () => {
    expect(new nn.GELU().forward(x()).equal(gelu(x()))).toBe(true);
    const approximate = gelu(x(), { approximate: "tanh" });
    expect(approximate.allclose(gelu(x().double(), { approximate: "tanh" }).float(), { atol: 1e-6 })).toBe(true);
    expect(approximate.allclose(gelu(x()), { atol: 1e-6 })).toBe(false);
  });
});
