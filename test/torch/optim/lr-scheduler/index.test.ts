/** Rates, momenta and states of PyTorch's schedules (`../fixtures/make_lr_scheduler.py`). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nn, optim, zeros } from "../../../../lib/torch";
import { lrScheduler as s } from "../../../../lib/torch/optim";

interface Recorded {
  readonly rates: readonly (readonly number[])[];
  readonly momenta: readonly (readonly number[])[];
  /** After 15 steps. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly groups: readonly Readonly<Record<string, unknown>>[];
}
const { metrics, schedules } = JSON.parse(
  readFileSync(join(__dirname, "..", "fixtures", "lr_scheduler.json"), "utf8"),
) as { metrics: readonly number[]; schedules: Readonly<Record<string, Recorded>> };

type Schedule = s.Chainable | s.ReduceLROnPlateau;
type Sgd = optim.SGD;
const MAKE: Readonly<Record<string, (o: Sgd) => Schedule>> = {
  StepLR: (o) => new s.StepLR(o, 7, { gamma: 0.5 }),
  MultiStepLR: (o) => new s.MultiStepLR(o, [4, 4, 11, 30], { gamma: 0.3 }),
  ConstantLR: (o) => new s.ConstantLR(o, { factor: 0.4, totalIters: 6 }),
  LinearLR: (o) => new s.LinearLR(o, { startFactor: 0.2, endFactor: 0.7, totalIters: 9 }),
  ExponentialLR: (o) => new s.ExponentialLR(o, 0.93),
  PolynomialLR: (o) => new s.PolynomialLR(o, { totalIters: 12, power: 1.7 }),
  CosineAnnealingLR: (o) => new s.CosineAnnealingLR(o, 9, { etaMin: 1e-4 }),
  CosineAnnealingWarmRestarts: (o) => new s.CosineAnnealingWarmRestarts(o, 4, { tMult: 2, etaMin: 1e-4 }),
  CyclicLR: (o) => new s.CyclicLR(o, [0.01, 0.02], 0.1, { stepSizeUp: 4, stepSizeDown: 6, mode: "triangular2" }),
  "CyclicLR exp_range": (o) =>
    new s.CyclicLR(o, 0.01, 0.1, { stepSizeUp: 5, mode: "exp_range", gamma: 0.97, cycleMomentum: false }),
  OneCycleLR: (o) => new s.OneCycleLR(o, 0.1, { totalSteps: 45 }),
  "OneCycleLR three_phase": (o) =>
    new s.OneCycleLR(o, [0.1, 0.2], {
      epochs: 9,
      stepsPerEpoch: 5,
      threePhase: true,
      annealStrategy: "linear",
      divFactor: 10,
    }),
  SequentialLR: (o) =>
    new s.SequentialLR(
      o,
      [
        new s.LinearLR(o, { startFactor: 0.1, totalIters: 5 }),
        new s.CosineAnnealingLR(o, 20),
        new s.ExponentialLR(o, 0.9),
      ],
      [5, 25],
    ),
  ChainedScheduler: (o) =>
    new s.ChainedScheduler([new s.ConstantLR(o, { factor: 0.1, totalIters: 4 }), new s.ExponentialLR(o, 0.95)]),
  LambdaLR: (o) => new s.LambdaLR(o, [(epoch) => 1 / (1 + epoch), (epoch) => 0.9 ** epoch]),
  MultiplicativeLR: (o) => new s.MultiplicativeLR(o, (epoch) => 0.95 + 0.001 * epoch),
  ReduceLROnPlateau: (o) =>
    new s.ReduceLROnPlateau(o, { factor: 0.5, patience: 2, cooldown: 1, minLr: [1e-3, 0.02], threshold: 0.01 }),
  "ReduceLROnPlateau max": (o) =>
    new s.ReduceLROnPlateau(o, { mode: "max", patience: 3, thresholdMode: "abs", threshold: 0.2 }),
};

function sgd(): Sgd {
  const parameter = () => new nn.Parameter(zeros([1]));
  return new optim.SGD([{ params: [parameter()] }, { params: [parameter()], lr: 0.07 }], { lr: 0.05, momentum: 0.6 });
}
function step(schedule: Schedule, number: number): void {
  if (schedule instanceof s.ReduceLROnPlateau) schedule.step(metrics[number]!);
  else schedule.step();
}
const near = (where: string, actual: readonly number[], expected: readonly number[]) =>
  expected.forEach((value, i) => {
    if (!(Math.abs(actual[i]! - value) <= 1e-12 * Math.max(1e-3, Math.abs(value))))
      throw new Error(`${where}, group ${i}: expected ${value}, got ${actual[i]}`);
  });
const rates = (o: Sgd) => o.paramGroups.map(({ lr }) => lr as number);
const momenta = (o: Sgd) => o.paramGroups.map(({ momentum }) => momentum);

/** Python's infinities, which JSON lacks. */
const revive = (value: unknown): unknown => (value === "inf" ? Infinity : value === "-inf" ? -Infinity : value);

