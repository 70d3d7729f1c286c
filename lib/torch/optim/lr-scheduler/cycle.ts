/** Cycles of rate and momentum, Smith 2015 (arXiv 1506.01186) and 2018 (arXiv 1803.09820). */
import { callable, checkArgument, checkOptions, flag, integer, nullable, oneOf, positive, real } from "../../arguments";
import { TorchError } from "../../errors";
import type { AnyOptimizer } from "../optimizer";
import {
  groupsOf,
  LRScheduler,
  perGroup,
  type ScheduledGroup,
  type SchedulerOptions,
  type SchedulerState,
  setLearningRate,
} from "./scheduler";

type PerGroup = number | readonly number[];
const anyNumbers = {
  text: "a number, or one for each group",
  accepts: (value: unknown) => typeof value === "number" || Array.isArray(value),
};

/** Sets the momentum of a group: `momentum`, or the first of `betas`. */
function setMomentum(group: ScheduledGroup, value: number): void {
  const { betas } = group as { betas?: readonly number[] };
  if (betas !== undefined) group["betas"] = [value, ...betas.slice(1)];
  else group["momentum"] = value;
}

function needsMomentum(where: string, optimizer: AnyOptimizer): void {
  if (!groupsOf(optimizer).every((group) => "momentum" in group || "betas" in group))
    throw new TorchError(
      `${where}: expected an optimizer with momentum or betas, got ${optimizer.constructor.name}; cycleMomentum: false leaves the momentum alone`,
    );
}

/** Options of {@link CyclicLR}. */
export interface CyclicLROptions extends SchedulerOptions {
  /** Steps from the lowest to the highest rate (default 2000). */
  stepSizeUp?: number;
  /** Steps back (default: as many). */
  stepSizeDown?: number | null;
  /** `"triangular"` (default), `"triangular2"` halves the height each cycle, `"exp_range"` multiplies it by gamma each step. */
  mode?: "triangular" | "triangular2" | "exp_range";
  /** Default 1. */
  gamma?: number;
  /** A height of one's own, by cycle or step. */
  scaleFn?: ((x: number) => number) | null;
  /** What `scaleFn` gets (default `"cycle"`). */
  scaleMode?: "cycle" | "iterations";
  /** Let the momentum cycle the other way (default true). */
  cycleMomentum?: boolean;
  /** Default 0.8. */
  baseMomentum?: PerGroup;
  /** Default 0.9. */
  maxMomentum?: PerGroup;
}

/** Up and down between `baseLr` and `maxLr`. A function for the height is not part of the state. */
export class CyclicLR extends LRScheduler {
  protected readonly maxLrs: number[];
  protected readonly totalSize: number;
  protected readonly stepRatio: number;
  readonly mode: "triangular" | "triangular2" | "exp_range";
  readonly gamma: number;
  protected readonly scaleMode: "cycle" | "iterations";
  protected readonly scale: (x: number) => number;
  readonly cycleMomentum: boolean;
  protected readonly baseMomentums: number[] = [];
  protected readonly maxMomentums: number[] = [];

