import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CheckpointCallbackConfig } from "../../../../lib/core/callbacks/checkpoint/checkpoint";
import { CheckpointRetention, type RetentionRules } from "../../../../lib/core/callbacks/checkpoint/retention";
import { CallBackBaseConfig } from "../../../../lib/core/callbacks/base-config";
import { register } from "../../../../lib/config/registry";
import { PeriodicCallback } from "../../../../lib/core/callbacks";
import { smallRun, temporaryFolder } from "../../../support/small-run";

describe("which checkpoints stay", () => {
  const NONE: RetentionRules = { keepLast: null, keepEvery: null, keepBest: null, higherIsBetter: false };
  /** What is there after checkpoints 1, 2, … with these metrics. */
  const left = (rules: Partial<RetentionRules>, values: readonly number[]): number[] => {
    const retention = new CheckpointRetention({ ...NONE, ...rules });
    const there = new Set<number>();
    values.forEach((value, index) => {
      there.add(index + 1);
      for (const tag of retention.add(String(index + 1), value)) expect(there.delete(Number(tag))).toBe(true);
    });
    return [...there];
  };
  const five = [5, 1, 4, 2, 3];

  test.each<[Partial<RetentionRules>, readonly number[], number[]]>([
    [{ keepLast: 1 }, five, [5]],
    [{ keepLast: 3 }, five, [3, 4, 5]],
    [{ keepLast: 9 }, five, [1, 2, 3, 4, 5]],
    [{ keepEvery: 2 }, five, [2, 4, 5]],
    [{ keepEvery: 1 }, five, [1, 2, 3, 4, 5]],
    [{ keepBest: 1 }, five, [2, 5]],
    [{ keepBest: 2 }, five, [2, 4, 5]],
    [{ keepBest: 2, higherIsBetter: true }, five, [1, 3, 5]],
    [{ keepLast: 2, keepEvery: 3, keepBest: 1 }, five, [2, 3, 4, 5]],
    // the first of equal ones, and nothing that has no value
    [{ keepBest: 1 }, [2, 1, 1, NaN, NaN], [2, 5]],
    [{ keepBest: 3 }, [NaN, NaN, NaN], [3]],
    [{ keepBest: 1, higherIsBetter: true }, [-Infinity, NaN, 7, Infinity, 0], [4, 5]],
  ])("%j of %j: %j", (rules, values, expected) => expect(left(rules, values)).toEqual(expected));

  test("what was there before an interruption counts after it", () => {
    const [whole, first] = [{ ...NONE, keepLast: 1, keepEvery: 2, keepBest: 1 }].flatMap((rules) => [
      new CheckpointRetention(rules),
      new CheckpointRetention(rules),
    ]) as [CheckpointRetention, CheckpointRetention];
    for (const [i, value] of [3, 1, 2].entries()) {
      whole.add(`t${i}`, value);
      first.add(`t${i}`, value);
    }
    const second = new CheckpointRetention({ ...NONE, keepLast: 1, keepEvery: 2, keepBest: 1 });
    second.loadStateDict(first.stateDict());
    for (const value of [5, 0, 9]) expect(second.add(`n${value}`, value)).toEqual(whole.add(`n${value}`, value));
    expect(second.stateDict()).toEqual(whole.stateDict());
  });

  test("a checkpoint that is written again is the same one", () => {
    const retention = new CheckpointRetention({ ...NONE, keepEvery: 2 });
    for (const tag of ["a", "b", "b"]) retention.add(tag, NaN);
    expect(retention.add("c", NaN)).toEqual([]);
    expect(retention.add("d", NaN)).toEqual(["c"]);
  });
});

