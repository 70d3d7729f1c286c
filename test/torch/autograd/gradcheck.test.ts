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
    /expected float64 inputs that require gradients, got float32/,
  ],
  ["no gradients", () => gradcheck((a) => a, tensor([1], { dtype: "float64" })), /got none that does/],
  ["no tensor", () => gradcheck((() => 1) as never, x()), /expected func to return a tensor/],
  ["unknown options", () => gradcheck((a) => a, x(), { tol: 1 } as never), /unknown option "tol"/],
])("%s", (_, call, message) => expect(call).toThrow(message));
