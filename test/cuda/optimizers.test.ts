/** Steps of every optimizer on the device: the CPU's values, and nothing is read from the device once the state is there. */
import { Lion, MuonComposite } from "../../lib/core/optimizer";
import { full, optim, scope, tensor, type Tensor } from "../../lib/torch";
import { OPTIMIZERS } from "../torch/optim/every-optimizer";
import { takeCounts, testOnCuda, testOnFake } from "./device";

type Make = (params: Tensor[], options: object) => optim.AnyOptimizer;

const MAKERS: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    Object.entries(OPTIMIZERS).map(([name, Optimizer]): [string, Make] => [
      name,
      (params, options) => new Optimizer(params, options),
    ]),
  ),
  Lion: (params, options) => new Lion(params, { lr: 0.01, ...options }),
  MuonComposite: (params, options) => new MuonComposite(params, options),
};

/** Options that decide where a state and a rate lie. */
const VARIANTS: Readonly<Record<string, (device: string) => object>> = {
  "by default": () => ({}),
  "with steps on the device": () => ({ capturable: true }),
  "with a rate on the device": (device) => ({ lr: full([], 0.02, { device }) }),
  "by list operators": () => ({ foreach: true }),
};

const cases = Object.entries(MAKERS)
  .flatMap(([name, make]) => {
    const probe = make([tensor([[1]])], {});
    const options: object = probe.paramGroups[0]!;
    return Object.entries(VARIANTS)
      .filter(([, variant]) => Object.keys(variant("cpu")).every((option) => option in options))
      .map(([variant, given]) => [`${name} ${variant}`, make, given] as const);
  })
  .filter(([name]) => name !== "MuonComposite with a rate on the device"); // its rates are numbers

const WEIGHTS = [
  [1, -2, 3],
  [-0.5, 0.25, 2],
];
const gradient = (step: number, device: string): Tensor =>
  tensor(
    WEIGHTS.map((row, i) => row.map((_, j) => Math.sin(3 * i + j + 2 * step))),
    { device },
  );

/** Parameters after steps of an optimizer; `afterStep` is called after each. */
function train(
  make: Make,
  given: (device: string) => object,
  device: string,
  afterStep: () => void = () => {},
): unknown {
  return scope(() => {
    const params = [tensor(WEIGHTS, { device }), tensor([WEIGHTS[0]!], { device })].map((one) => one.requiresGrad_());
    const optimizer = make(params, given(device));
    for (let step = 0; step < 5; step++) {
      params[0]!.grad = gradient(step, device);
      params[1]!.grad = gradient(step, device).narrow(0, 0, 1);
      takeCounts();
      optimizer.step();
      afterStep();
    }
    return params.map((param) => param.to("cpu").toArray());
  });
}

testOnCuda.each(cases)("%s: values are the CPU's", (name, make, given) => {
  const onDevice = train(make, given, "cuda") as number[][][];
  const onCpu = train(make, given, "cpu") as number[][][];
  expect(onDevice.flat(2).length).toBe(9);
  // Newton and Schulz's iteration is in bfloat16
  const digits = /Muon/.test(name) ? 3 : 6;
  for (const [i, value] of onDevice.flat(2).entries()) expect(value).toBeCloseTo(onCpu.flat(2)[i]!, digits);
});

testOnFake.each(cases)("%s: a step waits for nothing", (name, make, given) => {
  const waits: number[] = [];
  train(make, given, "cuda", () => waits.push(takeCounts().synchronizations));
  expect(waits.slice(1)).toEqual([0, 0, 0, 0]);
  if (given === VARIANTS["by list operators"] && name.startsWith("ASGD")) expect(waits[0]).toBeGreaterThan(0); // it counts
});

testOnCuda("a rate that was changed on the device is the one that is used", () => {
  const [lr, weight] = [full([], 0.5, { device: "cuda" }), tensor([1], { device: "cuda" }).requiresGrad_()];
  const optimizer = new optim.SGD([weight], { lr, foreach: true });
  for (const rate of [0.5, 0.25, 0.125]) {
    lr.fill_(rate);
    weight.grad = tensor([1], { device: "cuda" });
    optimizer.step();
  }
  expect(weight.to("cpu").toArray()).toEqual([0.125]);
});

testOnCuda("counts that a file brings are those that go on", () => {
  const options = { capturable: true, lr: 0.1 };
  const made = (): [Tensor, optim.NAdam] => {
    const weight = tensor([1, 2], { device: "cuda" }).requiresGrad_();
    return [weight, new optim.NAdam([weight], options)];
  };
  const step = ([weight, optimizer]: [Tensor, optim.NAdam]): void => {
    weight.grad = tensor([0.3, -0.1], { device: "cuda" });
    optimizer.step();
  };
  const first = made();
  for (let i = 0; i < 3; i++) step(first);
  const second = made();
  for (let i = 0; i < 5; i++) step(second);
  const saved = first[1].stateDict();
  const clone = (values: optim.ParamState): optim.ParamState =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, (value as Tensor).clone()]));
  const state = new Map([...saved.state].map(([index, values]) => [index, clone(values)]));
  second[1].loadStateDict({ state, param_groups: saved.param_groups });
  second[0].detach().copy_(first[0].detach());
  step(first);
  step(second);
  expect(second[0].to("cpu").toArray()).toEqual(first[0].to("cpu").toArray());
});