describe("of a run", () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const CHECKPOINTS = {
    kind: "noether.core.callbacks.CheckpointCallback",
    every_n_updates: 1,
    save_optim: true,
    save_latest_weights: false,
  };
  class Failing extends PeriodicCallback {
    override periodicCallback({ updateCounter }: { updateCounter: { update: number } }): void {
      if (updateCounter.update === 5) throw new Error("out of luck");
    }
  }
  const train = async (runId: string, callbacks: object[], trainer: object = {}, failing = false): Promise<void> => {
    const run = smallRun({ outputRootPath: folder.path, runId, seed: 0, trainer: { callbacks, ...trainer } });
    if (failing) run.trainer.extraCallbacks = (dependencies) => [new Failing({ every_n_updates: 1 }, dependencies)];
    await run.trainer.train(run.model);
  };
  const files = (runId: string): string[] => readdirSync(join(folder.path, runId, "checkpoints")).sort();
  const tags = (runId: string): string[] => [
    ...new Set(files(runId).map((name) => /_cp=(.*)_(model|optim|trainer)\.th$/.exec(name)?.[1] ?? name)),
  ];
  let all: string[];
  beforeAll(async () => {
    await train("all", [CHECKPOINTS]);
    all = tags("all").filter((tag) => tag !== "last");
    all.sort((a, b) => Number(/U(\d+)/.exec(a)?.[1]) - Number(/U(\d+)/.exec(b)?.[1]));
  });

  test("the last two, whole, and the end", async () => {
    await train("two", [{ ...CHECKPOINTS, keep_last: 2 }]);
    const kept = [...all.slice(-2), "last"];
    expect(files("two")).toEqual(
      kept.flatMap((tag) => ["model", "optim", "trainer"].map((part) => `small_cp=${tag}_${part}.th`)).sort(),
    );
  });

  test("every third, and the best by a metric that a callback before it logs", async () => {
    const errors = [5, 4, 1, 9, 0.5, 7, 6, 8, 3];
    class Errors extends PeriodicCallback {
      static readonly schema = CallBackBaseConfig;
      override periodicCallback({ updateCounter }: { updateCounter: { update: number } }): void {
        this.writer.addScalar("loss/chosen", errors[updateCounter.update - 1]!);
      }
    }
    register("test.retention.Errors", { class: Errors });
    await train("best", [
      { kind: "test.retention.Errors", every_n_updates: 1 },
      { ...CHECKPOINTS, keep_every: 3, keep_best: 2, metric_key: "loss/chosen" },
    ]);
    expect(all).toHaveLength(errors.length);
    // 3 and 5 have the smallest errors
    expect(tags("best").sort()).toEqual([...[3, 5, 6, 9].map((number) => all[number - 1]), "last"].sort());
  });

  test("averages of weights under the same tag go with it", async () => {
    const ema = { kind: "noether.core.callbacks.EmaCallback", every_n_updates: 1, target_factors: [0.5] };
    await train("averaged", [
      { ...CHECKPOINTS, keep_last: 1 },
      { ...ema, save_latest_weights: false },
    ]);
    expect(files("averaged").some((name) => name.includes(`ema=0.5_cp=${all.at(-1)}`))).toBe(true);
    expect(files("averaged").filter((name) => name.includes(`cp=${all[0]}_`))).toEqual([]);
  });

  test("goes on by the same rules after a failure", async () => {
    const rules = { ...CHECKPOINTS, keep_last: 1, keep_every: 2, save_latest_weights: true, save_latest_optim: true };
    await expect(train("failed", [rules], {}, true)).rejects.toThrow("out of luck");
    await train("failed", [rules], {
      initializer: {
        kind: "noether.core.initializers.ResumeInitializer",
        run_id: "failed",
        checkpoint_tag: "latest",
        model_name: "small",
      },
    });
    const kept = tags("failed").filter((tag) => !/^(last|latest)$|error$/.test(tag));
    expect(kept.sort()).toEqual(
      [...all.filter((_, i) => i % 2 === 1), ...(all.length % 2 ? all.slice(-1) : [])].sort(),
    );
  });

  test("refused beside another callback that writes the same tags, before training", async () => {
    const other = { ...CHECKPOINTS, every_n_updates: 2 };
    await expect(train("other", [{ ...CHECKPOINTS, keep_last: 1 }, other])).rejects.toThrow(
      /writes under the same tags/,
    );
  });
});

test.each([
  [{ keep_last: 1, save_weights: false }, /expected save_weights or save_optim/],
  [{ keep_best: 1 }, /needs the metric_key/],
  [{ metric_key: "loss" }, /metric_key is for keep_best/],
  [{ keep_last: 0 }, /keep_last/],
])("a config that says nothing sensible: %j", (config, message) =>
  expect(() => CheckpointCallbackConfig.create({ every_n_epochs: 1, ...config } as never)).toThrow(message),
);
