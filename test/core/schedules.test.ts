import { TrainingIteration } from "../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../lib/core/iteration/update-counter";
import {
  ConstantSchedule,
  CosineDecreasingSchedule,
  CosineIncreasingSchedule,
  createSchedule,
  CustomSchedule,
  DecreasingProgressSchedule,
  LinearDecreasingSchedule,
  LinearIncreasingSchedule,
  LinearWarmupCosineDecaySchedule,
  LinearWarmupCosineDecayScheduleConfig,
  PolynomialDecreasingSchedule,
  PolynomialIncreasingSchedule,
  ScheduleBase,
  SequentialPercentSchedule,
  SequentialStepSchedule,
  StepDecreasingSchedule,
  StepFixedSchedule,
  StepIntervalSchedule,
} from "../../lib/core/schedules";
import { AnyScheduleConfig } from "../../lib/core/schedules/any-schedule";
import { ScheduleWrapper } from "../../lib/core/schedules/schedule-wrapper";

/** Reference values: the Python framework's tests, and its formulas evaluated in Python. */

function values(schedule: ScheduleBase, total: number, steps = total): number[] {
  return Array.from({ length: steps }, (_, step) => schedule.getValue(step, total));
}

function expectValues(schedule: ScheduleBase, total: number, expected: readonly number[], digits = 12): void {
  const actual = values(schedule, total, expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, digits));
}

const COSINE_11 = [
  1, 0.9755282581475768, 0.9045084971874737, 0.7938926261462366, 0.6545084971874737, 0.5, 0.3454915028125263,
  0.20610737385376354, 0.09549150281252627, 0.02447174185242318, 0,
];
const COSINE_13 = [
  1, 0.9829629131445341, 0.9330127018922194, 0.8535533905932737, 0.75, 0.6294095225512604, 0.5, 0.37059047744873963,
  0.25, 0.14644660940672627, 0.06698729810778059,
];

describe("constant and custom", () => {
  test("constant", () => {
    const schedule = new ConstantSchedule({ value: 0.5 });
    expect(values(schedule, 3)).toEqual([0.5, 0.5, 0.5]);
    expect(String(schedule)).toBe("ConstantSchedule(value=0.5)");
  });

  test("custom gives its values in order and refuses steps past them", () => {
    const schedule = new CustomSchedule({ values: [3, 1, 2] });
    expect(values(schedule, 3)).toEqual([3, 1, 2]);
    expect(() => schedule.getValue(3, 3)).toThrow("past the 3 values");
  });
});

describe("cosine", () => {
  test("decreasing", () => expectValues(new CosineDecreasingSchedule({ max_value: 1 }), 11, COSINE_11));
  test.each([{ overhang_percent: 0.25 }, { overhang_steps: 2 }])("decreasing with %j", (overhang) =>
    expectValues(new CosineDecreasingSchedule({ max_value: 1, ...overhang }), 11, COSINE_13),
  );
  test("increasing is the mirror", () =>
    expectValues(new CosineIncreasingSchedule({ max_value: 1 }), 11, [...COSINE_11].reverse()));
  test("increasing from a start value", () =>
    expectValues(
      new CosineIncreasingSchedule({ max_value: 1, start_value: 1e-5 }),
      11,
      [
        1e-5, 0.02448149713500471, 0.0955005478974982, 0.20611531278002496, 0.3454980478974982, 0.500005,
        0.6545119521025018, 0.7938946872199751, 0.9045094521025019, 0.9755285028649954, 1,
      ],
    ));
});

describe("linear", () => {
  const eleven = Array.from({ length: 11 }, (_, i) => i);
  test("decreasing", () =>
    expectValues(
      new LinearDecreasingSchedule({ max_value: 1 }),
      11,
      eleven.map((i) => 1 - i / 10),
    ));
  test("decreasing without the last value", () =>
    expectValues(
      new LinearDecreasingSchedule({ max_value: 1, exclude_last: true }),
      11,
      eleven.map((i) => (11 - i) / 11),
    ));
  test.each([
    [{ exclude_last: true }, (i: number) => i / 11],
    [{ exclude_first: true }, (i: number) => (i + 1) / 11],
    [{ exclude_first: true, exclude_last: true }, (i: number) => (i + 1) / 12],
    [{ start_value: 1e-5 }, (i: number) => 1e-5 + (i / 10) * (1 - 1e-5)],
  ])("increasing with %j", (options, expected) =>
    expectValues(new LinearIncreasingSchedule({ max_value: 1, ...options }), 11, eleven.map(expected)),
  );
  test("holds its last value at the very end", () =>
    expect(new LinearDecreasingSchedule({ max_value: 1 }).getValue(4, 4)).toBe(0));
  test("prints its ends", () =>
    expect(String(new LinearDecreasingSchedule({ max_value: 1, exclude_first: true }))).toBe(
      "LinearDecreasingSchedule(start=1, end=0, excl_first=True, excl_last=False)",
    ));
});

