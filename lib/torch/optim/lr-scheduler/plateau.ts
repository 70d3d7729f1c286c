import { checkArgument, checkOptions, count, either, nonNegative, oneOf, real, tensor } from "../../arguments";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";
import { type AnyOptimizer, learningRate } from "../optimizer";
import {
  groupsOf,
  optimizerKind,
  perGroup,
  type ScheduledGroup,
  type SchedulerState,
  setLearningRate,
} from "./scheduler";

/** Options of {@link ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Whether the metric should fall (default) or rise. */
  mode?: "min" | "max";
  /** What rates are multiplied by (default 0.1). */
  factor?: number;
  /** Steps without improvement that are borne (default 10). */
  patience?: number;
  /** What counts as an improvement (default 1e-4). */
  threshold?: number;
  /** As a share of the best value (default), or absolute. */
  thresholdMode?: "rel" | "abs";
  /** Steps after a reduction that do not count (default 0). */
  cooldown?: number;
  /** Lowest rate, one for all groups or one each (default 0). */
  minLr?: number | readonly number[];
  /** Smaller changes are left out (default 1e-8). */
  eps?: number;
}

/** Lowers the rates when a metric stops to improve. */
export class ReduceLROnPlateau {
  readonly optimizer: AnyOptimizer;
  readonly mode: "min" | "max";
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  readonly thresholdMode: "rel" | "abs";
  readonly cooldown: number;
  readonly minLrs: readonly number[];
  readonly eps: number;
  /** The best value so far. */
  best: number;
  numBadEpochs = 0;
  cooldownCounter = 0;
  lastEpoch = 0;
  #lastLr: number[];

  constructor(optimizer: AnyOptimizer, options: ReduceLROnPlateauOptions = {}, ...surplus: never[]) {
    const name = "ReduceLROnPlateau";
    checkArgument(name, "optimizer", optimizer, optimizerKind);
    checkOptions(
      name,
      options,
      {
        mode: oneOf("min", "max"),
        factor: real,
        patience: count,
        threshold: real,
        thresholdMode: oneOf("rel", "abs"),
        cooldown: count,
        minLr: { text: "a number, or one for each group", accepts: (x) => typeof x === "number" || Array.isArray(x) },
        eps: nonNegative,
      },
      surplus,
    );
    this.optimizer = optimizer;
    this.mode = options.mode ?? "min";
    this.factor = options.factor ?? 0.1;
    this.patience = options.patience ?? 10;
    this.threshold = options.threshold ?? 1e-4;
    this.thresholdMode = options.thresholdMode ?? "rel";
    this.cooldown = options.cooldown ?? 0;
    this.minLrs = perGroup(name, "minLr", optimizer, options.minLr ?? 0);
    this.eps = options.eps ?? 1e-8;
    if (!(this.factor < 1)) throw new TorchError(`${name}: expected a factor below 1, got ${this.factor}`);
    this.best = this.mode === "min" ? Infinity : -Infinity;
    this.#lastLr = this.#groups.map((group) => learningRate(group.lr));
  }

  get #groups(): ScheduledGroup[] {
    return groupsOf(this.optimizer);
  }

  #isBetter(value: number): boolean {
    const { best, threshold, mode } = this;
    const relative = this.thresholdMode === "rel";
    if (mode === "min") return value < (relative ? best * (1 - threshold) : best - threshold);
    return value > (relative ? best * (1 + threshold) : best + threshold);
  }

  /** @param metric this step's value; a NaN is no improvement. */
  step(metric: number | Tensor): void {
    checkArgument("ReduceLROnPlateau.step", "metric", typeof metric === "number" ? 0 : metric, either(real, tensor));
    const value = typeof metric === "number" ? metric : Number(metric.item());
    this.lastEpoch++;
    if (this.#isBetter(value)) {
      this.best = value;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.#groups.forEach((group, i) => {
        const old = learningRate(group.lr);
        const lower = Math.max(old * this.factor, this.minLrs[i]!);
        if (old - lower > this.eps) setLearningRate(group, lower);
      });
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.#lastLr = this.#groups.map((group) => learningRate(group.lr));
  }

  /** The rates of the groups after the last step. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  /** All that is needed to go on, under PyTorch's names. */
  stateDict(): SchedulerState {
    return {
      mode: this.mode,
      factor: this.factor,
      patience: this.patience,
      threshold: this.threshold,
      threshold_mode: this.thresholdMode,
      cooldown: this.cooldown,
      min_lrs: [...this.minLrs],
      eps: this.eps,
      best: this.best,
      num_bad_epochs: this.numBadEpochs,
      cooldown_counter: this.cooldownCounter,
      last_epoch: this.lastEpoch,
      _last_lr: this.getLastLr(),
    };
  }

  /** Takes up a state of {@link stateDict}, or of PyTorch. */
  loadStateDict(state: SchedulerState): void {
    for (const name of ["best", "num_bad_epochs", "cooldown_counter", "last_epoch", "_last_lr"])
      if (!(name in state))
        throw new TorchError(
          `ReduceLROnPlateau.loadStateDict: expected "${name}" in the state, got { ${Object.keys(state).join(", ")} }`,
        );
    this.best = state["best"] as number;
    this.numBadEpochs = state["num_bad_epochs"] as number;
    this.cooldownCounter = state["cooldown_counter"] as number;
    this.lastEpoch = state["last_epoch"] as number;
    this.#lastLr = [...(state["_last_lr"] as number[])];
  }
}
