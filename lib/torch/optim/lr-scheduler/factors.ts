/** Schedules that multiply the rates: by functions, steps, lines and powers. */
import {
  arrayOf,
  callable,
  checkArgument,
  checkOptions,
  count,
  either,
  integer,
  positive,
  real,
} from "../../arguments";
import { TorchError } from "../../errors";
import type { AnyOptimizer } from "../optimizer";
import { LRScheduler, type SchedulerOptions, type SchedulerState } from "./scheduler";

const LAST = { lastEpoch: integer };

/** A factor by step. */
export type LRLambda = (epoch: number) => number;

function lambdas(where: string, optimizer: AnyOptimizer, lambda: LRLambda | readonly LRLambda[]): LRLambda[] {
  checkArgument(where, "lrLambda", lambda, either(callable, arrayOf(callable)));
  const groups = optimizer.paramGroups.length;
  const list = typeof lambda === "function" ? Array<LRLambda>(groups).fill(lambda) : [...lambda];
  if (list.length !== groups)
    throw new TorchError(
      `${where}: expected a function, or ${groups}, one for each group, for lrLambda, got ${list.length}`,
    );
  return list;
}

/** initial rate · lambda(step). Functions are not part of the state. */
export class LambdaLR extends LRScheduler {
  readonly lrLambdas: readonly LRLambda[];

  constructor(
    optimizer: AnyOptimizer,
    lrLambda: LRLambda | readonly LRLambda[],
    options: SchedulerOptions = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkOptions("LambdaLR", options, LAST, surplus);
    this.lrLambdas = lambdas("LambdaLR", optimizer, lrLambda);
    this.begin();
  }

  protected nextRates(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.lrLambdas[i]!(this.lastEpoch));
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), lr_lambdas: this.lrLambdas.map(() => null) };
  }
}

/** Rate · lambda(step) at every step. Functions are not part of the state. */
export class MultiplicativeLR extends LRScheduler {
  readonly lrLambdas: readonly LRLambda[];

  constructor(
    optimizer: AnyOptimizer,
    lrLambda: LRLambda | readonly LRLambda[],
    options: SchedulerOptions = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkOptions("MultiplicativeLR", options, LAST, surplus);
    this.lrLambdas = lambdas("MultiplicativeLR", optimizer, lrLambda);
    this.begin();
  }

  protected nextRates(): number[] {
    return this.rates.map((lr, i) => (this.isInitial ? lr : lr * this.lrLambdas[i]!(this.lastEpoch)));
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), lr_lambdas: this.lrLambdas.map(() => null) };
  }
}

/** Rate · gamma (default 0.1) every `stepSize` steps. */
export class StepLR extends LRScheduler {
  readonly stepSize: number;
  readonly gamma: number;

