import { toMap } from "../../../torch";
import type { CallbackState } from "../base";
import { isBetter } from "../metric";
import { entryOf } from "../state";

/** Which checkpoints stay; null: no rule of this kind. */
export interface RetentionRules {
  /** The last n. */
  readonly keepLast: number | null;
  /** Every nth, counted from the first as 1. */
  readonly keepEvery: number | null;
  /** The k with the best metric. */
  readonly keepBest: number | null;
  readonly higherIsBetter: boolean;
}

/** A checkpoint that is there. */
interface Kept {
  readonly tag: string;
  /** How many were written before it, and it. */
  readonly number: number;
  /** The metric; NaN where there is none. */
  readonly value: number;
}

/** Says which of the checkpoints of a run have had their time. One that any rule keeps stays, and always the newest. */
export class CheckpointRetention {
  readonly #rules: RetentionRules;
  #kept: Kept[] = [];
  #count = 0;

  constructor(rules: RetentionRules) {
    this.#rules = rules;
  }

  /**
   * Notes a checkpoint.
   *
   * @param value its metric; NaN: none
   * @returns tags of those that go now
   */
  add(tag: string, value: number): string[] {
    const known = this.#kept.find((each) => each.tag === tag);
    const number = known?.number ?? ++this.#count;
    this.#kept = [...this.#kept.filter((each) => each !== known), { tag, number, value }];
    const stays = this.#staying();
    const goes = this.#kept.filter((each) => !stays.has(each));
    this.#kept = this.#kept.filter((each) => stays.has(each));
    return goes.map((each) => each.tag);
  }

  #staying(): Set<Kept> {
    const { keepLast, keepEvery, keepBest, higherIsBetter } = this.#rules;
    const stays = new Set(this.#kept.slice(-(keepLast ?? 1)));
    if (keepEvery !== null) for (const each of this.#kept) if (each.number % keepEvery === 0) stays.add(each);
    if (keepBest !== null) {
      const ranked = this.#kept
        .filter(({ value }) => !Number.isNaN(value))
        .sort((a, b) => {
          if (isBetter(a.value, b.value, higherIsBetter)) return -1;
          return isBetter(b.value, a.value, higherIsBetter) ? 1 : a.number - b.number;
        });
      for (const each of ranked.slice(0, keepBest)) stays.add(each);
    }
    return stays;
  }

  stateDict(): CallbackState {
    return { count: this.#count, kept: this.#kept.map((each) => ({ ...each })) };
  }

  loadStateDict(state: CallbackState): void {
    this.#count = Number(entryOf(state, "count"));
    this.#kept = (entryOf(state, "kept") as unknown[]).map((each) => {
      const entry = toMap(each);
      return {
        tag: String(entry.get("tag")),
        number: Number(entry.get("number")),
        value: Number(entry.get("value")),
      };
    });
  }
}
