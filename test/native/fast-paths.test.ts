import { inferenceMode, noGrad, scope, slice, tensor, type Tensor } from "../../lib/torch";
import * as torch from "../../lib/torch";
import { relative } from "../torch/helpers";

/** Inside of a level of dual tensors calls take the general way, through libtorch's dispatcher. */
const generally = <T>(call: () => T): T => torch.autograd.forwardAD.dualLevel(call);

/** Both ways may take kernels of their own, so sums and functions may differ by rounding. */
function expectSameAsGeneralWay(inputs: Tensor[], call: (...inputs: Tensor[]) => Tensor): void {
  const fast = call(...inputs);
  const general = generally(() => call(...inputs));
  expect(fast.shape).toEqual(general.shape);
  expect(fast.stride()).toEqual(general.stride());
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

test("sums of rows of any length have ATen's bits", () => {
  torch.manualSeed(0);
  const differing: string[] = [];
  for (let length = 0; length <= 1100; length++) {
    const x = torch.randn([3, length]);
    for (const [name, call] of [
      ["rows", () => x.sum(-1)],
      ["rows, kept", () => x.sum(1, true)],
      ["all", () => x.sum()],
      ["columns", () => x.sum(0)],
      ["one row", () => x.index(1).sum(0)],
    ] as const) {
      scope(() => {
        if (!call().equal(generally(call))) differing.push(`${name} of ${length}`);
      });
    }
  }
  expect(differing).toEqual([]);
});

test("a sum of negative zeros is the zero that ATen gives", () => {
  const zeros = torch.full([2, 3], -0);
  expect(Object.is(zeros.sum().item(), generally(() => zeros.sum()).item())).toBe(true);
  expect(zeros.sum(1).reciprocal().toArray()).toEqual(
    generally(() => zeros.sum(1))
      .reciprocal()
      .toArray(),
  );
});

test("views of every kind have ATen's shapes, strides, places and elements", () => {
  const dense = torch.arange(60, { dtype: "float32" }).reshape([3, 4, 5]);
  const range = (dim: number, entry: torch.Slice): torch.TensorIndex[] =>
    dim < 0
      ? ["...", entry, ...Array.from({ length: -1 - dim }, () => slice())]
      : [...Array.from({ length: dim }, () => slice()), entry];
  const described = (x: Tensor) => [x.shape, x.stride(), x.storageOffset(), x.toArray()];
  for (const x of [dense, dense.transpose(0, 2), dense.index(slice(1), slice(0, 4, 2)), torch.zeros([2, 0, 3])]) {
    const calls: (() => Tensor)[] = [() => x.reshape([-1]), () => x.reshape([x.numel(), 1])];
    for (const dim of [-3, -1, 0, 1]) {
      calls.push(
        () => x.transpose(dim, 0),
        () => x.transpose(2, dim),
      );
      for (const start of [null, -9, -2, 0, 1, 9])
        for (const stop of [null, -9, -1, 0, 2, 9])
          for (const step of [1, 2, 7]) calls.push(() => x.index(...range(dim, slice(start, stop, step))));
    }
    scope(() => {
      for (const call of calls) expect(described(call())).toEqual(described(generally(call)));
    });
  }
});

test("views that cannot be made are refused with ATen's reason", () => {
  expect(() => a.reshape([5, -1])).toThrow(/shape '\[5, -1\]' is invalid for input of size 12/);
  expect(() => a.reshape([-1, -1])).toThrow(/only one dimension can be inferred/);
  expect(() => a.transpose(0, 2)).toThrow(/Dimension out of range/);
  expect(() => torch.tensor(1).transpose(0, 1)).toThrow(/Dimension out of range/);
});

test.each<[string, (x: Tensor) => Tensor]>([
  ["reshape", (x) => x.reshape([6])],
  ["transpose", (x) => x.transpose(0, 1)],
  ["slice", (x) => x.index(slice(0, 2))],
  ["slice of a transposed view", (x) => x.transpose(0, 1).index(slice(1, 3))],
])("an in-place change of a view made by %s is differentiated through its base", (_name, view) => {
  const gradient = (way: <T>(call: () => T) => T): unknown => {
    const x = torch.linspace(1, 2, 6).reshape([2, 3]).detach().requiresGrad_();
    const base = x.mul(1);
    const seen = way(() => view(base));
    const before = seen.gradFn;
    seen.mul_(seen.detach().clone());
    base.pow(2).sum().backward();
    return [before, seen.gradFn, seen.isLeaf, x.grad!.toArray()];
  };
  expect(gradient((call) => call())).toEqual(gradient(generally));
});

test("a view of a recorded tensor made without recording refuses to be changed in place", () => {
  const x = torch.zeros([2, 3], { requiresGrad: true }).mul(1);
  for (const view of [noGrad(() => x.reshape([6])), noGrad(() => x.transpose(0, 1)), noGrad(() => x.index(slice(1)))])
    expect(() => view.add_(1)).toThrow(/no_grad/);
});

test("a view of a leaf that wants gradients refuses to be changed in place", () => {
  const x = torch.zeros([2, 3], { requiresGrad: true });
  expect(() => x.transpose(0, 1).add_(1)).toThrow(/leaf/);
});

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
