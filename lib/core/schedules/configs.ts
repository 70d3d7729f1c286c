import type { z } from "zod";
import {
  bool,
  defineConfig,
  float,
  int,
  list,
  literal,
  optional,
  str,
  taggedUnion,
  type AnyConfigClass,
  type ConfigClass,
} from "../../config/schema";

/** Schedules of learning rate and weight decay (core-optim-schedules spec 1.3). Values are absolute, not factors. */

type Both = readonly [string, string];

/** Exactly one of a start/end pair given, or the pair out of order, is an error (a 0 skips the order check). */
function checkPair(
  config: Record<string, unknown>,
  [start, end]: Both,
  other: Both,
  complain: (message: string) => void,
): void {
  const [first, last] = [config[start] as number | null, config[end] as number | null];
  if ((first === null) !== (last === null)) complain(`expected both ${start} and ${end} or neither of them`);
  if (!first || !last) return;
  if (config[other[0]] !== null || config[other[1]] !== null)
    complain(`expected either ${start}/${end} or ${other[0]}/${other[1]}, not both`);
  else if (first >= last) complain(`expected ${start} < ${end}, received ${first} and ${last}`);
}

/** Fields that every schedule has. Unknown keys are ignored. */
export const ScheduleBaseConfig = defineConfig("ScheduleBaseConfig", {
  extra: "ignore",
  fields: {
    kind: optional(str()).default("noether.core.schedules.base.ScheduleBase"),
    /** Lengthens the schedule by this share of its steps. */
    overhang_percent: optional(float()),
    /** Lengthens the schedule by this many steps. */
    overhang_steps: optional(int()),
    start_value: float({ ge: 0 }).default(0),
    end_value: float({ ge: 0 }).default(1e-6),
    // the five below are validated as the Python framework does, and have no effect on any schedule
    weight_decay: optional(float()).default(0),
    start_percent: optional(float({ ge: 0, le: 1 })),
    end_percent: optional(float({ ge: 0, le: 1 })),
    start_step: optional(int({ ge: 0 })),
    end_step: optional(int({ ge: 0 })),
    /** Whether the value changes with every update or once an epoch. */
    interval: literal("update", "epoch").default("update"),
  },
  check: (config, complain) => {
    if (config.overhang_percent !== null && config.overhang_steps !== null) {
      complain("expected at most one of overhang_percent and overhang_steps");
    }
    const steps: Both = ["start_step", "end_step"];
    const percents: Both = ["start_percent", "end_percent"];
    checkPair(config, steps, percents, complain);
    checkPair(config, percents, steps, complain);
  },
});
export type ScheduleBaseConfig = z.output<typeof ScheduleBaseConfig>;

/** The literal that chooses a schedule; typed as a string so that subclasses can have another. */
function kindOf(name: string): z.ZodType<string, string | undefined> {
  const kind = `noether.core.schedules.${name}`;
  return literal(kind).default(kind);
}

/** Without a class behind it, in the Python framework and here: the factory says so. */
export const SchedulerConfig = ScheduleBaseConfig.extend("SchedulerConfig", {
  fields: {
    kind: kindOf("scheduler.SchedulerConfig"),
    warmup_percent: float({ ge: 0, le: 1 }),
    end_value: float({ ge: 0 }),
  },
});

/** Base of schedules that follow a progress from 0 to 1. */
export const ProgressScheduleConfig = ScheduleBaseConfig.extend("ProgressScheduleConfig", {
  fields: {
    kind: kindOf("ProgressSchedule"),
    exclude_first: bool().default(false),
    exclude_last: bool().default(false),
  },
});

/** Base of schedules from `max_value` down to `end_value`. */
export const DecreasingProgressScheduleConfig = ProgressScheduleConfig.extend("DecreasingProgressScheduleConfig", {
  fields: {
    kind: kindOf("DecreasingProgressSchedule"),
    max_value: float({ ge: 0 }),
    end_value: float({ ge: 0 }).default(0),
  },
});

/** Base of schedules from `start_value` up to `max_value`. */
export const IncreasingProgressScheduleConfig = ProgressScheduleConfig.extend("IncreasingProgressScheduleConfig", {
  fields: {
    kind: kindOf("IncreasingProgressSchedule"),
    start_value: float().default(0),
    max_value: float().nullable(),
  },
});

/** Config of {@link ConstantSchedule}. */
export const ConstantScheduleConfig = ScheduleBaseConfig.extend("ConstantScheduleConfig", {
  fields: { kind: kindOf("ConstantSchedule"), value: float() },
});

/** Config of {@link CustomSchedule}. */
export const CustomScheduleConfig = ScheduleBaseConfig.extend("CustomScheduleConfig", {
  fields: { kind: kindOf("CustomSchedule"), values: list(float()) },
});

