import { AssertionError, ValueError } from "../../config/python-errors";
import { pyNumber } from "../../config/python-format";
import { ScheduleBase, type ScheduleBaseOptions } from "./base";

/** One part of a {@link SequentialPercentSchedule}: a schedule and the share of training that it covers. */
export interface SequentialPercentEntry {
  readonly schedule: ScheduleBase;
  start_percent?: number | null;
  end_percent?: number | null;
}

/** One part of a {@link SequentialStepSchedule}: a schedule and the steps that it covers. */
export interface SequentialStepEntry {
  readonly schedule: ScheduleBase;
  start_step?: number | null;
  end_step?: number | null;
}

interface Part {
  readonly schedule: ScheduleBase;
  start: number | null;
  end: number | null;
}

/** Fills in what follows from the neighbours: a part starts where the one before ends, and ends where the next starts. */
function propagate(parts: Part[]): void {
  const count = parts.length;
  const first = parts[0] as Part;
  first.start ??= 0;
  for (let i = 1; i < count - 1; i++) {
    const part = parts[i] as Part;
    part.start ??= (parts[i - 1] as Part).end;
    part.end ??= (parts[i + 1] as Part).start;
  }
  if (count > 1) {
    const last = parts[count - 1] as Part;
    const before = parts[count - 2] as Part;
    last.start ??= before.end;
    before.end ??= last.start;
  }
}

/** Common part of the two sequential schedules: which entry is active, and its value within its own span. */
abstract class SequentialSchedule extends ScheduleBase {
  protected readonly parts: readonly Part[];

  constructor(config: ScheduleBaseOptions, parts: Part[]) {
    super(config);
    this.parts = parts;
  }

  /** First step of a part, and its number of steps. */
  protected abstract span(part: Part, totalSteps: number): { start: number; length: number };

  /** Part that is active at a step; null before the first. In a gap the part before it stays active. */
  getSequentialPart(step: number, totalSteps: number): ScheduleBase | null {
    return this.active(step, totalSteps)?.schedule ?? null;
  }

  private active(step: number, totalSteps: number): Part | null {
    return [...this.parts].reverse().find((part) => this.span(part, totalSteps).start <= step) ?? null;
  }

  override computeValue(step: number, totalSteps: number): number {
    const active = this.active(step, totalSteps);
    const part = active ?? (this.parts[0] as Part);
    const { start, length } = this.span(part, totalSteps);
    if (length <= 0) {
      // Nothing of the part lies inside training: hold its first value.
      return part.schedule.getValue(0, 1);
    }
    const position = active === null ? 0 : Math.min(step - start, length - 1);
    return part.schedule.getValue(position, length);
  }

  override toString(): string {
    const text = (value: number | null): string => (value === null ? "None" : pyNumber(value));
    const lines = this.parts.map((part, i) => `  (${i}): ${text(part.start)} - ${text(part.end)} ${part.schedule}`);
    return [`${this.constructor.name}(`, ...lines, ")"].join("\n");
  }
}

/** Schedules one after another, each over a share of training. */
export class SequentialPercentSchedule extends SequentialSchedule {
  readonly entries: readonly SequentialPercentEntry[];

  constructor(entries: SequentialPercentEntry[]) {
    if (entries.length === 0) {
      throw new AssertionError("SequentialPercentSchedule needs at least one schedule");
    }
    const parts = entries.map(({ schedule, start_percent, end_percent }) => ({
      schedule,
      start: start_percent ?? null,
      end: end_percent ?? null,
    }));
    propagate(parts);
    (parts[parts.length - 1] as Part).end ??= 1;
    let before = 0;
    for (const [i, { start, end }] of parts.entries()) {
      if (start === null || end === null) {
        throw new AssertionError(
          `schedule ${i} of a SequentialPercentSchedule: start and end follow neither from itself nor from its neighbours`,
        );
      }
      if (!(before <= start && start <= end && end <= 1)) {
        throw new AssertionError(
          `schedule ${i} of a SequentialPercentSchedule: expected ${before} <= start <= end <= 1, but got start ${start} and end ${end}`,
        );
      }
      before = end;
    }
    super({}, parts);
    this.entries = entries;
    entries.forEach((entry, i) => {
      entry.start_percent = (parts[i] as Part).start;
      entry.end_percent = (parts[i] as Part).end;
    });
  }

  protected override span(part: Part, totalSteps: number): { start: number; length: number } {
    const start = Math.trunc((totalSteps - 1) * (part.start as number));
    const end = part.end === 1 ? totalSteps : Math.trunc((totalSteps - 1) * (part.end as number));
    return { start, length: end - start };
  }
}

/** Schedules one after another, each over a number of steps; the last one runs to the end of training unless it has an end. */
export class SequentialStepSchedule extends SequentialSchedule {
  readonly entries: readonly SequentialStepEntry[];

  constructor(entries: SequentialStepEntry[], config: ScheduleBaseOptions = {}) {
    if (entries.length === 0) {
      throw new ValueError("SequentialStepSchedule needs at least one schedule");
    }
    const parts = entries.map(({ schedule, start_step, end_step }) => ({
      schedule,
      start: start_step ?? null,
      end: end_step ?? null,
    }));
    propagate(parts);
    let before = 0;
    for (const [i, { start, end }] of parts.entries()) {
      if (start === null || (end === null && i < parts.length - 1)) {
        throw new ValueError(
          `schedule ${i} of a SequentialStepSchedule: start and end follow neither from itself nor from its neighbours`,
        );
      }
      if (!(before <= start && start <= (end ?? Infinity))) {
        throw new ValueError(
          `schedule ${i} of a SequentialStepSchedule: expected ${before} <= start <= end, but got start ${start} and end ${end}`,
        );
      }
      before = end ?? before;
    }
    super(config, parts);
    this.entries = entries;
    entries.forEach((entry, i) => {
      entry.start_step = (parts[i] as Part).start;
      entry.end_step = (parts[i] as Part).end;
    });
  }

  protected override span(part: Part, totalSteps: number): { start: number; length: number } {
    const start = part.start as number;
    return { start, length: (part.end || totalSteps) - start };
  }
}
