import { MetricPropertyProvider, Ordinality } from "../../../lib/core/providers";

describe("MetricPropertyProvider", () => {
  const metrics = new MetricPropertyProvider();
  afterEach(() => MetricPropertyProvider.resetPatterns());

  test.each([
    ["val/loss/total", Ordinality.LOWER_IS_BETTER, false],
    ["loss/online/total/E1", Ordinality.LOWER_IS_BETTER, false],
    ["train_accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["Train_Accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["loss/val/accuracy", Ordinality.HIGHER_IS_BETTER, true],
    ["loss_weight/decay", Ordinality.NEUTRAL, false],
    ["optim/lr/encoder", Ordinality.NEUTRAL, false],
    ["OPTIM/LR", Ordinality.NEUTRAL, false],
    ["lossdiff/val/mse", Ordinality.NEUTRAL, false],
    ["train_time/forward/mean/E1", Ordinality.NEUTRAL, false],
    ["error", Ordinality.LOWER_IS_BETTER, false],
  ])("%s is %s", (key, ordinality, higher) => {
    expect(metrics.getOrdinality(key)).toBe(ordinality);
    expect(metrics.higherIsBetter(key)).toBe(higher);
  });

  test("an unknown metric counts as better when higher, with a warning", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(metrics.getOrdinality("val/f1")).toBeNull();
    expect(metrics.higherIsBetter("val/f1")).toBe(true);
    expect(warnings.mock.calls.join()).toContain("matches no pattern");
    warnings.mockRestore();
  });

  test("registered patterns come before the defaults, in their order", () => {
    MetricPropertyProvider.registerPattern("val/loss/*", Ordinality.NEUTRAL);
    MetricPropertyProvider.registerPattern("*", Ordinality.LOWER_IS_BETTER);
    expect(metrics.isNeutralKey("val/loss/epoch")).toBe(true);
    expect(metrics.getOrdinality("train/score")).toBe(Ordinality.LOWER_IS_BETTER);
  });

  test("shell patterns", () => {
    MetricPropertyProvider.registerPattern("m[12]/?", Ordinality.HIGHER_IS_BETTER);
    MetricPropertyProvider.registerPattern("n[!0]", Ordinality.LOWER_IS_BETTER);
    expect(metrics.getOrdinality("m1/a")).toBe(Ordinality.HIGHER_IS_BETTER);
    expect(metrics.getOrdinality("m3/a")).toBeNull();
    expect(metrics.getOrdinality("n1")).toBe(Ordinality.LOWER_IS_BETTER);
    expect(metrics.getOrdinality("n0")).toBeNull();
  });
});
