import { inferenceMode, noGrad, tensor, type Tensor } from "../../lib/torch";
import * as torch from "../../lib/torch";
import { relative } from "../torch/helpers";

/**
 * Tensors made in inference mode take the general way, so the same call on them is the reference. Both may take kernels of
 * their own, so sums and functions may differ by rounding.
 */
function expectSameAsGeneralWay(inputs: Tensor[], call: (...inputs: Tensor[]) => Tensor): void {
  const fast = call(...inputs);
  const general = inferenceMode(() => call(...inputs.map((input) => input.clone())));
  expect(general.isInference()).toBe(true);
  expect(fast.shape).toEqual(general.shape);
  expect(fast.dtype).toBe(general.dtype);
  expect(relative(fast, general)).toBeLessThan(1e-6);
}

const a = torch.linspace(-3, 2, 12).reshape([3, 4]);
const b = torch.linspace(0.1, 7, 12).reshape([3, 4]);
const row = torch.linspace(1, 4, 4);

test.each<[string, Tensor[], (...inputs: Tensor[]) => Tensor]>([
  ["add", [a, b], (x, y) => x!.add(y!)],
  ["add with broadcasting", [a, row], (x, y) => x!.add(y!)],
  ["sub", [a, b], (x, y) => x!.sub(y!)],
  ["mul", [a, b], (x, y) => x!.mul(y!)],
  ["mul of a transposed view", [a, b], (x, y) => x!.t().mul(y!.t())],
  ["matmul", [a, b.t().contiguous()], (x, y) => x!.matmul(y!)],
  ["matmul with a vector", [a, row], (x, y) => x!.matmul(y!)],
  ["linear", [a, b, torch.tensor([1, 2, 3])], (x, weight, bias) => torch.nn.functional.linear(x!, weight!, bias!)],
  ["linear without bias", [a, b], (x, weight) => torch.nn.functional.linear(x!, weight!)],
  ["index_select of rows", [a, tensor([2n, 0n, 2n])], (x, index) => x!.indexSelect(0, index!)],
  ["index_select of columns", [a, tensor([3n, 1n])], (x, index) => x!.indexSelect(-1, index!)],
  ["cat", [a, b], (x, y) => torch.cat([x!, y!], 1)],
  ["reshape", [a], (x) => x!.reshape([2, -1])],
  ["reshape of a view with gaps", [a], (x) => x!.t().reshape([12])],
  ["transpose", [a], (x) => x!.transpose(0, -1)],
  ["slice", [a], (x) => x!.index(torch.slice(), torch.slice(1, 4, 2))],
  ["sum", [a], (x) => x!.sum()],
  ["gelu", [a], (x) => torch.gelu(x!)],
  ["gelu by tanh", [a], (x) => torch.gelu(x!, { approximate: "tanh" })],
  ["layer_norm", [a, row, row], (x, weight, bias) => torch.layerNorm(x!, [4], weight!, bias!)],
  ["softmax", [a], (x) => x!.softmax(-1)],
])("%s gives what the general way gives", (_name, inputs, call) => expectSameAsGeneralWay(inputs, call));

test("an index out of range is refused, not read", () => {
  expect(() => a.indexSelect(0, tensor([3n]))).toThrow(/out of range|out of bounds|got one outside/);
});

test("an in-place change shows in a view made by a fast path", () => {
  const base = torch.zeros([2, 3]);
  const view = base.reshape([6]);
  base.add_(1);
  expect(view.toArray()).toEqual([1, 1, 1, 1, 1, 1]);
});

test("a view made without recording counts the changes of its base", () => {
  const base = torch.zeros([2, 3]);
  const view = noGrad(() => base.transpose(0, 1));
  const before = view.version;
  base.add_(1);
  expect(view.version).toBe(before + 1);
});

test("inference tensors take the general way", () => {
  const sum = inferenceMode(() => a.add(b));
  expect(sum.isInference()).toBe(true);
});

test("lazily conjugated and negated tensors say so", () => {
  const z = torch.complex(row, row);
  expect([z.isConj(), z.conj().isConj(), z.conj().imag.isNeg(), row.isNeg()]).toEqual([false, true, true, false]);
});
