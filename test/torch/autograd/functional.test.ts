/** `torch.autograd.functional` against PyTorch's own numbers (test/torch/func/reference.json), in float64. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as torch from "../../../lib/torch";
import { autograd, tensor, type Tensor } from "../../../lib/torch";
import { assertClose } from "../../../lib/testing";

const { functional } = autograd;
const path = join(__dirname, "..", "func", "reference.json");
const reference = (JSON.parse(readFileSync(path, "utf8")) as { functional: Record<string, unknown> }).functional;

const ramp = (shape: number[], scale = 1): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return torch.fromTypedArray(
    Float64Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 * scale)),
    shape,
  );
};
const W = ramp([4, 3]);
const X = ramp([5, 3], 5);
const [x, y] = [X.index(0), X.index(1)];
const energy = (v: Tensor): Tensor => v.matmul(W.T).tanh().pow(3).sum();
const field = (v: Tensor): Tensor => v.matmul(W.T).sin().mul(v.sum());
const pair = (a: Tensor, b: Tensor): Tensor[] => [a.mul(b.sum()), a.exp().mul(b).cumsum(0)];
const mixed = (a: Tensor, b: Tensor): Tensor => a.mul(b.exp()).sin().sum();

function close(actual: unknown, expected: unknown): void {
  if (actual instanceof torch.Tensor) {
    expect(actual.requiresGrad).toBe(false);
    assertClose(actual, tensor(expected as number[], { dtype: "float64" }), { rtol: 1e-9, atol: 1e-11 });
    return;
  }
  expect((actual as unknown[]).length).toBe((expected as unknown[]).length);
  for (const [index, value] of (actual as unknown[]).entries()) close(value, (expected as unknown[])[index]);
}

test("products with vectors", () => {
  close(functional.vjp(field, x, ramp([4])), reference["vjp"]);
  close(functional.jvp(field, x, y), reference["jvp"]);
  close(functional.vhp(energy, x, y), reference["vhp"]);
  close(functional.hvp(energy, x, { v: y }), reference["hvp"]);
});

test.each([
  ["one row after the other", {}],
  ["vectorized", { vectorize: true }],
  ["forward mode", { vectorize: true, strategy: "forward-mode" }],
] as const)("jacobian, %s", (_, options) => {
  close(functional.jacobian(field, x, options), reference["jacobian"]);
  close(functional.jacobian(pair, [x, y], options), reference["jacobianPair"]);
});

test.each([
  ["one row after the other", {}],
  ["vectorized", { vectorize: true }],
  ["forward over reverse", { vectorize: true, outerJacobianStrategy: "forward-mode" }],
] as const)("hessian, %s", (_, options) => {
  close(functional.hessian(energy, x, options), reference["hessian"]);
  close(functional.hessian(mixed, [x, y], options), reference["hessianPair"]);
});

test("createGraph gives derivatives that can be derived again", () => {
  const leaf = x.clone().requiresGrad_();
  const jacobian = functional.jacobian((v) => v.pow(3), leaf, { createGraph: true }) as Tensor;
  jacobian.sum().backward();
  assertClose(leaf.grad!, x.mul(6));
  const vectorized = functional.jacobian((v) => v.pow(3), leaf, { createGraph: true, vectorize: true }) as Tensor;
  assertClose(torch.grad(vectorized.sum(), leaf)[0]!, x.mul(6));
  const [, product] = functional.hvp((v) => v.pow(4).sum(), leaf, torch.onesLike(x), { createGraph: true });
  assertClose(torch.grad((product as Tensor).sum(), leaf)[0]!, x.mul(24));
});

test("independence gives zeros, or an error with strict", () => {
  const constant = (a: Tensor, b: Tensor): Tensor => a.mul(2).add(b.detach().mul(0));
  const [byA, byB] = functional.jacobian(constant, [x, y]) as [Tensor, Tensor];
  assertClose(byA, torch.eye(3, { dtype: "float64" }).mul(2));
  assertClose(byB, torch.zeros([3, 3], { dtype: "float64" }));
  expect(() => functional.jacobian(constant, [x, y], { strict: true })).toThrow(/output 0 does not depend on input 1/);
  expect(() => functional.vjp(() => tensor([1], { dtype: "float64" }), x, null, { strict: true })).toThrow(/output 0/);
  expect(() => functional.hessian((a) => a.sum(), x, { strict: true })).toThrow(/does not depend/);
  close(
    functional.hessian((a) => a.sum(), x),
    [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
});

test("nothing is recorded or accumulated on the inputs", () => {
  const leaf = x.clone().requiresGrad_();
  torch.noGrad(() => functional.jacobian(field, leaf));
  expect(leaf.grad).toBeNull();
});

test("empty results", () => {
  expect((functional.jacobian((v) => v.index(torch.slice(0, 0)), x) as Tensor).shape).toEqual([0, 3]);
  expect((functional.jacobian((v) => v.index(torch.slice(0, 0)), x, { vectorize: true }) as Tensor).shape).toEqual([
    0, 3,
  ]);
});

test.each<[string, () => unknown, RegExp]>([
  ["no vector", () => functional.vjp(field, x), /expected a vector v/],
  ["a vector of another shape", () => functional.jvp(field, x, ramp([4])), /expected shape \[3\] for v, got \[4\]/],
  ["too few vectors", () => functional.jvp(pair, [x, y], [x]), /expected 2 tensors for v, got 1/],
  ["a tensor for a list", () => functional.jvp(pair, [x, y], x), /expected a list of tensors for v/],
  ["a result that is no tensor", () => functional.jacobian((() => 3) as never, x), /expected func to return a tensor/],
  ["a vector where one element is due", () => functional.hessian(field, x), /one element/],
  [
    "strict and vectorize",
    () => functional.jacobian(field, x, { strict: true, vectorize: true }),
    /strict or vectorize/,
  ],
  ["forward mode by rows", () => functional.jacobian(field, x, { strategy: "forward-mode" }), /vectorize: true/],
  [
    "forward mode that is recorded",
    () => functional.jacobian(field, x, { strategy: "forward-mode", vectorize: true, createGraph: true }),
    /func\.jacfwd/,
  ],
  ["integers", () => functional.jacobian(field, tensor([1n])), /floating point/],
  ["unknown options", () => functional.jacobian(field, x, { vectorise: true } as never), /did you mean "vectorize"/],
])("%s", (_, call, message) => expect(call).toThrow(message));
