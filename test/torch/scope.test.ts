import { AsyncResource } from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Tensor } from "../../lib/torch";
import {
  countTensors,
  expectNoLeaks,
  keep,
  memory,
  nn,
  optim,
  randn,
  resetPeakMemory,
  scope,
  tensor,
  zeros,
} from "../../lib/torch";
import { freeIfFails } from "../../lib/torch/scope";
import { collectGarbage } from "../support/collect-garbage";

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How many tensors `body` leaves behind. */
function left(body: () => unknown): number {
  const before = countTensors();
  body();
  return countTensors() - before;
}

describe("scope", () => {
  test("frees what is made inside", () => {
    expect(left(() => scope(() => void zeros([2]).add(1).mul(2)))).toBe(0);
  });

  test("lets the result out, also nested in arrays, objects, maps and sets", () => {
    const before = countTensors();
    const result = scope(() => {
      zeros([9]);
      return {
        a: [zeros([1])],
        b: new Map([["x", zeros([2])]]),
        c: new Set([zeros([3])]),
        d: { e: zeros([4]) },
        f: "text",
        g: null,
      };
    });
    expect(countTensors() - before).toBe(4);
    expect([result.a[0]!.shape, result.b.get("x")!.shape, [...result.c][0]!.shape, result.d.e.shape]).toEqual([
      [1],
      [2],
      [3],
      [4],
    ]);
    [result.a[0]!, result.b.get("x")!, ...result.c, result.d.e].forEach((x) => x.dispose());
  });

  test("hands results to the enclosing scope", () => {
    expect(
      left(() =>
        scope(() => {
          const inner = scope(() => tensor([1, 2]));
          expect(inner.toArray()).toEqual([1, 2]);
        }),
      ),
    ).toBe(0);
  });

  test("follows cycles in the result once", () => {
    const result = scope(() => {
      const node: { self?: unknown; x: Tensor } = { x: zeros([1]) };
      node.self = node;
      return node;
    });
    expect(result.x.isDisposed).toBe(false);
  });

  test("frees what is made inside when the function throws", () => {
    expect(
      left(() =>
        expect(() =>
          scope(() => {
            zeros([3]);
            throw new Error("stop");
          }),
        ).toThrow("stop"),
      ),
    ).toBe(0);
  });

  test.each<[string, () => unknown]>([
    [
      "a getter that throws",
      () => ({
        x: zeros([1]),
        get y() {
          throw new Error("stop");
        },
      }),
    ],
    [
      "a proxy that throws",
      () => [
        zeros([1]),
        new Proxy(
          {},
          {
            ownKeys() {
              throw new Error("stop");
            },
          },
        ),
      ],
    ],
    [
      "an iterator that throws",
      () => {
        const set = new Set([zeros([1])]);
        set[Symbol.iterator] = () => {
          throw new Error("stop");
        };
        return set;
      },
    ],
  ])("frees everything when the result cannot be searched: %s", (_, make) => {
    expect(
      left(() =>
        expect(() =>
          scope(() => {
            zeros([2]);
            return make();
          }),
        ).toThrow("stop"),
      ),
    ).toBe(0);
    expect(zeros([1]).owner).toBeNull();
  });

  test("searches long chains", () => {
    const result = scope(() => {
      let chain: { next: unknown; x?: Tensor } = { next: null, x: zeros([1]) };
      for (let i = 0; i < 100_000; i++) chain = { next: chain };
      return chain;
    });
    let end = result;
    while (end.next) end = end.next as typeof result;
    expect(end.x!.toArray()).toEqual([0]);
  });

  test("does not free what was made outside", () => {
    const x = zeros([2]);
    scope(() => x.add(1));
    expect(x.toArray()).toEqual([0, 0]);
  });

  test("keep takes a tensor out of every scope", () => {
    const kept = new Array<Tensor>();
    scope(() => {
      scope(() => void kept.push(keep(zeros([2]))));
    });
    expect(kept[0]!.toArray()).toEqual([0, 0]);
    kept[0]!.dispose();
  });

  test("keeps parameters and optimizer state", () => {
    const built: { model?: nn.Linear; optimizer?: optim.AdamW } = {};
    const step = (): void =>
      scope(() => {
        built.model ??= new nn.Linear(2, 1);
        built.optimizer ??= new optim.AdamW(built.model.parameters(), { lr: 0.1 });
        built.optimizer.zeroGrad();
        built.model
          .forward(randn([3, 2]))
          .sum()
          .backward();
        built.optimizer.step();
      });
    step();
    const before = countTensors();
    step();
    step();
    expect(countTensors()).toBe(before);
    expect(built.model!.weight.isDisposed).toBe(false);
  });

  test("frees intermediates before backward without harm", () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const loss = scope(() => x.mul(x).exp().sum());
    loss.backward();
    expect(x.grad!.toArray()).toEqual(
      [1, 2, 3].map((value) => expect.closeTo(2 * value * Math.exp(value * value), -1)),
    );
  });

  test("refuses a promise from a function that is not async", () => {
    expect(() => scope(() => Promise.resolve(1))).toThrow("expected a synchronous function or one declared async");
  });
});