/** Linear warm-up to `max_value`, then half a cosine down to `end_value`. */
export const LinearWarmupCosineDecayScheduleConfig = ScheduleBaseConfig.extend(
  "LinearWarmupCosineDecayScheduleConfig",
  {
    fields: {
      kind: kindOf("LinearWarmupCosineDecaySchedule"),
      warmup_steps: optional(int()),
      warmup_percent: optional(float()),
      /** The peak; **not** the optimizer's `lr` unless the YAML says so. */
      max_value: float().default(1),
    },
    check: (config, complain) => {
      if ((config.warmup_steps === null) === (config.warmup_percent === null)) {
        complain("expected exactly one of warmup_steps and warmup_percent");
      }
    },
  },
);
export type LinearWarmupCosineDecayScheduleConfig = z.output<typeof LinearWarmupCosineDecayScheduleConfig>;

/** Config of {@link LinearIncreasingSchedule}. */
export const LinearIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "LinearIncreasingScheduleConfig",
  {
    fields: { kind: kindOf("LinearIncreasingSchedule") },
  },
);
/** Config of {@link LinearDecreasingSchedule}. */
export const LinearDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "LinearDecreasingScheduleConfig",
  {
    fields: { kind: kindOf("LinearDecreasingSchedule") },
  },
);
/** Config of {@link CosineIncreasingSchedule}. */
export const CosineIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "CosineIncreasingScheduleConfig",
  {
    fields: { kind: kindOf("CosineIncreasingSchedule") },
  },
);
/** Config of {@link CosineDecreasingSchedule}. */
export const CosineDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "CosineDecreasingScheduleConfig",
  {
    fields: { kind: kindOf("CosineDecreasingSchedule") },
  },
);
/** Config of {@link PolynomialIncreasingSchedule}. */
export const PolynomialIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "PolynomialIncreasingScheduleConfig",
  {
    fields: { kind: kindOf("PolynomialIncreasingSchedule"), power: float().default(1) },
  },
);
/** Config of {@link PolynomialDecreasingSchedule}. */
export const PolynomialDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "PolynomialDecreasingScheduleConfig",
  {
    fields: { kind: kindOf("PolynomialDecreasingSchedule"), power: float().default(1) },
  },
);

/** A share of training, strictly between 0 and 1. */
const openShare = () => float({ gt: 0, lt: 1 });

/** Config of {@link StepDecreasingSchedule}. */
export const StepDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend("StepDecreasingScheduleConfig", {
  fields: { kind: kindOf("StepDecreasingSchedule"), factor: float({ ge: 0 }), decreases_interval: openShare() },
});

/** Config of {@link StepFixedSchedule}. */
export const StepFixedScheduleConfig = ScheduleBaseConfig.extend("StepFixedScheduleConfig", {
  fields: {
    kind: kindOf("StepFixedSchedule"),
    start_value: float().default(1),
    factor: float({ ge: 0 }),
    steps: list(openShare()),
  },
  check: (config, complain) => {
    if (config.steps.length === 0) complain("expected at least one step, received an empty list", "steps");
  },
});

/** Config of {@link StepIntervalSchedule}. */
export const StepIntervalScheduleConfig = ScheduleBaseConfig.extend("StepIntervalScheduleConfig", {
  fields: {
    kind: kindOf("StepIntervalSchedule"),
    start_value: float().default(1),
    factor: float({ ge: 0 }),
    update_interval: openShare(),
  },
});

/** Without a class behind it, in the Python framework and here: the factory says so. */
export const PeriodicBoolScheduleConfig = ScheduleBaseConfig.extend("PeriodicBoolScheduleConfig", {
  fields: {
    kind: kindOf("PeriodicBoolSchedule"),
    initial_state: bool(),
    off_value: float().default(0),
    on_value: float().default(1),
    off_duration: int().default(1),
    on_duration: int().default(1),
    invert: bool().default(false),
  },
});

/** The schedules that ship. */
export const scheduleConfigs = [
  SchedulerConfig,
  ProgressScheduleConfig,
  DecreasingProgressScheduleConfig,
  IncreasingProgressScheduleConfig,
  ConstantScheduleConfig,
  CustomScheduleConfig,
  LinearWarmupCosineDecayScheduleConfig,
  LinearIncreasingScheduleConfig,
  LinearDecreasingScheduleConfig,
  CosineIncreasingScheduleConfig,
  CosineDecreasingScheduleConfig,
  PolynomialIncreasingScheduleConfig,
  PolynomialDecreasingScheduleConfig,
  StepDecreasingScheduleConfig,
  StepFixedScheduleConfig,
  StepIntervalScheduleConfig,
  PeriodicBoolScheduleConfig,
] as unknown as readonly AnyConfigClass[];

/**
 * A schedule chosen by its `kind`, which is required. Besides the shipped kinds (the only ones that the Python framework
 * takes), classes of the user's own work when their schema extends {@link ScheduleBaseConfig}.
 */
export const AnyScheduleConfig = taggedUnion("kind", scheduleConfigs, {
  open: ScheduleBaseConfig as unknown as AnyConfigClass,
}) as unknown as ConfigClass<typeof ScheduleBaseConfig.fields>;
export type AnyScheduleConfig = ScheduleBaseConfig;
