import { checkArgument, type Kind, show } from "../../arguments";
import { TorchError } from "../../errors";
import { Tensor } from "../../tensor";
import { toSnakeCase } from "../../nn/naming";
import { write } from "../known-values";
import { type AnyOptimizer, Optimizer, learningRate } from "../optimizer";

/** What a scheduler stores: PyTorch's names and values. */
export type SchedulerState = Record<string, unknown>;

/** A group of an optimizer, with what schedulers note in it. */
export type ScheduledGroup = AnyOptimizer["paramGroups"][number] & Record<string, unknown> & { lr: number | Tensor };

export const optimizerKind: Kind = { text: "an optimizer", accepts: (value) => value instanceof Optimizer };

/** The groups of an optimizer, as schedulers see them. */
export function groupsOf(optimizer: AnyOptimizer): ScheduledGroup[] {
  return optimizer.paramGroups as ScheduledGroup[];
}

/** Sets the learning rate of a group, in the tensor where it is one. */
export function setLearningRate(group: ScheduledGroup, value: number): void {
  if (group.lr instanceof Tensor) write(group.lr, value);
  else group.lr = value;
}

/** A number for each group, from one or a list. */
export function perGroup(
  where: string,
  name: string,
  optimizer: AnyOptimizer,
  value: number | readonly number[],
): number[] {
  const groups = optimizer.paramGroups.length;
  if (typeof value === "number") return Array<number>(groups).fill(value);
  if (!Array.isArray(value) || value.length !== groups || !value.every((each) => typeof each === "number"))
    throw new TorchError(
      `${where}: expected a number or ${groups}, one for each group, for ${name}, got ${show(value)}`,
    );
  return [...(value as readonly number[])];
}

/** The option that all schedulers share. */
export interface SchedulerOptions {
  /** The step that was last (default −1: begin; otherwise groups must have an `initialLr`). */
  lastEpoch?: number;
}

/**
 * Base of the learning-rate schedules for loops of one's own: `torch.optim.lr_scheduler`. `step()` comes after `optimizer.step()`, once
 * an epoch or an update, as the schedule is meant. Formulas are PyTorch's, from one step to the next, so that schedules can be chained.
 */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer;
  /** The rates of the groups at the beginning. */
  baseLrs: number[];
  /** Steps done. */
  lastEpoch: number;
  /** How often `step` was called, at the beginning included. */
  protected stepCount = 0;
  /** True while the first values are set. */
  protected isInitial = false;
  protected lastLr: number[] = [];

  constructor(optimizer: AnyOptimizer, lastEpoch = -1) {
    checkArgument(this.constructor.name, "optimizer", optimizer, optimizerKind);
    this.optimizer = optimizer;
    this.groups.forEach((group, i) => {
      if (lastEpoch === -1) group["initialLr"] ??= learningRate(group.lr);
      else if (group["initialLr"] === undefined)
        throw new TorchError(
          `${this.constructor.name}: expected an initialLr in group ${i} when it goes on from lastEpoch ${lastEpoch}; load the optimizer's state first`,
        );
    });
    this.baseLrs = this.groups.map((group) => group["initialLr"] as number);
    this.lastEpoch = lastEpoch;
  }

  protected get groups(): ScheduledGroup[] {
    return groupsOf(this.optimizer);
  }
  protected get rates(): number[] {
    return this.groups.map((group) => learningRate(group.lr));
  }

  /** Sets the rates of the first step: constructors end with it. */
  begin(): void {
    this.stepCount = 0;
    this.isInitial = true;
    try {
      this.step();
    } finally {
      this.isInitial = false;
    }
  }

  /** The rates of step {@link lastEpoch}, from those of the step before. */
  protected abstract nextRates(): number[];
  /** The rates of step {@link lastEpoch} from the beginning's, where there is a formula. */
  protected ratesFromStart(): number[] {
    return this.nextRates();
  }

  /** The next step's rates. */
  step(): void {
    this.stepCount++;
    this.lastEpoch++;
    this.apply(this.nextRates());
  }

  /** Back to a step: what `SequentialLR` does when it is this schedule's turn. */
  restart(epoch: number): void {
    this.lastEpoch = epoch;
    this.apply(this.ratesFromStart());
  }

  protected apply(rates: readonly number[]): void {
    this.groups.forEach((group, i) => setLearningRate(group, rates[i]!));
    this.lastLr = this.rates;
  }

  /** The rates that were set last, by group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** Numbers, texts and lists that a schedule keeps beside the common ones, by property. */
  protected ownState(): SchedulerState {
    return {};
  }

  /** All that is needed to go on, under PyTorch's names: `{ base_lrs, last_epoch, _step_count, _last_lr, … }`. */
  stateDict(): SchedulerState {
    const own = Object.fromEntries(Object.entries(this.ownState()).map(([name, value]) => [toSnakeCase(name), value]));
    return {
      ...own,
      base_lrs: [...this.baseLrs],
      last_epoch: this.lastEpoch,
      _step_count: this.stepCount,
      _is_initial: false,
      _get_lr_called_within_step: false,
      _last_lr: this.getLastLr(),
    };
  }

  /** Takes up a state of {@link stateDict}, or of PyTorch; the optimizer's own state holds the rates. */
  loadStateDict(state: SchedulerState): void {
    const need = (name: string): unknown => {
      if (!(name in state))
        throw new TorchError(
          `${this.constructor.name}.loadStateDict: expected "${name}" in the state, got { ${Object.keys(state).join(", ")} }`,
        );
      return state[name];
    };
    const own = this.ownState();
    const values = Object.keys(own).map((name) => [name, need(toSnakeCase(name))] as const);
    const [lastEpoch, stepCount, lastLr] = [need("last_epoch"), need("_step_count"), need("_last_lr")];
    if ("base_lrs" in state) this.baseLrs = [...(state["base_lrs"] as number[])];
    this.lastEpoch = lastEpoch as number;
    this.stepCount = stepCount as number;
    this.lastLr = [...(lastLr as number[])];
    Object.assign(this, Object.fromEntries(values));
  }
}