  constructor(
    optimizer: AnyOptimizer,
    baseLr: PerGroup,
    maxLr: PerGroup,
    options: CyclicLROptions = {},
    ...surplus: never[]
  ) {
    const name = "CyclicLR";
    super(optimizer, options.lastEpoch);
    checkOptions(
      name,
      options,
      {
        lastEpoch: integer,
        stepSizeUp: positive,
        stepSizeDown: nullable(positive),
        mode: oneOf("triangular", "triangular2", "exp_range"),
        gamma: real,
        scaleFn: nullable(callable),
        scaleMode: oneOf("cycle", "iterations"),
        cycleMomentum: flag,
        baseMomentum: anyNumbers,
        maxMomentum: anyNumbers,
      },
      surplus,
    );
    const baseLrs = perGroup(name, "baseLr", optimizer, baseLr);
    const begins = (options.lastEpoch ?? -1) === -1;
    const { stepSizeUp = 2000, mode = "triangular", gamma = 1, scaleFn = null } = options;
    const stepSizeDown = options.stepSizeDown ?? stepSizeUp;
    this.maxLrs = perGroup(name, "maxLr", optimizer, maxLr);
    this.totalSize = stepSizeUp + stepSizeDown;
    this.stepRatio = stepSizeUp / this.totalSize;
    this.mode = mode;
    this.gamma = gamma;
    this.scaleMode = scaleFn !== null ? (options.scaleMode ?? "cycle") : mode === "exp_range" ? "iterations" : "cycle";
    const heights = {
      triangular: () => 1,
      triangular2: (cycle: number) => 1 / 2 ** (cycle - 1),
      exp_range: (step: number) => gamma ** step,
    };
    this.scale = scaleFn ?? heights[mode];
    this.cycleMomentum = options.cycleMomentum ?? true;
    if (this.cycleMomentum) {
      needsMomentum(name, optimizer);
      this.baseMomentums = perGroup(name, "baseMomentum", optimizer, options.baseMomentum ?? 0.8);
      this.maxMomentums = perGroup(name, "maxMomentum", optimizer, options.maxMomentum ?? 0.9);
    }
    this.baseLrs = baseLrs;
    if (begins) this.groups.forEach((group, i) => setLearningRate(group, baseLrs[i]!));
    this.begin();
  }

  protected nextRates(): number[] {
    const cycle = Math.floor(1 + this.lastEpoch / this.totalSize);
    const x = 1 + this.lastEpoch / this.totalSize - cycle;
    const height = x <= this.stepRatio ? x / this.stepRatio : (x - 1) / (this.stepRatio - 1);
    const scale = this.scale(this.scaleMode === "cycle" ? cycle : this.lastEpoch);
    if (this.cycleMomentum)
      this.groups.forEach((group, i) =>
        setMomentum(group, this.maxMomentums[i]! - (this.maxMomentums[i]! - this.baseMomentums[i]!) * height * scale),
      );
    return this.baseLrs.map((lr, i) => lr + (this.maxLrs[i]! - lr) * height * scale);
  }

  override stateDict(): SchedulerState {
    return {
      max_lrs: this.maxLrs,
      total_size: this.totalSize,
      step_ratio: this.stepRatio,
      mode: this.mode,
      gamma: this.gamma,
      scale_mode: this.scaleMode,
      cycle_momentum: this.cycleMomentum,
      ...super.stateDict(),
      _scale_fn_custom: null,
    };
  }
}

/** Options of {@link OneCycleLR}; give `totalSteps`, or `epochs` and `stepsPerEpoch`. */
export interface OneCycleLROptions extends SchedulerOptions {
  totalSteps?: number | null;
  epochs?: number | null;
  stepsPerEpoch?: number | null;
  /** Share of the steps that rise (default 0.3). */
  pctStart?: number;
  /** Default `"cos"`. */
  annealStrategy?: "cos" | "linear";
  /** Let the momentum cycle the other way (default true). */
  cycleMomentum?: boolean;
  /** Default 0.85. */
  baseMomentum?: PerGroup;
  /** Default 0.95. */
  maxMomentum?: PerGroup;
  /** The first rate is maxLr divided by this (default 25). */
  divFactor?: number;
  /** The last rate is the first divided by this (default 1e4). */
  finalDivFactor?: number;
  /** Go back to the first rate in a phase of its own (default false). */
  threePhase?: boolean;
}

interface Phase {
  readonly end: number;
  readonly lr: readonly ["initialLr" | "maxLr" | "minLr", "initialLr" | "maxLr" | "minLr"];
  readonly momentum: readonly ["maxMomentum" | "baseMomentum", "maxMomentum" | "baseMomentum"];
}

/** Up to `maxLr` and down to nearly nothing, once. */
export class OneCycleLR extends LRScheduler {
  readonly totalSteps: number;
  readonly cycleMomentum: boolean;
  protected readonly annealStrategy: "cos" | "linear";
  protected readonly phases: readonly Phase[];

