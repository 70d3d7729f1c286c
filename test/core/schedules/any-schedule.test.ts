import { register } from "../../../lib/config/registry";
import { validateConfig } from "../../../lib/config/schema";
import { ScheduleBase } from "../../../lib/core/schedules";
import { AnyScheduleConfig } from "../../../lib/core/schedules/any-schedule";
import { ScheduleBaseConfig } from "../../../lib/core/schedules/base";

const schedule = (name: string, fields: object = {}) => ({ kind: `noether.core.schedules.${name}`, ...fields });
const valid = (type: { safeParse(x: unknown): { success: boolean } }, input: unknown) => type.safeParse(input).success;

describe("ScheduleBaseConfig: cases of the specification", () => {
  test.each([
    [{ start_step: 5 }, false],
    [{ start_step: 0, end_step: 0 }, true],
    [{ start_step: 5, end_step: 5 }, false],
    [{ start_step: 0, end_step: 5, start_percent: 0.1, end_percent: 0.2 }, false],
    [{ start_step: 0, end_step: 5, start_percent: 0.0, end_percent: 0.2 }, true],
    [{ start_step: 1, end_step: 5, start_percent: 0.0, end_percent: 0.2 }, false],
    [{ start_percent: 0.5, end_percent: 0.5 }, false],
    [{ start_percent: 0, end_percent: 0 }, true],
    [{ overhang_percent: 0.0, overhang_steps: 0 }, false],
    [{ interval: "step" }, false],
    [{ interval: "epoch" }, true],
    [{ start_value: -1 }, false],
    [{ surely: "ignored" }, true],
  ])("%j", (fields, expected) => {
    expect(valid(ScheduleBaseConfig, fields)).toBe(expected);
  });
});

describe("AnyScheduleConfig", () => {
  test.each([
    [schedule("ConstantSchedule", { value: 1 }), true],
    [schedule("ConstantSchedule"), false],
    [schedule("CustomSchedule", { values: ["1e-3", 2] }), true],
    [schedule("LinearWarmupCosineDecaySchedule", { warmup_percent: 0.1, max_value: 1 }), true],
    [schedule("LinearWarmupCosineDecaySchedule"), false],
    [schedule("LinearWarmupCosineDecaySchedule", { warmup_percent: 0.1, warmup_steps: 3 }), false],
    [schedule("LinearDecreasingSchedule"), false],
    [schedule("LinearDecreasingSchedule", { max_value: 1 }), true],
    [schedule("LinearIncreasingSchedule", { max_value: null }), true],
    [schedule("PolynomialDecreasingSchedule", { max_value: 1, power: 2 }), true],
    [schedule("StepDecreasingSchedule", { max_value: 1, factor: 0.5, decreases_interval: 1 }), false],
    [schedule("StepFixedSchedule", { factor: 0.5, steps: [] }), false],
    [schedule("StepFixedSchedule", { factor: 0.5, steps: null }), false],
    [schedule("StepFixedSchedule", { factor: 0.5, steps: [5] }), false],
    [schedule("StepFixedSchedule", { factor: 0.5, steps: [-1] }), false],
    [schedule("StepIntervalSchedule", { factor: 0.5, update_interval: 0 }), false],
    [schedule("StepIntervalSchedule", { factor: 0.5, update_interval: 1 }), false],
    [schedule("LinearIncreasingSchedule", { start_value: 2 }), false],
    [schedule("LinearDecreasingSchedule", { end_value: 2 }), false],
    [schedule("StepFixedSchedule", { factor: 0.5, steps: [0.5, 0.75] }), true],
    [schedule("StepIntervalSchedule", { factor: 0.5, update_interval: 0.1 }), true],
    [schedule("PeriodicBoolSchedule", { initial_state: "yes" }), true],
    [{ value: 1 }, false],
    [schedule("linear.LinearDecreasingSchedule", { max_value: 1 }), false],
  ])("%j", (input, expected) => {
    expect(valid(AnyScheduleConfig, input)).toBe(expected);
  });

  test("defaults of the warm-up schedule", () => {
    expect(
      AnyScheduleConfig.parse(schedule("LinearWarmupCosineDecaySchedule", { warmup_percent: 0.1, max_value: 1 })),
    ).toMatchObject({
      start_value: 0,
      end_value: 1e-6,
      max_value: 1,
      interval: "update",
    });
  });

  test("a missing and a misspelt kind", () => {
    expect(() => validateConfig(AnyScheduleConfig, { value: 1 })).toThrow('missing "kind"');
    expect(() => validateConfig(AnyScheduleConfig, schedule("ConstantShedule"))).toThrow(
      'did you mean "noether.core.schedules.ConstantSchedule"',
    );
  });
});

describe("a user's own schedule", () => {
  class Warmup extends ScheduleBase {
    override computeValue(step: number): number {
      return step;
    }
  }
  class Described extends Warmup {
    static readonly schema = ScheduleBaseConfig.extend("DescribedConfig", { fields: {} });
  }
  beforeAll(() => {
    register("./schedules.ts#Warmup", { class: Warmup });
    register("./schedules.ts#Described", { class: Described });
  });
  test("is taken with its schema", () => {
    expect(valid(AnyScheduleConfig, { kind: "./schedules.ts#Described" })).toBe(true);
  });
  test("without a schema the error says what it lacks", () => {
    expect(() => validateConfig(AnyScheduleConfig, { kind: "./schedules.ts#Warmup" })).toThrow(
      'kind: expected "./schedules.ts#Warmup" to declare a static schema that extends ScheduleBaseConfig',
    );
  });
});