test("every schedule of PyTorch is compared", () => {
  expect(Object.keys(MAKE)).toEqual(Object.keys(schedules));
});

test.each(Object.keys(schedules))("%s gives PyTorch's rates and momenta", (name) => {
  const optimizer = sgd();
  const schedule = MAKE[name]!(optimizer);
  schedules[name]!.rates.forEach((expected, number) => {
    near(`rates of step ${number}`, rates(optimizer), expected);
    near(`momenta of step ${number}`, momenta(optimizer), schedules[name]!.momenta[number]!);
    step(schedule, number);
  });
});

test.each(Object.keys(schedules))("%s goes on from PyTorch's state", (name) => {
  const { state, groups } = schedules[name]!;
  const optimizer = sgd();
  const schedule = MAKE[name]!(optimizer);
  schedule.loadStateDict(Object.fromEntries(Object.entries(state).map(([key, value]) => [key, revive(value)])));
  optimizer.paramGroups.forEach((group, i) => {
    group.lr = groups[i]!["lr"] as number;
    group.momentum = groups[i]!["momentum"] as number;
  });
  near("last rates", schedule.getLastLr(), rates(optimizer));
  for (let number = 15; number < 41; number++) {
    near(`rates of step ${number}`, rates(optimizer), schedules[name]!.rates[number]!);
    step(schedule, number);
  }
});

test.each(Object.keys(schedules))("%s stores what PyTorch stores, under its names", (name) => {
  const optimizer = sgd();
  const schedule = MAKE[name]!(optimizer);
  for (let number = 0; number < 15; number++) step(schedule, number);
  const own = schedule.stateDict();
  const theirs = schedules[name]!.state;
  const needed = ["base_lrs", "last_epoch", "_step_count", "_last_lr", "best", "num_bad_epochs", "cooldown_counter"];
  for (const key of needed.filter((key) => key in theirs)) {
    const [mine, value] = [own[key], revive(theirs[key])];
    near(key, [mine].flat() as number[], [value].flat() as number[]);
  }
});

test("a learning rate in a tensor stays there", () => {
  const rate = zeros([]).fill_(0.5);
  const optimizer = new optim.SGD([new nn.Parameter(zeros([1]))], { lr: rate });
  new s.ExponentialLR(optimizer, 0.5).step();
  expect([optimizer.paramGroups[0]!.lr, rate.item()]).toEqual([rate, 0.25]);
});

test("wrong arguments are refused", () => {
  const optimizer = sgd();
  expect(() => new s.StepLR(optimizer, 0)).toThrow("StepLR: expected an integer of at least 1 for stepSize, got 0");
  expect(() => new s.StepLR(optimizer, 3, { gama: 0.5 } as never)).toThrow('did you mean "gamma"');
  expect(() => new s.LambdaLR(optimizer, [(x) => x])).toThrow("expected a function, or 2, one for each group");
  expect(() => new s.OneCycleLR(optimizer, 0.1)).toThrow("expected totalSteps, or epochs and stepsPerEpoch");
  expect(() => new s.SequentialLR(optimizer, [new s.StepLR(optimizer, 2)], [1])).toThrow("one milestone less");
  expect(() => new s.ChainedScheduler([new s.StepLR(optimizer, 2), new s.StepLR(sgd(), 2)])).toThrow(
    "of one optimizer",
  );
  expect(() => new s.StepLR(optimizer, 2).loadStateDict({})).toThrow('expected "step_size" in the state');
  expect(() => new s.StepLR({} as never, 2)).toThrow("expected an optimizer");
});
