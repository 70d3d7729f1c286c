/** Schedules made of others: one after the other, or all at once. */
import { arrayOf, checkArgument, checkOptions, count, integer, type Kind } from "../../arguments";
import { TorchError } from "../../errors";
import { type AnyOptimizer, learningRate } from "../optimizer";
import { LRScheduler, groupsOf, optimizerKind, type SchedulerState, setLearningRate } from "./scheduler";

/** What can be part of {@link SequentialLR} and {@link ChainedScheduler}. */
export type Chainable = LRScheduler | SequentialLR | ChainedScheduler;

const chainable: Kind = {
  text: "a schedule that takes no metric",
  accepts: (value) =>
    value instanceof LRScheduler || value instanceof SequentialLR || value instanceof ChainedScheduler,
};

function checkParts(where: string, optimizer: AnyOptimizer | undefined, parts: readonly Chainable[]): AnyOptimizer {
  checkArgument(where, "schedulers", parts, arrayOf(chainable));
  if (parts.length === 0) throw new TorchError(`${where}: expected at least one schedule, got none`);
  const own = optimizer ?? parts[0]!.optimizer;
  if (parts.some((part) => part.optimizer !== own))
    throw new TorchError(`${where}: expected schedules of one optimizer, got those of several`);
  return own;
}

/** One schedule until the first milestone, the next until the second, … Each begins with its first step. */
export class SequentialLR {
  readonly optimizer: AnyOptimizer;
  readonly milestones: readonly number[];
  lastEpoch: number;
  readonly #parts: readonly Chainable[];
  #lastLr: number[];

  constructor(
    optimizer: AnyOptimizer,
    schedulers: readonly Chainable[],
    milestones: readonly number[],
    options: { lastEpoch?: number } = {},
    ...surplus: never[]
  ) {
    checkArgument("SequentialLR", "optimizer", optimizer, optimizerKind);
    checkArgument("SequentialLR", "milestones", milestones, arrayOf(count));
    checkOptions("SequentialLR", options, { lastEpoch: integer }, surplus);
    this.optimizer = checkParts("SequentialLR", optimizer, schedulers);
    if (milestones.length !== schedulers.length - 1)
      throw new TorchError(
        `SequentialLR: expected one milestone less than schedules, ${schedulers.length - 1}, got ${milestones.length}`,
      );
    this.#parts = schedulers;
    this.milestones = milestones;
    this.lastEpoch = (options.lastEpoch ?? -1) + 1;
    // The parts have set their first rates already: only that of the first counts.
    for (const group of groupsOf(optimizer)) setLearningRate(group, group["initialLr"] as number);
    for (const part of schedulers) undo(part);
    const first = schedulers[this.#turn(0)]!;
    if (first instanceof LRScheduler) first.begin();
    else first.step();
    this.#lastLr = first.getLastLr();
  }

  /** The schedules, in order. */
  get schedulers(): readonly Chainable[] {
    return this.#parts;
  }

  #turn(epoch: number): number {
    return this.milestones.filter((milestone) => milestone <= epoch).length;
  }

  /** The next step's rates. */
  step(): void {
    this.lastEpoch++;
    const turn = this.#turn(this.lastEpoch);
    const part = this.#parts[turn]!;
    if (turn > 0 && this.milestones[turn - 1] === this.lastEpoch && part instanceof LRScheduler) part.restart(0);
    else part.step();
    this.#lastLr = part.getLastLr();
  }

  /** The rates that were set last, by group. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  /** All that is needed to go on, under PyTorch's names. */
  stateDict(): SchedulerState {
    return {
      _milestones: [...this.milestones],
      last_epoch: this.lastEpoch,
      _last_lr: this.getLastLr(),
      _schedulers: this.#parts.map((part) => part.stateDict()),
    };
  }

  /** Takes up a state of {@link stateDict}, or of PyTorch. */
  loadStateDict(state: SchedulerState): void {
    loadParts("SequentialLR", this.#parts, state);
    this.lastEpoch = state["last_epoch"] as number;
    this.#lastLr = [...(state["_last_lr"] as number[])];
  }
}

/** Takes back the step that a schedule's constructor did. */
function undo(part: Chainable): void {
  if (part instanceof LRScheduler) part.lastEpoch--;
  else for (const inner of part.schedulers) undo(inner);
}

function loadParts(where: string, parts: readonly Chainable[], state: SchedulerState): void {
  const states = state["_schedulers"];
  if (!Array.isArray(states) || states.length !== parts.length)
    throw new TorchError(
      `${where}.loadStateDict: expected "_schedulers" with the states of ${parts.length} schedules in the state`,
    );
  parts.forEach((part, i) => part.loadStateDict(states[i] as SchedulerState));
}

/** All schedules at every step, each on the rates that the one before has set. */
export class ChainedScheduler {
  readonly optimizer: AnyOptimizer;
  readonly #parts: readonly Chainable[];
  #lastLr: number[];

  constructor(schedulers: readonly Chainable[], options: { optimizer?: AnyOptimizer } = {}, ...surplus: never[]) {
    checkOptions("ChainedScheduler", options, { optimizer: optimizerKind }, surplus);
    this.optimizer = checkParts("ChainedScheduler", options.optimizer, schedulers);
    this.#parts = schedulers;
    this.#lastLr = groupsOf(this.optimizer).map((group) => learningRate(group.lr));
  }

  /** The schedules, in order. */
  get schedulers(): readonly Chainable[] {
    return this.#parts;
  }

  /** The next step's rates. */
  step(): void {
    for (const part of this.#parts) part.step();
    this.#lastLr = groupsOf(this.optimizer).map((group) => learningRate(group.lr));
  }

  /** The rates that were set last, by group. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  /** All that is needed to go on, under PyTorch's names. */
  stateDict(): SchedulerState {
    return { _last_lr: this.getLastLr(), _schedulers: this.#parts.map((part) => part.stateDict()) };
  }

  /** Takes up a state of {@link stateDict}, or of PyTorch. */
  loadStateDict(state: SchedulerState): void {
    loadParts("ChainedScheduler", this.#parts, state);
    this.#lastLr = [...(state["_last_lr"] as number[])];
  }
}
