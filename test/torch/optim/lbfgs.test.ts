/** L-BFGS against PyTorch (fixtures/make_closures.py). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linspace, load, optim, save, tensor, zeros, type Tensor } from "../../../lib/torch";
import { inPython, resumeInPython } from "./resume-in-python";

interface Case {
  readonly options: {
    lr: number;
    max_iter: number;
    max_eval?: number;
    history_size?: number;
    line_search_fn?: "strong_wolfe";
  };
  readonly start: Tensor[];
  readonly half: Tensor[];
  readonly optimizer: optim.OptimizerStateDict;
  readonly end: Tensor[];
  readonly losses: number[];
}

const cases = load<Case[]>(join(__dirname, "fixtures", "lbfgs.pt"));
const columns = linspace(-1.5, 2, 15, { dtype: "float64" }).reshape([5, 3]).sin();
const target = linspace(0.8, -0.6, 10, { dtype: "float64" }).reshape([5, 2]);

function lossOf([w, b]: readonly Tensor[]): Tensor {
  const fit = columns.matmul(w!).tanh().sub(target).square().sum();
  const [front, back] = [b!.narrow(0, 0, 3), b!.narrow(0, 1, 3)];
  const valley = back.sub(front.square()).square().mul(10).add(front.neg().add(1).square()).sum();
  return fit.add(valley);
}

function make(params: readonly Tensor[], options: Case["options"]) {
  const own = params.map((param) => param.clone().requiresGrad_());
  const { lr, max_iter: maxIter, max_eval: maxEval, history_size: historySize, line_search_fn: lineSearchFn } = options;
  const optimizer = new optim.LBFGS(own, { lr, maxIter, maxEval, historySize, lineSearchFn });
  const step = (): number =>
    Number(
      optimizer
        .step(() => {
          optimizer.zeroGrad();
          const loss = lossOf(own);
          loss.backward();
          return loss;
        })
        .item(),
    );
  return { params: own, optimizer, step };
}

function expectClose(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  actual.forEach((param, i) => expect(param.sub(expected[i]!).abs().max().item()).toBeLessThan(1e-6));
}

describe.each(cases.map((stored) => [JSON.stringify(stored.options), stored] as const))("%s", (_, stored) => {
  test("twenty steps go PyTorch's way", () => {
    const run = make(stored.start, stored.options);
    const losses = Array.from({ length: 20 }, run.step);
    losses.forEach((loss, i) => expect(Math.abs(loss - stored.losses[i]!)).toBeLessThan(1e-6));
    expectClose(run.params, stored.end);
  });

  test("a file of PyTorch is continued to where PyTorch ends", () => {
    const run = make(stored.half, { lr: 1, max_iter: 1 });
    run.optimizer.loadStateDict(stored.optimizer);
    for (let step = 0; step < 10; step++) run.step();
    expectClose(run.params, stored.end);
  });

  test("the state dict is PyTorch's, also through a file, and continues to the same bits", () => {
    const run = make(stored.start, stored.options);
    for (let step = 0; step < 10; step++) run.step();
    const folder = mkdtempSync(join(tmpdir(), "noether-lbfgs-"));
    const path = join(folder, "lbfgs.pt");
    save(run.optimizer.stateDict(), path);
    const written = load<optim.OptimizerStateDict>(path);
    rmSync(folder, { recursive: true });
    const [own, python] = [written.state.get(0)!, stored.optimizer.state.get(0)!];
    expect(new Set(Object.keys(own))).toEqual(new Set(Object.keys(python)));
    for (const name of ["func_evals", "n_iter"]) expect(own[name]).toBe(python[name]);
    for (const name of ["old_dirs", "old_stps", "ro", "al"]) {
      const lists = [own, python].map((state) => state[name] as (Tensor | null)[]) as [Tensor[], Tensor[]];
      expect(lists[0].map((entry) => entry === null)).toEqual(lists[1].map((entry) => entry === null));
      lists[0].forEach((entry, i) => entry && expect(entry.allclose(lists[1][i]!, 1e-5, 1e-8)).toBe(true));
    }
    expect(Object.keys(written.param_groups[0]!)).toEqual(Object.keys(stored.optimizer.param_groups[0]!));

    const again = make(
      run.params.map((param) => param.detach()),
      { lr: 1, max_iter: 1 },
    );
    again.optimizer.loadStateDict(written);
    for (let step = 0; step < 10; step++) {
      run.step();
      again.step();
    }
    again.params.forEach((param, i) => expect(param.equal(run.params[i]!)).toBe(true));
  });
});

inPython("PyTorch goes on from files to where it ends itself", () => {
  const runs = cases.map(({ start, options }) => {
    const run = make(start, options);
    for (let step = 0; step < 10; step++) run.step();
    return { kind: "LBFGS", options, ...run };
  });
  resumeInPython(runs).forEach((params, i) =>
    expectClose(
      params.map((data, j) => tensor(data, { dtype: "float64" }).reshape(cases[i]!.end[j]!.shape)),
      cases[i]!.end,
    ),
  );
});

test("asks for a closure that returns the loss", () => {
  const optimizer = new optim.LBFGS([zeros([2]).requiresGrad_()]);
  expect(() => optimizer.step()).toThrow(/expected a function that computes the loss again, got none/);
  expect(() => optimizer.step(() => undefined)).toThrow(/expected the closure to return the loss, got undefined/);
});

test("has one group of real parameters, and one line search", () => {
  const param = () => zeros([2]).requiresGrad_();
  expect(() => new optim.LBFGS([{ params: [param()] }, { params: [param()] }])).toThrow(/expected one group/);
  expect(() => new optim.LBFGS([param()], { lineSearchFn: "armijo" as never })).toThrow(
    /expected "strong_wolfe" or null/,
  );
  expect(new optim.LBFGS([param()], { maxIter: 8 }).paramGroups[0]!.maxEval).toBe(10);
});

test("parameters without gradient stay, and an optimum ends the step", () => {
  const [used, idle] = [tensor([1, 2]).requiresGrad_(), tensor([3, 4]).requiresGrad_()];
  const optimizer = new optim.LBFGS([used, idle], { lineSearchFn: "strong_wolfe", toleranceGrad: 1e-5 });
  const closure = () => {
    optimizer.zeroGrad();
    const loss = used.square().sum();
    loss.backward();
    return loss;
  };
  optimizer.step(closure);
  const evaluations = optimizer.state.get(used)!["func_evals"] as number;
  optimizer.step(closure);
  expect(Number(used.abs().max().item())).toBeLessThan(1e-5);
  expect(idle.toArray()).toEqual([3, 4]);
  expect(optimizer.state.get(used)!["func_evals"]).toBe(evaluations + 1);
});
