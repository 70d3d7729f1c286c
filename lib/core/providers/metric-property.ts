import { getLogger } from "../logging";

/** Which way a metric gets better. */
export enum Ordinality {
  HIGHER_IS_BETTER = "higher_is_better",
  LOWER_IS_BETTER = "lower_is_better",
  NEUTRAL = "neutral",
}

interface Pattern {
  readonly matches: (key: string) => boolean;
  readonly ordinality: Ordinality;
}

/** Shell pattern: `*` (also over `/`), `?`, `[seq]`, `[!seq]`. */
function glob(pattern: string): (key: string) => boolean {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] as string;
    const end = character === "[" ? pattern.indexOf("]", i + 2) : -1;
    if (character === "*") {
      source += "[\\s\\S]*";
    } else if (character === "?") {
      source += "[\\s\\S]";
    } else if (end !== -1) {
      const inside = pattern.slice(i + 1, end).replaceAll("\\", "\\\\");
      source += `[${inside.startsWith("!") ? `^${inside.slice(1)}` : inside.replace(/^\^/, "\\^")}]`;
      i = end;
    } else {
      source += character.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    }
  }
  const expression = new RegExp(`^${source}$`);
  return (key) => expression.test(key);
}

const { HIGHER_IS_BETTER, LOWER_IS_BETTER, NEUTRAL } = Ordinality;

const DEFAULTS: readonly Pattern[] = [
  ...[
    "profiler",
    "optim",
    "profiling",
    "ctx",
    "loss_weight",
    "gradient",
    "detach",
    "lossdiff",
    "train_time",
    "memory",
  ].map((group): Pattern => ({ matches: glob(`${group}/*`), ordinality: NEUTRAL })),
  { matches: glob("*accuracy*"), ordinality: HIGHER_IS_BETTER },
  { matches: glob("*loss*"), ordinality: LOWER_IS_BETTER },
  { matches: glob("*error*"), ordinality: LOWER_IS_BETTER },
];

/** Patterns that were registered, in order; they are looked at before the defaults. */
const registered: Pattern[] = [];

/** Knows by a metric's key whether a higher value is better. The patterns are common to the process. */
export class MetricPropertyProvider {
  /** Adds a pattern. Registered patterns come before the defaults, in the order of their registration; the first match decides. */
  static registerPattern(pattern: string, ordinality: Ordinality): void {
    registered.push({ matches: glob(pattern.toLowerCase()), ordinality });
  }

  /** Forgets all registered patterns. */
  static resetPatterns(): void {
    registered.length = 0;
  }

  /** Ordinality of a metric, null if no pattern fits. */
  getOrdinality(key: string): Ordinality | null {
    const lower = key.toLowerCase();
    return [...registered, ...DEFAULTS].find(({ matches }) => matches(lower))?.ordinality ?? null;
  }

  isNeutralKey(key: string): boolean {
    return this.getOrdinality(key) === NEUTRAL;
  }

  /** An unknown metric counts as better when higher, with a warning. */
  higherIsBetter(key: string): boolean {
    const ordinality = this.getOrdinality(key);
    if (ordinality === null) {
      getLogger("MetricPropertyProvider").warning(
        `metric '${key}' matches no pattern: a higher value counts as better; register one with MetricPropertyProvider.registerPattern`,
      );
      return true;
    }
    return ordinality === HIGHER_IS_BETTER;
  }
}
