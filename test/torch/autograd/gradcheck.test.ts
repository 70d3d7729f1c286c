import * as torch from "../../../lib/torch";
import { gradcheck, gradgradcheck } from "../../../lib/testing";
import { Function, type FunctionContext, tensor, type Tensor } from "../../../lib/torch";

const x = (): Tensor => tensor([0.5, -1, 2], { dtype: "float64", requiresGrad: true });
const y = (): Tensor => tensor([1, 3, -0.25], { dtype: "float64", requiresGrad: true });

/** Its backward is wrong by a factor. */
class Wrong extends Function {
  static forward(context: FunctionContext, input: Tensor): Tensor {
    context.saveForBackward(input);
    return input.pow(2);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return context.savedTensors[0]!.mul(gradient).mul(3);
  }
  static jvp(context: FunctionContext, tangent: Tensor): Tensor {
    return context.savedTensors[0]!.mul(tangent).mul(2);
  }
}
/** Its first derivatives are right, its second ones are not. */
class WrongTwice extends Function {
  static forward(context: FunctionContext, input: Tensor): Tensor {
    context.saveForBackward(input);
    return input.pow(3);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return context.savedTensors[0]!.detach().pow(2).mul(3).mul(gradient);
  }
}

test.each([{}, { fastMode: true }, { checkForwardAD: true }, { checkForwardAD: true, fastMode: true }])(
  "right derivatives pass, %j",
  (options) => {
    expect(gradcheck((a, b) => [a.sin().mul(b), a.sum()], [x(), y()], options)).toBe(true);
    expect(gradcheck((a) => a.exp(), x(), options)).toBe(true);
  },
);

test("a wrong derivative is an error with both Jacobians", () => {
  expect(() => gradcheck((a) => Wrong.apply(a), x())).toThrow(
    /d output\[0\] \/ d input 0\[0\] = (?:1\.0|0\.9)\d+ \(finite differences\), got 1\.5 \(recorded\)[\s\S]*numerical: tensor\(\[\[ 1\.0000[\s\S]*analytical: tensor\(\[\[ 1\.5000/,
  );
  expect(() => gradcheck((a) => Wrong.apply(a), x(), { fastMode: true })).toThrow(/Jacobian mismatch for output 0/);
  expect(gradcheck((a) => Wrong.apply(a), x(), { raiseException: false })).toBe(false);
});

test("only what is asked for is checked", () => {
  expect(() => gradcheck((a) => a.mul(2), x(), { checkBackwardAD: false })).toThrow(/got neither/);
  expect(gradcheck((a) => a.mul(2), x(), { checkBackwardAD: false, checkForwardAD: true })).toBe(true);
});

test("second derivatives", () => {
  expect(gradgradcheck((a, b) => a.sin().mul(b), [x(), y()])).toBe(true);
  expect(gradgradcheck((a) => a.pow(3), x(), { fastMode: true })).toBe(true);
  expect(() => gradgradcheck((a) => WrongTwice.apply(a), x())).toThrow(/^gradgradcheck: /);
  expect(gradcheck((a) => WrongTwice.apply(a), x())).toBe(true);
  expect(gradgradcheck((a) => WrongTwice.apply(a), x(), { raiseException: false })).toBe(false);
});

describe("complex numbers", () => {
  const z = () => torch.complex(x().detach(), y().detach()).requiresGrad_();
  /** The square of the argument; `sign` of the gradient's imaginary part is 1 as PyTorch's convention has it. */
  class Square extends Function {
    static forward(ctx: FunctionContext, a: Tensor, sign: number): Tensor {
      ctx.saveForBackward(a);
      ctx.sign = sign;
      return a.mul(a);
    }
    static backward(ctx: FunctionContext, gradient: Tensor): [Tensor, null] {
      const slope = ctx.savedTensors[0]!.mul(2);
      return [gradient.mul(ctx.sign === 1 ? slope.conj() : slope), null];
    }
  }

  test.each<[string, (a: Tensor) => Tensor]>([
    ["of complex numbers, complex", (a) => a.mul(a).exp()],
    ["of complex numbers, real", (a) => a.abs()],
    ["that are not holomorphic", (a) => a.conj().mul(a.real)],
    ["with conjugated results", (a) => a.mul(a).conj()],
  ])("functions %s", (_, f) => {
    expect(gradcheck(f, z(), { checkForwardAD: true })).toBe(true);
    expect(gradcheck(f, z(), { fastMode: true })).toBe(true);
    expect(gradgradcheck(f, z())).toBe(true);
  });

  test("functions of real numbers with complex results", () => {
    expect(gradcheck((a) => torch.fft.fft(a), x())).toBe(true);
    expect(gradcheck((a, b) => torch.complex(a, b).exp(), [x(), y()])).toBe(true);
  });

  test("the gradient has the conjugate of the slope", () => {
    expect(gradcheck((a) => Square.apply(a, 1), z())).toBe(true);
    expect(gradcheck((a) => Square.apply(a, -1), z(), { raiseException: false })).toBe(false);
  });

  test("gradients of the outputs may be given", () => {
    const gradOutputs = torch.complex(y().detach(), x().detach()).requiresGrad_();
    expect(gradgradcheck((a) => a.mul(a).mul(a), z(), { gradOutputs })).toBe(true);
  });

  test("complex64 has too few digits", () =>
    expect(() => gradcheck((a) => a, z().detach().to("complex64").requiresGrad_())).toThrow(
      /expected float64 or complex128 inputs that require gradients, got complex64/,
    ));
});

test("random numbers are not drawn", () => {
  torch.manualSeed(3);
  const expected = torch.randn([2]);
  torch.manualSeed(3);
  gradgradcheck((a) => a.pow(3), x(), { fastMode: true });
  expect(torch.randn([2])).toEqual(expected);
});

test.each<[string, () => unknown, RegExp]>([
  [
    "float32",
    () => gradcheck((a) => a, tensor([1], { requiresGrad: true })),
    /expected float64 or complex128 inputs that require gradients, got float32/,
  ],
  ["no gradients", () => gradcheck((a) => a, tensor([1], { dtype: "float64" })), /got none that does/],
  ["no tensor", () => gradcheck((() => 1) as never, x()), /expected func to return a tensor/],
  ["unknown options", () => gradcheck((a) => a, x(), { tol: 1 } as never), /unknown option "tol"/],
])("%s", (_, call, message) => expect(call).toThrow(message));
