import "../../../lib/training";
import { withIntervals } from "../../../lib/inference/runners/inference-runner";

describe("intervals of an evaluation's callbacks", () => {
  const kind = "noether.training.callbacks.OfflineLossCallback";
  const intervals = (...callbacks: unknown[]) =>
    (withIntervals({ trainer: { callbacks } })["trainer"] as { callbacks: unknown[] }).callbacks;

  test("a callback without one gets one: it runs once anyway", () => {
    expect(intervals({ kind, dataset_key: "test" })).toEqual([{ kind, dataset_key: "test", every_n_epochs: 1 }]);
  });
  test("a written one stays", () => {
    expect(intervals({ kind, every_n_updates: 5 })).toEqual([{ kind, every_n_updates: 5 }]);
  });
  test("what has none by its nature, and what is no callback, stays as it is", () => {
    const others = [{ kind: "noether.core.callbacks.FixedEarlyStopper", stop_at_epoch: 1 }, { kind: "no.such" }, null];
    expect(intervals(...others)).toEqual(others);
  });
  test("a config without callbacks stays as it is", () => {
    expect(withIntervals({ trainer: { callbacks: null } })).toEqual({ trainer: { callbacks: null } });
    expect(withIntervals({})).toEqual({});
  });
});
