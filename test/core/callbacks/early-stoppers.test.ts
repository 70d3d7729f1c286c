import { EarlyStopIteration, FixedEarlyStopper, MetricEarlyStopper } from "../../../lib/core/callbacks";
import { FixedEarlyStopperConfig } from "../../../lib/core/callbacks/early-stoppers/fixed";
import { MetricEarlyStopperConfig } from "../../../lib/core/callbacks/early-stoppers/metric";
import { counterAt, logMetrics, parts } from "./support";

describe("early stoppers", () => {
  test.each([
    [{ stop_at_epoch: 2 }, 19, false],
    [{ stop_at_epoch: 2 }, 20, true],
    [{ stop_at_update: 5 }, 5, true],
    [{ stop_at_sample: 17 }, 4, false],
    [{ stop_at_sample: 17 }, 5, true],
  ])("%j at update %i", (config, update, stops) => {
    const own = parts();
    const stopper = new FixedEarlyStopper(FixedEarlyStopperConfig.create(config), own.dependencies);
    const run = () => stopper.periodicCallback({ ...own.context("update"), updateCounter: counterAt(update) });
    if (stops) expect(run).toThrow(EarlyStopIteration);
    else run();
    stopper.periodicCallback({ ...own.context("eval"), updateCounter: counterAt(update) });
  });

  test("an end of zero, which would be after the first update, is refused", () =>
    expect(() => FixedEarlyStopperConfig.create({ stop_at_epoch: 0 })).toThrow("expected an integer >= 1"));

  const make = (metric_key: string, tolerance: number, own = parts()) => ({
    own,
    stopper: new MetricEarlyStopper(
      MetricEarlyStopperConfig.create({ every_n_epochs: 1, metric_key, tolerance }),
      own.dependencies,
    ),
  });
  function feed({ own, stopper }: ReturnType<typeof make>, values: readonly number[]): boolean[] {
    return values.map((value) => {
      logMetrics(own, { [stopper.metricKey]: value });
      try {
        stopper.periodicCallback(own.context("epoch"));
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(EarlyStopIteration);
        return true;
      }
    });
  }

  test.each([
    ["loss/val", 2, [0.5, 0.4, 0.45, 0.5], [false, false, false, true]],
    ["accuracy", 1, [0.5, 0.6, 0.6], [false, false, true]],
    ["loss/val", 1, [NaN, 1], [true, false]],
  ])("%s, tolerance %i, over %j", (key, tolerance, values, expected) =>
    expect(feed(make(key, tolerance), values)).toEqual(expected),
  );

  test("patience continues after a resumption", () => {
    const first = make("loss/val", 3);
    feed(first, [1, 2, 2]);
    const second = make("loss/val", 3);
    second.stopper.loadStateDict(first.stopper.stateDict());
    expect(feed(second, [2])).toEqual([true]);
  });

  test("a metric that nobody logs is an error", () => {
    const { own, stopper } = make("loss/val", 1);
    expect(() => stopper.periodicCallback(own.context("epoch"))).toThrow("couldn't find metric_key loss/val");
  });

  test("a tolerance below one is refused", () => expect(() => make("loss/val", 0)).toThrow());
});
