/** Schedules along a cosine, Loshchilov & Hutter 2016 (arXiv 1608.03983). */
import { checkArgument, checkOptions, integer, positive, real } from "../../arguments";
import type { AnyOptimizer } from "../optimizer";
import { LRScheduler, type SchedulerOptions, type SchedulerState } from "./scheduler";

/** From the initial rate down to `etaMin` (default 0) over `tMax` steps, and up again. */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number;
  readonly etaMin: number;

  constructor(
    optimizer: AnyOptimizer,
    tMax: number,
    options: SchedulerOptions & { etaMin?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkArgument("CosineAnnealingLR", "tMax", tMax, positive);
    checkOptions("CosineAnnealingLR", options, { lastEpoch: integer, etaMin: real }, surplus);
    this.tMax = tMax;
    this.etaMin = options.etaMin ?? 0;
    this.begin();
  }

  protected nextRates(): number[] {
    const { tMax, etaMin, lastEpoch } = this;
    if (this.isInitial) return this.rates;
    if (this.stepCount === 1 && lastEpoch > 0) return this.ratesFromStart();
    // at the bottom the ratio of two steps has no meaning
    if ((lastEpoch - 1 - tMax) % (2 * tMax) === 0)
      return this.rates.map((lr, i) => lr + ((this.baseLrs[i]! - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2);
    const height = (epoch: number): number => 1 + Math.cos((Math.PI * epoch) / tMax);
    return this.rates.map((lr) => (height(lastEpoch) / height(lastEpoch - 1)) * (lr - etaMin) + etaMin);
  }
  protected override ratesFromStart(): number[] {
    const height = 1 + Math.cos((Math.PI * this.lastEpoch) / this.tMax);
    return this.baseLrs.map((lr) => this.etaMin + ((lr - this.etaMin) * height) / 2);
  }
  /** PyTorch's names have a capital T. */
  override stateDict(): SchedulerState {
    return { T_max: this.tMax, eta_min: this.etaMin, ...super.stateDict() };
  }
}

/** From the initial rate down to `etaMin` (default 0) over `t0` steps, then anew, `tMult` (default 1) times as long each time. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  readonly t0: number;
  readonly tMult: number;
  readonly etaMin: number;
  /** Length of this period. */
  protected tI: number;
  /** Steps done in it. */
  protected tCur: number;

  constructor(
    optimizer: AnyOptimizer,
    t0: number,
    options: SchedulerOptions & { tMult?: number; etaMin?: number } = {},
    ...surplus: never[]
  ) {
    super(optimizer, options.lastEpoch);
    checkArgument("CosineAnnealingWarmRestarts", "t0", t0, positive);
    checkOptions(
      "CosineAnnealingWarmRestarts",
      options,
      { lastEpoch: integer, tMult: positive, etaMin: real },
      surplus,
    );
    this.t0 = t0;
    this.tMult = options.tMult ?? 1;
    this.etaMin = options.etaMin ?? 0;
    this.tI = t0;
    this.tCur = options.lastEpoch ?? -1;
    this.begin();
  }

  protected nextRates(): number[] {
    const height = 1 + Math.cos((Math.PI * this.tCur) / this.tI);
    return this.baseLrs.map((lr) => this.etaMin + ((lr - this.etaMin) * height) / 2);
  }

  override step(): void {
    if (this.lastEpoch < 0) return this.restart(0);
    this.tCur++;
    if (this.tCur >= this.tI) {
      this.tCur %= this.tI;
      this.tI *= this.tMult;
    }
    this.lastEpoch++;
    this.apply(this.nextRates());
  }

  override restart(epoch: number): void {
    this.tI = this.t0;
    this.tCur = epoch;
    while (this.tCur >= this.tI) {
      this.tCur -= this.tI;
      this.tI *= this.tMult;
    }
    super.restart(epoch);
  }

  /** PyTorch's names have a capital T. */
  override stateDict(): SchedulerState {
    const { t0: T_0, tI: T_i, tMult: T_mult, etaMin: eta_min, tCur: T_cur } = this;
    return { T_0, T_i, T_mult, eta_min, T_cur, ...super.stateDict() };
  }

  override loadStateDict(state: SchedulerState): void {
    super.loadStateDict(state);
    this.tI = state["T_i"] as number;
    this.tCur = state["T_cur"] as number;
  }
}
