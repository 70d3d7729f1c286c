/** Every optimizer against PyTorch (fixtures/make_fixtures.py), over twenty steps and across files in both directions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DType, load, optim, type Tensor, tensor } from "../../../lib/torch";
import { toCamelCase } from "../../../lib/torch/nn";
import { OPTIMIZERS } from "./every-optimizer";
import { inPython, resumeInPython } from "./resume-in-python";

interface Stored {
  shape: number[];
  dtype: DType;
  data: number[];
}
interface Problem {
  start: Stored[];
  gradients: (Stored | null)[][];
}
interface Case {
  kind: string;
  options: Record<string, unknown>;
  dtype: "float32" | "float64";
  end: Stored[];
  state_dict: { state: Record<string, Record<string, Stored>>; param_groups: Record<string, unknown>[] };
  printed: string;
}

const fixtures = JSON.parse(readFileSync(join(__dirname, "fixtures/optim.json"), "utf8")) as {
  problem: Record<string, Problem>;
  cases: Case[];
};

/** Parameters and state dict of each case after ten steps, as `torch.save` wrote them. */
interface Half {
  params: Tensor[];
  optimizer: optim.OptimizerStateDict;
}
const halves = load<Half[]>(join(__dirname, "fixtures/optim_half.pt"));

const toTensor = ({ data, shape, dtype }: Stored): Tensor => tensor(data, { dtype }).reshape(shape);
const camelOptions = (options: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [toCamelCase(name), value]));

function make(kind: Case["kind"], params: Tensor[], options: Record<string, unknown>): optim.Optimizer {
  return new OPTIMIZERS[kind]!(params, camelOptions(options));
}

/** Muon takes matrices only. */
const shaped = (kind: string, values: Tensor): Tensor =>
  kind === "Muon" && values.ndim === 1 ? values.reshape([2, 2]) : values;

function start(kind: string, dtype: string): Tensor[] {
  return fixtures.problem[dtype]!.start.map((stored) => shaped(kind, toTensor(stored)).requiresGrad_());
}

function advance(optimizer: optim.Optimizer, params: Tensor[], dtype: string, from: number, to: number): void {
  const kind = optimizer.constructor.name;
  for (const gradients of fixtures.problem[dtype]!.gradients.slice(from, to)) {
    for (const [i, param] of params.entries()) {
      const gradient = gradients[i] as Stored | null;
      param.grad = gradient === null ? null : shaped(kind, toTensor(gradient));
    }
    optimizer.step();
  }
}

/** Relative to the largest entry. */
function expectClose(actual: Tensor, expected: Stored, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  const scale = Math.max(1e-30, ...expected.data.map(Math.abs));
  const error = Math.max(0, ...expected.data.map((value, i) => Math.abs(value - Number(actual.dataSync()[i])) / scale));
  expect(error).toBeLessThanOrEqual(tolerance);
}

const tolerance = { float32: 1e-6, float64: 1e-13 };
/** NAdam's product of momenta and ASGD's rate are float32 scalars in PyTorch, too. */
const looser: Readonly<Record<string, number>> = { NAdam: 1e-7, ASGD: 1e-7 };
/** Muon's iteration is in bfloat16, which CPUs add up differently: its parameters agree to the last bits of that, its state as any. */
const ofParams: Readonly<Record<string, number>> = { Muon: 1e-3 };

/** Classes of `torch.optim` and of `torch.optim.lr_scheduler` in PyTorch 2.13. */
const IN_PYTORCH = {
  optim:
    "ASGD Adadelta Adafactor Adagrad Adam AdamW Adamax LBFGS Muon NAdam Optimizer RAdam RMSprop Rprop SGD SparseAdam",
  lrScheduler:
    "ChainedScheduler ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LRScheduler LambdaLR LinearLR MultiStepLR MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR",
};

test("PyTorch's classes are all here", () => {
  expect(IN_PYTORCH.optim.split(" ").filter((name) => !(name in optim))).toEqual([]);
  expect(IN_PYTORCH.lrScheduler.split(" ").filter((name) => !(name in optim.lrScheduler))).toEqual([]);
});

test("every optimizer has cases", () => {
  const kinds = new Set(fixtures.cases.map(({ kind }) => kind));
  expect(Object.keys(OPTIMIZERS).filter((name) => !kinds.has(name))).toEqual([]);
});

const cases = fixtures.cases.map((stored, i) => ({ ...stored, half: halves[i]! }));

describe.each(cases)("$kind $options $dtype", ({ kind, options, dtype, end, state_dict, printed, half }) => {
  const close = Math.max(tolerance[dtype], looser[kind] ?? 0);
  const closeParams = ofParams[kind] ?? close;

  test("twenty steps end where PyTorch's do", () => {
    const params = start(kind, dtype);
    const optimizer = make(kind, params, options);
    advance(optimizer, params, dtype, 0, 20);
    params.forEach((param, i) => expectClose(param, end[i]!, closeParams));
  });

  if (kind !== "Muon") {
    test("list operators end there too", () => {
      const params = start(kind, dtype);
      const optimizer = make(kind, params, { ...options, foreach: true });
      advance(optimizer, params, dtype, 0, 20);
      params.forEach((param, i) => expectClose(param, end[i]!, close));
    });
  }

  test("the state dict has PyTorch's layout and values", () => {
    const params = start(kind, dtype);
    const optimizer = make(kind, params, options);
    advance(optimizer, params, dtype, 0, 20);
    const own = optimizer.stateDict();
    expect(own.param_groups.map((group) => Object.keys(group))).toEqual(
      state_dict.param_groups.map((group) => Object.keys(group)),
    );
    expect(JSON.parse(JSON.stringify(own.param_groups))).toEqual(state_dict.param_groups);
    expect([...own.state.keys()].map(String)).toEqual(Object.keys(state_dict.state));
    for (const [index, state] of own.state) {
      const expected = state_dict.state[index]!;
      expect(Object.keys(state)).toEqual(Object.keys(expected));
      for (const [name, value] of Object.entries(state))
        expectClose(value as Tensor, expected[name]!, Math.max(close, 1e-6));
    }
  });

  test("a file of PyTorch is continued to where PyTorch ends", () => {
    const params = half.params.map((param) => param.clone().requiresGrad_());
    // its options come with the file
    const optimizer = make(kind, params, {});
    optimizer.loadStateDict(half.optimizer);
    advance(optimizer, params, dtype, 10, 20);
    params.forEach((param, i) => expectClose(param, end[i]!, closeParams));
  });

  test("prints as PyTorch", () => {
    expect(String(make(kind, start(kind, dtype), options))).toBe(printed);
  });
});

inPython("PyTorch goes on from a file of every optimizer", () => {
  const runs = cases.map(({ kind, options, dtype }) => {
    const params = start(kind, dtype);
    const optimizer = make(kind, params, options);
    advance(optimizer, params, dtype, 0, 10);
    return { kind, options, optimizer, params };
  });
  resumeInPython(runs).forEach((params, i) => {
    const { kind, dtype, end } = cases[i]!;
    const close = ofParams[kind] ?? Math.max(tolerance[dtype], looser[kind] ?? 0);
    params.forEach((data, j) => expectClose(tensor(data, { dtype }).reshape(end[j]!.shape), end[j]!, close));
  });
});
