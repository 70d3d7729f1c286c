import {
  buildCallbackStateDict,
  CallbackBase,
  type CallbackState,
  collateResult,
  loadCallbackStateDicts,
  PeriodicCallback,
  type PeriodicCallbackContext,
  PeriodicDataIteratorCallback,
  ResultTuple,
  validateCheckpointKeys,
} from "../../../lib/core/callbacks";
import { PeriodicDataIteratorCallbackConfig } from "../../../lib/core/callbacks/data-iterator";
import type { DeviceBatch } from "../../../lib/core/interfaces/data";
import { getLogger } from "../../../lib/core/logging";
import { cat, tensor, type Tensor } from "../../../lib/torch";
import { smallData } from "../../support/small-run";
import { counterAt, parts } from "./support";

class Noted extends PeriodicCallback {
  readonly fired: string[] = [];
  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    this.fired.push(`${intervalType} ${updateCounter.update}`);
  }
}

const { dependencies } = parts();
const context = (update: number, options: { effectiveBatchSize?: number; updatesPerEpoch?: number } = {}) => {
  const updateCounter = counterAt(update, { end: 10_000, ...options });
  return { updateCounter, trainerModel: dependencies.model, batchSize: 1 };
};

describe("when a callback runs", () => {
  test("every n epochs", async () => {
    const callback = new Noted({ every_n_epochs: 2 }, dependencies);
    for (const epoch of [1, 2, 3, 4]) await callback.afterEpoch(context(epoch * 10));
    expect(callback.fired).toEqual(["epoch 20", "epoch 40"]);
  });

  test("every n updates", async () => {
    const callback = new Noted({ every_n_updates: 10 }, dependencies);
    for (const update of [5, 10, 15, 20]) await callback.afterUpdate(context(update));
    expect(callback.fired).toEqual(["update 10", "update 20"]);
  });

  test.each([
    [100, 1000, [10, 20]],
    [4, 10, [3, 5, 8, 10]],
    [4, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [2, 5, [3, 5, 8, 10]],
  ])("batches of %i, every %i samples", async (effectiveBatchSize, n, expected) => {
    const callback = new Noted({ every_n_samples: n, batch_size: 1 }, dependencies);
    for (let update = 1; update <= (expected.at(-1) as number); update++)
      await callback.afterUpdate(context(update, { effectiveBatchSize }));
    expect(callback.fired).toEqual(expected.map((update) => `sample ${update}`));
  });

  test("in evaluation always", async () => {
    const callback = new Noted({ every_n_updates: 1000 }, dependencies);
    await callback.atEval(context(1));
    expect(callback.fired).toEqual(["eval 1"]);
  });

  test("who overrides afterUpdate is called after every update", async () => {
    class Always extends Noted {
      override async afterUpdate(given: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
        await super.afterUpdate(given);
        this.fired.push("always");
      }
    }
    const callback = new Always({ every_n_updates: 2 }, dependencies);
    for (const update of [1, 2]) await callback.afterUpdate(context(update));
    expect(callback.fired).toEqual(["always", "update 2", "always"]);
  });
});

describe("intervals", () => {
  const updates = (config: object, update = 0) => {
    const callback = new Noted(config, dependencies);
    const counter = counterAt(update, { effectiveBatchSize: 4 });
    return [callback.updatesPerInterval(counter), callback.updatesTillNextInvocation(counter)];
  };

  test("in updates", () => {
    expect(updates({ every_n_updates: 25 })).toEqual([25, 25]);
    expect(updates({ every_n_updates: 10 }, 3)).toEqual([10, 7]);
    expect(updates({ every_n_epochs: 2 }, 13)).toEqual([20, 7]);
    expect(updates({ every_n_samples: 12, batch_size: 1 }, 4)).toEqual([3, 2]);
    expect(() => updates({ every_n_samples: 10, batch_size: 1 })).toThrow("multiple of the effective batch size");
    expect(() => updates({})).toThrow("no interval");
  });

  test("as text", () => {
    const text = (config: object) => {
      const callback = new Noted(config, dependencies);
      return [String(callback), callback.toShortIntervalString()];
    };
    expect(text({ every_n_updates: 100 })).toEqual(["Noted(every_n_updates=100)", "U100"]);
    expect(text({ every_n_epochs: 5 })).toEqual(["Noted(every_n_epochs=5)", "E5"]);
    expect(text({ every_n_samples: 4096, batch_size: 1 })).toEqual(["Noted(every_n_samples=4096)", "S4096"]);
  });
});

describe("states", () => {
  class Stateful extends CallbackBase {
    counter = 0;
    override stateDict(): CallbackState {
      return { counter: this.counter };
    }
    override loadStateDict(state: CallbackState): void {
      this.counter = (state as { counter: number }).counter;
    }
  }
  class Stateless extends CallbackBase {}
  const stateful = (id?: string, counter = 0) =>
    Object.assign(new Stateful(id === undefined ? null : { id }, dependencies), { counter });
  const logger = getLogger("test");
  let warnings: jest.SpyInstance;
  beforeEach(() => (warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
  afterEach(() => warnings.mockRestore());

  test("keys are unique among callbacks that have a state", () => {
    validateCheckpointKeys([
      stateful("a"),
      stateful("b"),
      new Stateless(null, dependencies),
      new Stateless(null, dependencies),
    ]);
    expect(() => validateCheckpointKeys([stateful(), stateful()])).toThrow(
      "Two stateful callbacks share checkpoint key 'Stateful'",
    );
  });

  test("are built by key", () => {
    expect(
      buildCallbackStateDict([stateful("a", 1), new Stateless(null, dependencies), stateful(undefined, 2)]),
    ).toEqual(
      new Map([
        ["a", { counter: 1 }],
        ["Stateful", { counter: 2 }],
      ]),
    );
  });

  test("are loaded by key; what fits nowhere is reported", () => {
    const [a, b] = [stateful("a"), stateful("b", 5)];
    loadCallbackStateDicts([a, b], { a: { counter: 42 }, gone: { counter: 1 } }, logger);
    expect([a.counter, b.counter]).toEqual([42, 5]);
    expect(warnings.mock.calls.join()).toMatch(/gone.*\n?.*start fresh: b/s);
  });

  test("of old files are loaded by position", () => {
    const [a, b] = [stateful("a"), stateful("b")];
    loadCallbackStateDicts([a, new Stateless(null, dependencies), b], [{ counter: 1 }, null, { counter: 2 }], logger);
    expect([a.counter, b.counter]).toEqual([1, 2]);
    expect(() => loadCallbackStateDicts([a], [{ counter: 1 }, { counter: 2 }], logger)).toThrow(
      "number of stateful callbacks differs",
    );
  });
});

describe("results of batches", () => {
  const value = (x: unknown) => (x as Tensor).toArray();
  test("numbers and 0-d tensors are stacked, others joined", () => {
    expect(value(collateResult([tensor(1), tensor(2), tensor(3)]))).toEqual([1, 2, 3]);
    expect(value(collateResult([1, 2]))).toEqual([1, 2]);
    expect(value(collateResult([tensor([1, 2]), tensor([3, 4])]))).toEqual([1, 2, 3, 4]);
    expect(collateResult([null, null])).toBeNull();
  });
  test("mappings and lists entry by entry", () => {
    const mapping = collateResult([
      { a: tensor(1), b: tensor([1]) },
      { a: tensor(2), b: tensor([2, 3]) },
    ]) as Record<string, Tensor>;
    expect([value(mapping["a"]), value(mapping["b"])]).toEqual([[1, 2], [1, 2, 3]]); // prettier-ignore
    expect((collateResult([[tensor([1])], [tensor([2])]]) as Tensor[]).map(value)).toEqual([[1, 2]]);
    expect(() => collateResult([{ a: tensor(1) }, {}])).toThrow("lacks 'a'");
  });
});

describe("over a data set", () => {
  class Pass extends PeriodicDataIteratorCallback {
    batches = 0;
    results: unknown;
    seen: unknown;
    override processData(batch: DeviceBatch): ResultTuple {
      this.batches += 1;
      return new ResultTuple((batch["y"] as Tensor).flatten(), { x: cat([batch["x"] as Tensor]) });
    }
    override processResults(results: unknown, { intervalType }: { intervalType: string }): void {
      const [y, { x }] = results as [Tensor, { x: Tensor }];
      this.results = [y.shape, x.shape];
      this.seen = intervalType;
    }
  }

  test("100 samples by 4 are 25 batches, collated position by position", async () => {
    const { dependencies: own, context: at } = parts({ dataContainer: smallData(4, 100) as unknown as object });
    const callback = new Pass(
      PeriodicDataIteratorCallbackConfig.create({ every_n_epochs: 1, dataset_key: "test", batch_size: 4 }),
      { ...own, dataContainer: smallData(4, 100) },
    );
    await callback.periodicCallback(at("epoch"));
    expect([callback.batches, callback.results, callback.seen]).toEqual([25, [[100], [100, 2]], "epoch"]);
    expect(callback.totalDataTime).toBeGreaterThan(0);
  });

  test("a data set that is not there names those that are", () => {
    const { dependencies: own } = parts();
    expect(
      () =>
        new Pass(PeriodicDataIteratorCallbackConfig.create({ every_n_epochs: 1, dataset_key: "tset" }), {
          ...own,
          dataContainer: smallData(),
        }),
    ).toThrow(/tset.*test/);
  });
});