// Counters are of no use across an await: the garbage collector may free what other tests left. The tensors themselves tell.
describe("async scope", () => {
  const made: Tensor[] = [];
  const track = (x: Tensor): Tensor => {
    made.push(x);
    return x;
  };
  const live = (): number => made.filter((x) => !x.isDisposed).length;
  beforeEach(() => {
    made.length = 0;
  });

  test("frees what is made before and after an await", async () => {
    const result = await scope(async () => {
      const x = track(tensor([1]));
      await pause();
      const y = track(x.add(1));
      await pause();
      return track(y.mul(2));
    });
    expect(result.toArray()).toEqual([4]);
    expect([made.length, live()]).toEqual([3, 1]);
  });

  test("interleaved scopes keep apart", async () => {
    const run = (value: number): Promise<Tensor> =>
      scope(async () => {
        let x = track(tensor([value]));
        for (let i = 0; i < 5; i++) {
          await pause();
          x = track(x.add(1));
        }
        return x;
      });
    const results = await Promise.all([run(0), run(10), run(20)]);
    expect(results.map((x) => x.item())).toEqual([5, 15, 25]);
    expect([made.length, live()]).toEqual([18, 3]);
  });

  test("synchronous scopes nest inside", async () => {
    await scope(async () => {
      await pause();
      const x = scope(() => track(track(tensor([1])).add(1)));
      expect(live()).toBe(1);
      await pause();
      expect(x.item()).toBe(2);
    });
    expect([made.length, live()]).toEqual([2, 0]);
  });

  test("asynchronous scopes nest inside and hand their results over", async () => {
    await scope(async () => {
      const x = await scope(async () => {
        await pause();
        return track(track(tensor([3])).mul(2));
      });
      expect(live()).toBe(1);
      await pause();
      expect(x.item()).toBe(6);
    });
    expect([made.length, live()]).toEqual([2, 0]);
  });

  test("starting one inside a synchronous scope leaves that scope in effect", async () => {
    let running: Promise<void> | undefined;
    scope(() => {
      running = scope(async () => {
        track(zeros([1]));
        await pause();
        track(zeros([1]));
      });
      track(zeros([2]));
    });
    expect(made.map((x) => x.isDisposed)).toEqual([false, true]);
    await running;
    expect([made.length, live()]).toEqual([3, 0]);
  });

  test("callbacks of other asynchronous resources do not disturb a synchronous scope", async () => {
    const resource = new AsyncResource("other");
    await scope(async () => {
      await pause();
      scope(() => {
        resource.runInAsyncScope(() => undefined);
        track(zeros([1]));
      });
      expect(live()).toBe(0);
      track(zeros([1]));
      expect(live()).toBe(1);
    });
    expect(live()).toBe(0);
  });

  test("many one after the other keep nothing", async () => {
    for (let i = 0; i < 100; i++) await scope(async () => void (await pause()));
    const x = tensor([1]);
    expect(x.owner).toBeNull();
  });

  test("code outside is not caught in it", async () => {
    const running = scope(async () => {
      await pause();
      await pause();
    });
    await pause();
    const outside = tensor([7]);
    await running;
    expect(outside.item()).toBe(7);
  });

  test("frees what is made inside when the function rejects", async () => {
    await expect(
      scope(async () => {
        track(zeros([3]));
        await pause();
        track(zeros([3]));
        throw new Error("stop");
      }),
    ).rejects.toThrow("stop");
    expect([made.length, live()]).toEqual([2, 0]);
  });
});

describe("freeIfFails", () => {
  test("leaves what was made to the scope around it", async () => {
    let hidden: Tensor | undefined;
    await scope(async () => {
      await freeIfFails(async () => {
        hidden = zeros([2]);
        await pause();
      });
      expect(hidden?.isDisposed).toBe(false);
    });
    expect(hidden?.isDisposed).toBe(true);
  });

  test("frees it where the function fails, while the scope around it goes on", async () => {
    await scope(async () => {
      const before = zeros([2]);
      let made: Tensor | undefined;
      const failing = freeIfFails(async () => {
        made = zeros([2]);
        await pause();
        throw new Error("no memory");
      });
      await expect(failing).rejects.toThrow("no memory");
      expect([before.isDisposed, made?.isDisposed]).toEqual([false, true]);
    });
  });
});

describe("explicit disposal", () => {
  test("dispose frees at once, twice is harmless", () => {
    const x = zeros([2]);
    const before = countTensors();
    x.dispose();
    x.dispose();
    expect(countTensors()).toBe(before - 1);
    expect(x.isDisposed).toBe(true);
  });

  test("Symbol.dispose is there for `using`", () => {
    const x = zeros([2]);
    x[Symbol.dispose]();
    expect(x.isDisposed).toBe(true);
  });

  test("a disposed tensor inside a scope is freed once", () => {
    expect(left(() => scope(() => zeros([2]).dispose()))).toBe(0);
  });
});

describe("outside every scope", () => {
  test("the garbage collector frees tensors in time", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const many = 200;
    const make = (): void => {
      for (let i = 0; i < many; i++) zeros([2]).add(1);
    };
    make();
    const before = countTensors();
    for (let turn = 0; turn < 20 && countTensors() > before - many; turn++) {
      collect();
      await pause();
    }
    expect(countTensors()).toBeLessThanOrEqual(before - many);
  });
});

test("expectNoLeaks tells what is left behind", () => {
  const held: Tensor[] = [];
  expect(() => expectNoLeaks(() => void held.push(zeros([1])))).toThrow(
    "expected no live tensors to be left behind, got 1",
  );
  expect(expectNoLeaks(() => scope(() => zeros([1]).item()))).toBe(0);
  expect(expectNoLeaks(() => scope(() => [zeros([1])]))).toHaveLength(1);
});

beforeAll(collectGarbage);

test("memory counts live tensors, bytes and peaks", () => {
  scope(() => {
    resetPeakMemory();
    const { tensors, bytes } = memory();
    scope(() => [1, 2, 3].map(() => void zeros([1000])));
    expect(memory().tensors).toBe(tensors);
    expect(memory().peakTensors).toBe(tensors + 3);
    expect(memory().peakBytes - bytes).toBeGreaterThanOrEqual(12000);
  });
});
