import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor, optim } from "../../../lib/torch";
import { type DType, tensor } from "../../../lib/torch";
import { toCamelCase } from "../../../lib/torch/nn";
import { OPTIMIZERS } from "./every-optimizer";

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

const toTensor = ({ data, shape, dtype }: Stored): Tensor => tensor(data, { dtype }).reshape(shape);
const camelOptions = (options: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [toCamelCase(name), value]));

function make(kind: Case["kind"], params: Tensor[], options: Record<string, unknown>): optim.Optimizer {
  return new OPTIMIZERS[kind]!(params, camelOptions(options));
}

function start(dtype: string): Tensor[] {
  return fixtures.problem[dtype]!.start.map((stored) => toTensor(stored).requiresGrad_());
}

function advance(optimizer: optim.Optimizer, params: Tensor[], dtype: string, from: number, to: number): void {
  for (const gradients of fixtures.problem[dtype]!.gradients.slice(from, to)) {
    for (const [i, param] of params.entries()) {
      const gradient = gradients[i] as Stored | null;
      param.grad = gradient === null ? null : toTensor(gradient);
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

const tolerance = { float32: 2e-6, float64: 1e-13 };
// NAdam's product of momenta and ASGD's rate are float32 scalars in PyTorch, too.
const looser = (name: string): number => (name === "NAdam" || name === "ASGD" ? 1e-7 : 0);

test("every optimizer has cases", () => {
  const kinds = new Set(fixtures.cases.map(({ kind }) => kind));
  // Muon computes in bfloat16: reference-trajectories.test.ts
  expect(Object.keys(OPTIMIZERS).filter((name) => !kinds.has(name))).toEqual(["Muon"]);
});

describe.each(fixtures.cases)("$kind $options $dtype", ({ kind, options, dtype, end, state_dict, printed }) => {
  const close = Math.max(tolerance[dtype], looser(kind));

  test("twenty steps end where PyTorch's do", () => {
    const params = start(dtype);
    const optimizer = make(kind, params, options);
    advance(optimizer, params, dtype, 0, 20);
    params.forEach((param, i) => expectClose(param, end[i]!, close));
  });

  test("list operators end there too", () => {
    const params = start(dtype);
    const optimizer = make(kind, params, { ...options, foreach: true });
    advance(optimizer, params, dtype, 0, 20);
    params.forEach((param, i) => expectClose(param, end[i]!, close));
  });

  test("the state dict has PyTorch's layout and values", () => {
    const params = start(dtype);
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

  test("a state dict of PyTorch resumes the run", () => {
    const half = start(dtype);
    const first = make(kind, half, options);
    advance(first, half, dtype, 0, 10);
    const params = half.map((param) => param.detach().clone().requiresGrad_());
    const second = make(kind, params, {});
    second.loadStateDict(first.stateDict());
    advance(second, params, dtype, 10, 20);
    params.forEach((param, i) => expectClose(param, end[i]!, close));
  });

  test("prints as PyTorch", () => {
    expect(String(make(kind, start(dtype), options))).toBe(printed);
  });
});