  constructor(optimizer: AnyOptimizer, maxLr: PerGroup, options: OneCycleLROptions = {}, ...surplus: never[]) {
    const name = "OneCycleLR";
    checkArgument(name, "maxLr", maxLr, anyNumbers);
    const whole = nullable(positive);
    checkOptions(
      name,
      options,
      {
        lastEpoch: integer,
        totalSteps: whole,
        epochs: whole,
        stepsPerEpoch: whole,
        pctStart: {
          text: "a number between 0 and 1",
          accepts: (value) => typeof value === "number" && value >= 0 && value <= 1,
        },
        annealStrategy: oneOf("cos", "linear"),
        cycleMomentum: flag,
        baseMomentum: anyNumbers,
        maxMomentum: anyNumbers,
        divFactor: real,
        finalDivFactor: real,
        threePhase: flag,
      },
      surplus,
    );
    const { epochs = null, stepsPerEpoch = null, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
    const totalSteps =
      options.totalSteps ?? (epochs !== null && stepsPerEpoch !== null ? epochs * stepsPerEpoch : null);
    if (totalSteps === null)
      throw new TorchError(`${name}: expected totalSteps, or epochs and stepsPerEpoch, got neither`);
    const begins = (options.lastEpoch ?? -1) === -1;
    const groups = groupsOf(optimizer);
    if (begins)
      perGroup(name, "maxLr", optimizer, maxLr).forEach((highest, i) => {
        const initialLr = highest / divFactor;
        Object.assign(groups[i]!, { initialLr, maxLr: highest, minLr: initialLr / finalDivFactor });
      });
    super(optimizer, options.lastEpoch);
    this.totalSteps = totalSteps;
    this.annealStrategy = options.annealStrategy ?? "cos";
    this.cycleMomentum = options.cycleMomentum ?? true;
    if (this.cycleMomentum) {
      needsMomentum(name, optimizer);
      const lowest = perGroup(name, "baseMomentum", optimizer, options.baseMomentum ?? 0.85);
      const highest = perGroup(name, "maxMomentum", optimizer, options.maxMomentum ?? 0.95);
      if (begins)
        groups.forEach((group, i) => {
          setMomentum(group, highest[i]!);
          Object.assign(group, { maxMomentum: highest[i], baseMomentum: lowest[i] });
        });
    }
    const up: Phase = {
      end: pctStart * totalSteps - 1,
      lr: ["initialLr", "maxLr"],
      momentum: ["maxMomentum", "baseMomentum"],
    };
    this.phases = options.threePhase
      ? [
          up,
          { end: 2 * pctStart * totalSteps - 2, lr: ["maxLr", "initialLr"], momentum: ["baseMomentum", "maxMomentum"] },
          { end: totalSteps - 1, lr: ["initialLr", "minLr"], momentum: ["maxMomentum", "maxMomentum"] },
        ]
      : [up, { end: totalSteps - 1, lr: ["maxLr", "minLr"], momentum: ["baseMomentum", "maxMomentum"] }];
    this.begin();
  }

  #anneal(from: number, to: number, share: number): number {
    return this.annealStrategy === "cos"
      ? to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1)
      : (to - from) * share + from;
  }

  protected nextRates(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps)
      throw new TorchError(`OneCycleLR.step: expected ${this.totalSteps} steps at most, got step ${step}`);
    const found = this.phases.findIndex((phase) => step <= phase.end);
    const index = found === -1 ? this.phases.length - 1 : found;
    const [start, phase] = [this.phases[index - 1]?.end ?? 0, this.phases[index]!];
    const share = (step - start) / (phase.end - start);
    return this.groups.map((group) => {
      const value = (name: string): number => group[name] as number;
      if (this.cycleMomentum)
        setMomentum(group, this.#anneal(value(phase.momentum[0]), value(phase.momentum[1]), share));
      return this.#anneal(value(phase.lr[0]), value(phase.lr[1]), share);
    });
  }

  override stateDict(): SchedulerState {
    const { totalSteps: total_steps, cycleMomentum: cycle_momentum, annealStrategy: _anneal_func_type } = this;
    return { total_steps, cycle_momentum, _anneal_func_type, ...super.stateDict() };
  }
}