describe("polynomial", () => {
  test("decreasing, power 2", () =>
    expectValues(new PolynomialDecreasingSchedule({ max_value: 1, power: 2 }), 5, [1, 0.5625, 0.25, 0.0625, 0]));
  test("decreasing, power 0.5, up to the end", () =>
    expectValues(
      new PolynomialDecreasingSchedule({ max_value: 1, power: 0.5 }),
      5,
      [1, 0.8660254037844386, 0.7071067811865476, 0.5, 0, 0],
    ));
  test("increasing, power 3", () =>
    expectValues(
      new PolynomialIncreasingSchedule({ max_value: 1, start_value: 0.1, power: 3 }),
      5,
      [0.1, 0.6203125, 0.8875, 0.9859375, 1],
    ));
});

describe("step", () => {
  test("decreasing", () =>
    expectValues(
      new StepDecreasingSchedule({ max_value: 1, factor: 0.1, decreases_interval: 0.25 }),
      10,
      [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.0001],
      15,
    ));
  test("decreasing to a floor", () =>
    expectValues(
      new StepDecreasingSchedule({ max_value: 1, end_value: 0.5, factor: 0.1, decreases_interval: 0.3 }),
      10,
      [1, 1, 1, 0.55, 0.55, 0.55, 0.505, 0.505, 0.505, 0.5005, 0.5005],
    ));
  test("decreasing without the first value", () =>
    expectValues(
      new StepDecreasingSchedule({ max_value: 1, factor: 0.1, decreases_interval: 0.25, exclude_first: true }),
      10,
      [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.0001],
    ));
  test.each([1.5, 0.5])("fixed, factor %d", (f) =>
    expectValues(new StepFixedSchedule({ factor: f, steps: [0.8, 0.2, 0.5] }), 10, [
      1,
      1,
      f,
      f,
      f,
      f ** 2,
      f ** 2,
      f ** 2,
      f ** 3,
      f ** 3,
    ]),
  );
  test("interval", () =>
    expectValues(
      new StepIntervalSchedule({ factor: 0.5, update_interval: 0.2 }),
      10,
      [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625],
    ));
  test("interval counts 0.3 / 0.1 as three", () => {
    const schedule = new StepIntervalSchedule({ factor: 0.5, update_interval: 0.1 });
    expect(values(schedule, 10)).toEqual(Array.from({ length: 10 }, (_, step) => 0.5 ** step));
  });
});

describe("base", () => {
  /** Progress step / total, as in the Python framework's tests of the base class. */
  class Plain extends DecreasingProgressSchedule {
    override getProgress(step: number, totalSteps: number): number {
      return step / totalSteps;
    }
  }

  test("delta and values", () => {
    expect(new Plain({ max_value: 1, end_value: 0.2 }).delta).toBeCloseTo(-0.8, 15);
    const schedule = new Plain({ max_value: 1 });
    expect([0, 5, 10].map((step) => schedule.getValue(step, 10))).toEqual([1, 0.5, 0]);
    expect(new Plain({ max_value: 1, exclude_first: true }).getValue(0, 10)).toBeCloseTo(1 - 1 / 11, 15);
    expect(new Plain({ max_value: 1, exclude_last: true }).getValue(10, 10)).toBeCloseTo(1 - 10 / 11, 15);
    expect(new Plain({ max_value: 1, overhang_steps: 10 }).getValue(10, 10)).toBe(0.5);
  });

  test("an end above the start is refused", () => {
    expect(() => new LinearDecreasingSchedule({ max_value: 1, end_value: 2 })).toThrow(
      "end_value must be less than or equal",
    );
    expect(() => new LinearIncreasingSchedule({ max_value: 1, start_value: 2 })).toThrow(
      "start_value must be less than or equal",
    );
  });

  test("both overhangs are refused", () =>
    expect(() => new Plain({ max_value: 1, overhang_steps: 1, overhang_percent: 0.1 })).toThrow(
      "only one of overhang_percent and overhang_steps",
    ));

  test("steps outside of training are refused", () => {
    expect(() => new ConstantSchedule({ value: 1 }).getValue(5, 4)).toThrow("[0, 4]");
    expect(() => new ConstantSchedule({ value: 1 }).getValue(-1, 4)).toThrow("[0, 4]");
  });

  test("overriding getValue is refused", () => {
    class Wrong extends ScheduleBase {
      override getValue(): number {
        return 0;
      }
      override computeValue(): number {
        return 0;
      }
    }
    expect(() => new Wrong()).toThrow("computeValue");
  });
});

