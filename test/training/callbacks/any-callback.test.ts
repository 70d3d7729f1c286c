import "../../../lib/core/callbacks";
import { configClassOf, validateConfig } from "../../../lib/config/schema";
import { FixedEarlyStopperConfig } from "../../../lib/core/callbacks/early-stoppers/fixed";
import { CallbacksConfig } from "../../../lib/training/callbacks/any-callback";

const resolved = (input: object) => configClassOf(CallbacksConfig.parse({ every_n_epochs: 1, ...input }))?.configName;
const checkpoint = "noether.core.callbacks.CheckpointCallback";

describe("which schema a callback has, without kind", () => {
  test.each([
    [{}, "CallBackBaseConfig"],
    [{ save_weights: true }, "CheckpointCallbackConfig"],
    [{ metric_key: "loss" }, "BestCheckpointCallbackConfig"],
    [{ metric_key: "loss", tolerance: 2 }, "MetricEarlyStopperConfig"],
    [{ dataset_key: "test" }, "OfflineLossCallbackConfig"],
    [{ dataset_key: "test", name: "PeriodicDataIteratorCallback" }, "PeriodicDataIteratorCallbackConfig"],
    [{ target_factors: [0.9] }, "EmaCallbackConfig"],
    [{ target_factors: [0.9], save_weights: false }, "EmaCallbackConfig"],
    [{ verbose: false }, "OnlineLossCallbackConfig"],
    [{ keys: ["a"] }, "TrackAdditionalOutputsCallbackConfig"],
    [{ stop_at_epoch: 3, unknown: 1 }, "FixedEarlyStopperConfig"],
    [{ name: "CheckpointCallback" }, "CheckpointCallbackConfig"],
  ])("%j is a %s", (input, expected) => {
    expect(resolved(input)).toBe(expected);
  });
});

describe("with kind", () => {
  test("the schema of the kind is chosen even without a name", () => {
    expect(resolved({ kind: checkpoint })).toBe("CheckpointCallbackConfig");
    expect(CallbacksConfig.parse({ kind: checkpoint, every_n_epochs: 1 })).toMatchObject({
      name: "CheckpointCallback",
      save_weights: true,
      save_optim: false,
    });
  });
  test("an unknown kind and an unknown key name the nearest", () => {
    expect(() =>
      validateConfig(CallbacksConfig, { kind: "noether.core.callbacks.CheckpointCalback", every_n_epochs: 1 }),
    ).toThrow(`did you mean "${checkpoint}"`);
    expect(() => validateConfig(CallbacksConfig, { kind: checkpoint, every_n_epochs: 1, save_weigths: true })).toThrow(
      'save_weigths: unknown key of CheckpointCallbackConfig; did you mean "save_weights"',
    );
  });
  test("a blank kind is refused", () => {
    expect(CallbacksConfig.safeParse({ kind: " ", every_n_epochs: 1 }).success).toBe(false);
  });
});

describe("intervals", () => {
  test.each([
    [{ every_n_epochs: 1 }, true],
    [{ every_n_epochs: 1.0 }, true],
    [{ every_n_epochs: 1.5 }, false],
    [{ every_n_epochs: 0 }, false],
    [{}, false],
    [{ every_n_epochs: 1, every_n_updates: 1 }, false],
    [{ every_n_samples: 10 }, false],
    [{ every_n_samples: 10, batch_size: 2 }, true],
  ])("%j", (interval, expected) => {
    expect(CallbacksConfig.safeParse({ kind: checkpoint, ...interval }).success).toBe(expected);
  });
  test("FixedEarlyStopper wants exactly one end", () => {
    expect(FixedEarlyStopperConfig.safeParse({ stop_at_epoch: 1 }).success).toBe(true);
    expect(FixedEarlyStopperConfig.safeParse({ stop_at_epoch: 1, stop_at_update: 2 }).success).toBe(false);
    expect(FixedEarlyStopperConfig.safeParse({}).success).toBe(false);
  });
});