  constructor(
    optimizer: AnyOptimizer,
    stepSize: number,
    options: SchedulerOptions & { gamma?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkArgument("StepLR", "stepSize", stepSize, positive);
    checkOptions("StepLR", options, { ...LAST, gamma: real }, surplus);
    this.stepSize = stepSize;
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  protected nextRates(): number[] {
    const now = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0;
    return now ? this.rates.map((lr) => lr * this.gamma) : this.rates;
  }
  protected override ratesFromStart(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
  protected override ownState(): SchedulerState {
    return { stepSize: this.stepSize, gamma: this.gamma };
  }
}

/** Rate · gamma (default 0.1) at each milestone, as often as it is named. */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[];
  readonly gamma: number;

  constructor(
    optimizer: AnyOptimizer,
    milestones: readonly number[],
    options: SchedulerOptions & { gamma?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkArgument("MultiStepLR", "milestones", milestones, arrayOf(count));
    checkOptions("MultiStepLR", options, { ...LAST, gamma: real }, surplus);
    this.milestones = milestones.toSorted((a, b) => a - b);
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  protected nextRates(): number[] {
    const times = this.milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return times === 0 ? this.rates : this.rates.map((lr) => lr * this.gamma ** times);
  }
  protected override ratesFromStart(): number[] {
    const passed = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    return this.baseLrs.map((lr) => lr * this.gamma ** passed);
  }
  /** PyTorch keeps a counter of milestones, which files hold as a mapping. */
  override stateDict(): SchedulerState {
    const times = new Map<number, number>();
    for (const milestone of this.milestones) times.set(milestone, (times.get(milestone) ?? 0) + 1);
    return { ...super.stateDict(), milestones: times, gamma: this.gamma };
  }
}

/** Initial rate · factor (default ⅓) for `totalIters` (default 5) steps, then the initial rate. */
export class ConstantLR extends LRScheduler {
  readonly factor: number;
  readonly totalIters: number;

  constructor(
    optimizer: AnyOptimizer,
    options: SchedulerOptions & { factor?: number; totalIters?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkOptions("ConstantLR", options, { ...LAST, factor: real, totalIters: count }, surplus);
    this.factor = options.factor ?? 1 / 3;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.factor >= 0 && this.factor <= 1))
      throw new TorchError(`ConstantLR: expected a factor between 0 and 1, got ${this.factor}`);
    this.begin();
  }

  protected nextRates(): number[] {
    if (this.lastEpoch === 0) return this.rates.map((lr) => lr * this.factor);
    return this.lastEpoch === this.totalIters ? this.rates.map((lr) => lr * (1 / this.factor)) : this.rates;
  }
  protected override ratesFromStart(): number[] {
    const factor = this.lastEpoch >= this.totalIters ? 1 : this.factor;
    return this.baseLrs.map((lr) => lr * factor);
  }
  protected override ownState(): SchedulerState {
    return { factor: this.factor, totalIters: this.totalIters };
  }
}

/** Initial rate times a line from `startFactor` (default ⅓) to `endFactor` (default 1) over `totalIters` (default 5) steps. */
export class LinearLR extends LRScheduler {
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;

  constructor(
    optimizer: AnyOptimizer,
    options: SchedulerOptions & { startFactor?: number; endFactor?: number; totalIters?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkOptions("LinearLR", options, { ...LAST, startFactor: real, endFactor: real, totalIters: count }, surplus);
    this.startFactor = options.startFactor ?? 1 / 3;
    this.endFactor = options.endFactor ?? 1;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.startFactor > 0 && this.startFactor <= 1))
      throw new TorchError(`LinearLR: expected a startFactor above 0 and at most 1, got ${this.startFactor}`);
    if (!(this.endFactor >= 0 && this.endFactor <= 1))
      throw new TorchError(`LinearLR: expected an endFactor between 0 and 1, got ${this.endFactor}`);
    this.begin();
  }

  protected nextRates(): number[] {
    if (this.lastEpoch === 0) return this.rates.map((lr) => lr * this.startFactor);
    if (this.isInitial || this.lastEpoch > this.totalIters) return this.rates;
    const slope = this.endFactor - this.startFactor;
    const growth = 1 + slope / (this.totalIters * this.startFactor + (this.lastEpoch - 1) * slope);
    return this.rates.map((lr) => lr * growth);
  }
  protected override ratesFromStart(): number[] {
    const { startFactor, endFactor, totalIters } = this;
    const factor = startFactor + ((endFactor - startFactor) * Math.min(totalIters, this.lastEpoch)) / totalIters;
    return this.baseLrs.map((lr) => lr * factor);
  }
  protected override ownState(): SchedulerState {
    return { startFactor: this.startFactor, endFactor: this.endFactor, totalIters: this.totalIters };
  }
}

/** Rate · gamma at every step. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, gamma: number, options: SchedulerOptions = {}, ...surplus: never[]) {
    super(optimizer, options.lastEpoch);
    checkArgument("ExponentialLR", "gamma", gamma, real);
    checkOptions("ExponentialLR", options, LAST, surplus);
    this.gamma = gamma;
    this.begin();
  }

  protected nextRates(): number[] {
    return this.isInitial ? this.rates : this.rates.map((lr) => lr * this.gamma);
  }
  protected override ratesFromStart(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
  protected override ownState(): SchedulerState {
    return { gamma: this.gamma };
  }
}

/** Initial rate · (1 − step/totalIters)^power, then 0 (defaults 5 and 1). */
export class PolynomialLR extends LRScheduler {
  readonly totalIters: number;
  readonly power: number;

  constructor(
    optimizer: AnyOptimizer,
    options: SchedulerOptions & { totalIters?: number; power?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkOptions("PolynomialLR", options, { ...LAST, totalIters: positive, power: real }, surplus);
    this.totalIters = options.totalIters ?? 5;
    this.power = options.power ?? 1;
    this.begin();
  }

  protected nextRates(): number[] {
    if (this.isInitial || this.lastEpoch > this.totalIters) return this.rates;
    const left = (epoch: number): number => 1 - epoch / this.totalIters;
    const decay = (left(this.lastEpoch) / left(this.lastEpoch - 1)) ** this.power;
    return this.rates.map((lr) => lr * decay);
  }
  protected override ratesFromStart(): number[] {
    const left = 1 - Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * left ** this.power);
  }
  protected override ownState(): SchedulerState {
    return { totalIters: this.totalIters, power: this.power };
  }
}