describe("warm-up and cosine", () => {
  test.each([{ warmup_percent: 0.2 }, { warmup_steps: 2 }])("with %j", (warmup) =>
    expectValues(new LinearWarmupCosineDecaySchedule({ ...warmup, max_value: 1, end_value: 1e-6 }), 11, [
      1 / 3,
      2 / 3,
      1,
      0.9619398043158771,
      0.8535535370398831,
      0.6913420248408287,
      0.5000005,
      0.3086589751591714,
      0.1464474629601169,
      0.03806119568412292,
      1e-6,
    ]),
  );

  test("5 % of 100 updates to 1e-3", () => {
    const schedule = new LinearWarmupCosineDecaySchedule({ warmup_percent: 0.05, max_value: 1e-3, end_value: 1e-6 });
    expectValues(schedule, 100, [2e-4, 4e-4, 6e-4, 8e-4, 1e-3, 9.997269020417926e-4, 9.989079067957778e-4], 16);
    expect(schedule.getValue(98, 100)).toBeCloseTo(1.273097958207287e-6, 18);
    expect(schedule.getValue(99, 100)).toBeCloseTo(9.999999999999159e-7, 18);
  });

  test.each([
    [{ warmup_percent: 0.2, end_value: 0 }, 1, [1, 1]],
    [{ warmup_percent: 0.2, end_value: 0 }, 2, [1, 0, 0]],
    [{ warmup_percent: 0, end_value: 0 }, 5, [1, 0.8535533905932737, 0.5, 0.14644660940672627, 0, 0]],
    [{ warmup_steps: 2, start_value: 0.1, end_value: 0 }, 5, [0.1, 0.55, 1, 0.5, 0, 0]],
    [{ warmup_percent: 1, end_value: 0 }, 5, [1 / 6, 1 / 3, 1 / 2, 2 / 3, 1, 1]],
    [{ warmup_steps: 10, end_value: 0 }, 5, [1 / 11, 2 / 11, 3 / 11, 4 / 11, 5 / 11, 6 / 11]],
    [{ warmup_steps: 5, end_value: 0 }, 5, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]],
  ])("%j over %i steps", (options, total, expected) =>
    expectValues(new LinearWarmupCosineDecaySchedule({ max_value: 1, ...options }), total, expected),
  );

  test.each([{ overhang_steps: 2 }, { overhang_percent: 0.25 }])("with %j", (overhang) =>
    expectValues(
      new LinearWarmupCosineDecaySchedule({ warmup_percent: 0.2, max_value: 1, end_value: 0, ...overhang }),
      11,
      [
        1 / 3,
        2 / 3,
        1,
        0.9755282581475768,
        0.9045084971874737,
        0.7938926261462366,
        0.6545084971874737,
        0.5,
        0.3454915028125263,
        0.20610737385376354,
        0.09549150281252627,
        0.02447174185242318,
      ],
    ),
  );

  test("one of the two warm-ups is required", () => {
    const peak = { max_value: 1 };
    expect(() => new LinearWarmupCosineDecaySchedule(peak)).toThrow("exactly one");
    expect(() => new LinearWarmupCosineDecaySchedule({ ...peak, warmup_percent: 0.1, warmup_steps: 1 })).toThrow(
      "exactly one",
    );
  });

  test.each([{}, { max_value: -1 }])("the peak is a number >= 0: %j", (peak) => {
    const { error } = LinearWarmupCosineDecayScheduleConfig.safeParse({ warmup_steps: 1, ...peak });
    expect(error?.issues).toEqual([expect.objectContaining({ path: ["max_value"] })]);
  });

  // values of release 2026.4
  test("warm-up in steps", () =>
    expectValues(
      new LinearWarmupCosineDecaySchedule({ warmup_steps: 3, max_value: 0.02, end_value: 1e-4 }),
      10,
      [0.005, 0.01, 0.015, 0.02, 0.018666952767655166],
    ));
});

