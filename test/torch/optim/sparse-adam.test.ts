/** SparseAdam against PyTorch (fixtures/make_closures.py). */
import { join } from "node:path";
import { linspace, load, ones, optim, sparseCooTensor, tensor, zeros, type Tensor } from "../../../lib/torch";
import { inPython, resumeInPython } from "./resume-in-python";

interface Case {
  readonly options: Partial<optim.SparseAdamOptions>;
  readonly half: Tensor;
  readonly optimizer: optim.OptimizerStateDict;
  readonly end: Tensor;
}
const { cases, gradients } = load<{ cases: Case[]; gradients: { indices: Tensor; values: Tensor }[] }>(
  join(__dirname, "fixtures", "sparse_adam.pt"),
);

function advance(optimizer: optim.SparseAdam, param: Tensor, from: number, to: number): void {
  for (const { indices, values } of gradients.slice(from, to)) {
    param.grad = sparseCooTensor(indices, values, param.shape);
    optimizer.step();
  }
}
const start = () => linspace(-1, 1, 12).reshape([6, 2]).requiresGrad_();
const difference = (a: Tensor, b: Tensor) => Number(a.sub(b).abs().max().item());

describe.each(cases.map((stored) => [JSON.stringify(stored.options), stored] as const))("%s", (_, stored) => {
  test("twenty steps end where PyTorch's do", () => {
    const param = start();
    advance(new optim.SparseAdam([param], stored.options), param, 0, 20);
    expect(difference(param, stored.end)).toBeLessThan(1e-6);
  });

  test("a file of PyTorch is continued to where PyTorch ends", () => {
    const param = stored.half.clone().requiresGrad_();
    const optimizer = new optim.SparseAdam([param]);
    optimizer.loadStateDict(stored.optimizer);
    advance(optimizer, param, 10, 20);
    expect(difference(param, stored.end)).toBeLessThan(1e-6);
  });

  test("the state dict is PyTorch's", () => {
    const param = start();
    const optimizer = new optim.SparseAdam([param], stored.options);
    advance(optimizer, param, 0, 10);
    const own = optimizer.stateDict();
    const [state, python] = [own.state.get(0)!, stored.optimizer.state.get(0)!];
    expect(Object.keys(state)).toEqual(Object.keys(python));
    // a number, where other optimizers have a tensor
    expect(state["step"]).toBe(python["step"]);
    for (const name of ["exp_avg", "exp_avg_sq"])
      expect(difference(state[name] as Tensor, python[name] as Tensor)).toBeLessThan(1e-6);
    expect(Object.keys(own.param_groups[0]!)).toEqual(Object.keys(stored.optimizer.param_groups[0]!));
  });
});

inPython("PyTorch goes on from files to where it ends itself", () => {
  const runs = cases.map(({ options }) => {
    const param = start();
    const optimizer = new optim.SparseAdam([param], options);
    advance(optimizer, param, 0, 10);
    return { kind: "SparseAdam", options, optimizer, params: [param] };
  });
  resumeInPython(runs).forEach(([data], i) =>
    expect(difference(tensor(data!).reshape([6, 2]), cases[i]!.end)).toBeLessThan(1e-6),
  );
});

test("a dense gradient is refused, and nothing has moved", () => {
  const param = zeros([2, 2]).requiresGrad_();
  param.grad = ones([2, 2]);
  expect(() => new optim.SparseAdam([param]).step()).toThrow(/expected sparse gradients, got a dense one: take Adam/);
  expect(param.toArray()).toEqual([[0, 0], [0, 0]]); // prettier-ignore
});

test("options outside of their ranges are refused", () => {
  const make = (options: object) => () => new optim.SparseAdam([zeros([2]).requiresGrad_()], options);
  expect(make({ lr: 0 })).toThrow(/for lr, got 0/);
  expect(make({ eps: 0 })).toThrow(/for eps, got 0/);
  expect(make({ betas: [0.9, 1] })).toThrow(/for betas\[1\], got 1/);
});