describe("sequences", () => {
  /** Value = 0.1 per step. */
  const ramp = (first = 0): ScheduleBase =>
    new CustomSchedule({ values: Array.from({ length: 200 }, (_, i) => first + i / 10) });

  test("percent: ends follow from starts, starts from ends", () => {
    const bounds = (entries: ConstructorParameters<typeof SequentialPercentSchedule>[0]) =>
      new SequentialPercentSchedule(entries).entries.map(({ start_percent, end_percent }) => [
        start_percent,
        end_percent,
      ]);
    expect(bounds([{ schedule: ramp() }])).toEqual([[0, 1]]);
    expect(bounds([{ schedule: ramp(), end_percent: 0.1 }, { schedule: ramp() }])).toEqual([
      [0, 0.1],
      [0.1, 1],
    ]);
    expect(bounds([{ schedule: ramp() }, { schedule: ramp(), start_percent: 0.1 }])).toEqual([
      [0, 0.1],
      [0.1, 1],
    ]);
    expect(
      bounds([{ schedule: ramp(), end_percent: 0.1 }, { schedule: ramp() }, { schedule: ramp(), start_percent: 0.2 }]),
    ).toEqual([
      [0, 0.1],
      [0.1, 0.2],
      [0.2, 1],
    ]);
  });

  test("step: the last part has no end", () => {
    const schedule = new SequentialStepSchedule([{ schedule: ramp(), end_step: 10 }, { schedule: ramp() }]);
    expect(schedule.entries.map(({ start_step, end_step }) => [start_step, end_step])).toEqual([
      [0, 10],
      [10, null],
    ]);
  });

  test.each([
    [[{ schedule: ramp() }, { schedule: ramp() }]],
    [[{ schedule: ramp(), start_percent: 0.5, end_percent: 0.2 }]],
    [
      [
        { schedule: ramp(), end_percent: 0.5 },
        { schedule: ramp(), start_percent: 0.2 },
      ],
    ],
  ])("percent: bounds that do not fit are refused (%#)", (entries) =>
    expect(() => new SequentialPercentSchedule(entries)).toThrow(),
  );

  test.each([
    [[{ schedule: ramp() }, { schedule: ramp() }]],
    [[{ schedule: ramp(), start_step: 5, end_step: 2 }]],
    [
      [
        { schedule: ramp(), end_step: 5 },
        { schedule: ramp(), start_step: 2 },
      ],
    ],
  ])("step: bounds that do not fit are refused (%#)", (entries) =>
    expect(() => new SequentialStepSchedule(entries)).toThrow(),
  );

  test("selection: none before the first, the previous one in a gap", () => {
    const [a, b, c] = [ramp(), ramp(), ramp()];
    const schedule = new SequentialStepSchedule([
      { schedule: a, start_step: 5, end_step: 8 },
      { schedule: b, start_step: 10 },
      { schedule: c, start_step: 15 },
    ]);
    const selected = [0, 4, 5, 9, 10, 14, 15, 100].map((step) => schedule.getSequentialPart(step, 101));
    expect(selected).toEqual([null, null, a, a, b, b, c, c]);
  });

  test("percent selects alike", () => {
    const [a, b, c] = [ramp(), ramp(), ramp()];
    const schedule = new SequentialPercentSchedule([
      { schedule: a, start_percent: 0.05, end_percent: 0.08 },
      { schedule: b, start_percent: 0.1 },
      { schedule: c, start_percent: 0.15 },
    ]);
    const selected = [0, 4, 5, 9, 10, 14, 15, 100].map((step) => schedule.getSequentialPart(step, 101));
    expect(selected).toEqual([null, null, a, a, b, b, c, c]);
  });

  test("step: ends follow from starts, starts from ends", () => {
    const bounds = (entries: ConstructorParameters<typeof SequentialStepSchedule>[0]) =>
      new SequentialStepSchedule(entries).entries.map(({ start_step, end_step }) => [start_step, end_step]);
    const part = (given: object = {}) => ({ schedule: ramp(), ...given }); // a schedule fills in the parts that it gets
    expect(bounds([part()])).toEqual([[0, null]]);
    expect(bounds([part(), part({ start_step: 10 })])).toEqual([[0, 10], [10, null]]); // prettier-ignore
    expect(bounds([part({ end_step: 10 }), part(), part({ start_step: 15 })])).toEqual([[0, 10], [10, 15], [15, null]]); // prettier-ignore
    expect(bounds([part({ end_step: 10 }), part({ start_step: 15 })])).toEqual([[0, 10], [15, null]]); // prettier-ignore
  });

  test.each([
    ["step 5 of 10", () => new SequentialStepSchedule([{ schedule: ramp(1), start_step: 5 }])],
    ["half of 10", () => new SequentialPercentSchedule([{ schedule: ramp(1), start_percent: 0.5 }])],
  ])("before the first part (%s) its first value holds", (_, make) =>
    expect([0, 1, 2, 3, 4].map((step) => make().getValue(step, 10))).toEqual([1, 1, 1, 1, 1]),
  );

  test("a part without duration is skipped", () => {
    const [a, b] = [ramp(), ramp(1)];
    const schedule = new SequentialStepSchedule([
      { schedule: a, start_step: 0, end_step: 0 },
      { schedule: b, start_step: 0 },
    ]);
    expect(schedule.getSequentialPart(0, 10)).toBe(b);
  });

  test("after the end a part holds its last value", () => {
    const values = { 0: 0.1, 1: 0.2 };
    const schedule = new SequentialStepSchedule([
      { schedule: new CustomSchedule({ values: Object.values(values) }), start_step: 3, end_step: 5 },
    ]);
    expect(Array.from({ length: 11 }, (_, step) => schedule.getValue(step, 11))).toEqual([
      0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2,
    ]);
  });

  test("prints its parts", () => {
    const schedule = new SequentialStepSchedule([
      { schedule: new ConstantSchedule({ value: 1 }), start_step: 3, end_step: 5 },
    ]);
    expect(String(schedule)).toBe("SequentialStepSchedule(\n  (0): 3 - 5 ConstantSchedule(value=1)\n)");
    const percent = new SequentialPercentSchedule([
      { schedule: new ConstantSchedule({ value: 1 }), start_percent: 0.3, end_percent: 0.5 },
    ]);
    expect(String(percent)).toBe("SequentialPercentSchedule(\n  (0): 0.3 - 0.5 ConstantSchedule(value=1)\n)");
  });
});

describe("from configurations", () => {
  const counter = (total: number) =>
    new UpdateCounter({
      startIteration: new TrainingIteration(0, 0, 0),
      endIteration: new TrainingIteration(null, total),
      updatesPerEpoch: 4,
      effectiveBatchSize: 1,
    });

  test("null gives null", () => expect(createSchedule(null)).toBeNull());

  test("linear over ten updates", () => {
    const config = AnyScheduleConfig.parse({
      kind: "noether.core.schedules.LinearIncreasingSchedule",
      max_value: 1,
    });
    const updateCounter = counter(10);
    const schedule = createSchedule(config, { updateCounter });
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) {
      seen.push(schedule?.getValue() as number);
      updateCounter.nextUpdate();
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => i / 9));
  });

  test("by epoch: constant within an epoch, never past its end", () => {
    const schedule = new LinearDecreasingSchedule({ max_value: 1 });
    const updateCounter = counter(10);
    const wrapper = new ScheduleWrapper(schedule, updateCounter, "epoch");
    const seen = [0, 1, 2].map((epoch) => {
      updateCounter.curIteration.epoch = epoch;
      return wrapper.getValue();
    });
    expect(seen[0]).toBe(1);
    expect(seen[2]).toBe(0);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
  });

  test("without a counter only a constant is possible", () => {
    expect(new ScheduleWrapper(new ConstantSchedule({ value: 0.1 }), null, "epoch").getValue()).toBe(0.1);
    expect(() => new ScheduleWrapper(new LinearDecreasingSchedule({ max_value: 1 })).getValue()).toThrow(
      "update counter",
    );
  });

  test("another interval is refused", () =>
    expect(() => new ScheduleWrapper(new ConstantSchedule({ value: 1 }), null, "test")).toThrow("'test'"));

  test("custom by epoch: the error says that there is a value for each update", () => {
    const updateCounter = counter(8);
    const wrapper = new ScheduleWrapper(new CustomSchedule({ values: [3, 2] }), updateCounter, "epoch");
    expect(wrapper.getValue()).toBe(3);
    updateCounter.curIteration.epoch = 1;
    expect(() => wrapper.getValue()).toThrow("give a value for each update");
  });

  test("fields that no schedule reads are named in a warning", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const base = { kind: "noether.core.schedules.ConstantSchedule", value: 1 };
    createSchedule(AnyScheduleConfig.parse(base));
    expect(warnings).not.toHaveBeenCalled();
    createSchedule(AnyScheduleConfig.parse({ ...base, start_step: 1, end_step: 5, weight_decay: 0.1 }));
    expect(warnings.mock.calls.join()).toContain(
      "start_step and end_step and weight_decay of a schedule have no effect",
    );
    warnings.mockRestore();
  });

  test("a kind without a class says so", () => {
    const config = AnyScheduleConfig.parse({
      kind: "noether.core.schedules.PeriodicBoolSchedule",
      initial_state: true,
    });
    expect(() => createSchedule(config)).toThrow("has no schedule class");
  });
});
