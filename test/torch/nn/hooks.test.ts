import {
  deepcopy,
  keep,
  nn,
  noGrad,
  ones,
  scope,
  tensor,
  zeros,
  type Tensor,
  manualSeed,
  countTensors,
} from "../../../lib/torch";
import { closed, expectAll, stored, weighted } from "./utils/stored";
import type { Stored } from "./fixtures";

const options = { dtype: "float64" } as const;

class Pair extends nn.Module {
  readonly inner = new nn.Linear(3, 2, options);
  constructor(readonly log: unknown[]) {
    super();
  }
  forward(x: Tensor, factor: number, y: Tensor): [Tensor, Tensor] {
    this.log.push("forward");
    return [this.inner.forward(x).mul(factor), y.sum()];
  }
}

type Told = [name: string, gradients: (Tensor | null)[]];

/** Compares what hooks were called with, in their order. */
function expectLog(log: readonly (string | Told)[], expected: readonly (string | [string, (Stored | null)[]])[]): void {
  expect(log.map((entry) => (typeof entry === "string" ? entry : entry[0]))).toEqual(
    expected.map((entry) => (typeof entry === "string" ? entry : entry[0])),
  );
  log.forEach((entry, i) => {
    if (typeof entry === "string") return;
    const wanted = expected[i]![1] as (Stored | null)[];
    expect(entry[1].map((gradient) => gradient === null)).toEqual(wanted.map((gradient) => gradient === null));
    entry[1].forEach((gradient, j) => {
      if (gradient !== null) expectAll({ gradient }, { gradient: wanted[j]! });
    });
  });
}

const told = (name: string, gradients: readonly (Tensor | null)[]): Told => [
  name,
  gradients.map((gradient) => gradient && keep(noGrad(() => gradient.clone()))),
];

describe("hooks of a pass", () => {
  test("run in PyTorch's order with PyTorch's gradients, and replace what they return", () => {
    const log: (string | Told)[] = [];
    const keepTold = (name: string, gradients: readonly (Tensor | null)[]): void => {
      log.push(told(name, gradients));
    };
    manualSeed(3);
    const pair = new Pair(log);
    pair.registerForwardPreHook(() => void log.push("pre 1"));
    pair.registerForwardPreHook(
      (_, [x, ...others]) => {
        log.push("pre 2");
        return [(x as Tensor).mul(2), ...others];
      },
      { prepend: true },
    );
    pair.registerForwardHook((_, __, output) => {
      log.push("after 1");
      const [a, b] = output as [Tensor, Tensor];
      return [a.add(1), b];
    });
    pair.registerForwardHook(() => void log.push("after 2"), { prepend: true });
    pair.registerFullBackwardPreHook((_, gradOutput) => {
      keepTold("backward pre", gradOutput);
      return [gradOutput[0]!.mul(2), gradOutput[1]!];
    });
    pair.registerFullBackwardHook((_, gradInput, gradOutput) => {
      keepTold("backward out", gradOutput);
      keepTold("backward in", gradInput);
      return [gradInput[0]!.mul(3), null, gradInput[2]!];
    });
    pair.inner.registerFullBackwardHook((_, gradInput, gradOutput) => {
      keepTold("inner out", gradOutput);
      keepTold("inner in", gradInput);
    });
    const x = closed([2, 3]).requiresGrad_();
    const y = closed([2], 2).requiresGrad_();
    const [a, b] = pair.forward(x, 2, y);
    weighted(a).add(b.mul(3)).backward();
    const { log: expected, ...gradients } = stored.hooks;
    expectLog(log, expected);
    for (const [name, { grad }] of Object.entries({ x, y, weight: pair.inner.weight }))
      expectAll({ [name]: grad! }, { [name]: gradients[name as "x"] });
  });

  test("backward hooks of a module whose inputs take no gradient get nulls for them", () => {
    manualSeed(3);
    const linear = new nn.Linear(3, 2, options);
    const log: Told[] = [];
    linear.registerFullBackwardHook((_, gradInput, gradOutput) => {
      log.push(told("out", gradOutput), told("in", gradInput));
    });
    weighted(linear.forward(closed([2, 3]))).backward();
    expectLog(log, stored.hooks["without gradients of inputs"]);
    linear.registerFullBackwardHook(() => [ones([1])]);
    expect(() => weighted(linear.forward(closed([2, 3]))).backward()).toThrow(
      "no input of the module takes a gradient",
    );
  });

  test("a removed hook runs no more, and one function may be registered twice", () => {
    const linear = new nn.Linear(1, 1);
    let calls = 0;
    const hook = (): void => void calls++;
    const [first, second] = [linear.registerForwardHook(hook), linear.registerForwardHook(hook)];
    linear.forward(ones([1, 1]));
    first.remove();
    linear.forward(ones([1, 1]));
    second.remove();
    second.remove();
    linear.forward(ones([1, 1]));
    expect(calls).toBe(3);
  });

  test("a removed backward hook runs no more", () => {
    const linear = new nn.Linear(1, 1);
    let calls = 0;
    const handle = linear.registerFullBackwardHook(() => void calls++);
    linear
      .forward(ones([1, 1]))
      .sum()
      .backward();
    handle.remove();
    linear
      .forward(ones([1, 1]))
      .sum()
      .backward();
    expect(calls).toBe(1);
  });

  test("alwaysCall: also when forward throws, with null for the output; the first error counts", () => {
    const linear = new nn.Linear(3, 1);
    const outputs: unknown[] = [];
    linear.registerForwardHook((_, __, output) => void outputs.push(output), { alwaysCall: true });
    linear.registerForwardHook(() => void outputs.push("other"));
    expect(() => linear.forward(ones([1, 2]))).toThrow("linear");
    expect(outputs).toEqual([null]);
  });

  test("gradients of the wrong number are refused", () => {
    const linear = new nn.Linear(1, 1);
    linear.registerFullBackwardHook(() => [null, null]);
    expect(() =>
      linear
        .forward(ones([1, 1]).requiresGrad_())
        .sum()
        .backward(),
    ).toThrow("Linear: a backward hook: expected nothing, or 1 gradients (a tensor or null each), got [null, null]");
  });

  test("unknown options are refused", () => {
    const linear = new nn.Linear(1, 1);
    expect(() => linear.registerForwardHook(() => null, { prepent: true } as object)).toThrow('did you mean "prepend"');
    expect(() => linear.registerForwardPreHook(() => null, { alwaysCall: true } as object)).toThrow("unknown option");
    expect(() => linear.registerFullBackwardHook(null as never)).toThrow("expected a function for hook, got null");
  });

  test("backward hooks leave no tensors behind, and nothing runs without recording", () => {
    const linear = new nn.Linear(2, 2);
    let calls = 0;
    linear.registerFullBackwardHook(() => void calls++);
    linear.registerFullBackwardPreHook(() => void calls++);
    const x = ones([1, 2]).requiresGrad_();
    const pass = (): void => scope(() => linear.forward(x).sum().backward());
    pass();
    const before = countTensors();
    for (let i = 0; i < 5; i++) pass();
    noGrad(() => scope(() => void linear.forward(x)));
    expect([countTensors(), calls]).toEqual([before, 12]);
  });

  test("an output in an object is watched, too", () => {
    class Named extends nn.Module {
      forward(x: Tensor): { y: Tensor; text: string } {
        return { y: x.mul(2), text: "fine" };
      }
    }
    const named = new Named();
    const seen: boolean[] = [];
    named.registerFullBackwardHook((_, __, gradOutput) => void seen.push(...gradOutput.map((each) => each !== null)));
    const { y, text } = named.forward(ones([1]).requiresGrad_());
    y.sum().backward();
    expect([text, seen]).toEqual(["fine", [true, false]]);
  });
});

describe("hooks of state dicts", () => {
  const named = (log: string[]): nn.Module => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Sequential(new nn.Linear(2, 1)));
    for (const [name, module] of net.namedModules()) {
      const python = (value: boolean): string => (value ? "True" : "False");
      module.registerStateDictPreHook(
        (_, prefix, keepVars) => void log.push(`save ${name}: ${prefix} ${python(keepVars)}`),
      );
      module.registerStateDictPostHook(
        (_, state, prefix, meta) =>
          void log.push(`saved ${name}: ${prefix} ${[...state.keys()].join()} ${meta.version}`),
      );
      module.registerLoadStateDictPreHook(
        (_, __, prefix, meta, strict) =>
          void log.push(`load ${name}: ${prefix} ${String(meta["version"])} ${python(strict)}`),
      );
      module.registerLoadStateDictPostHook((_, keys) => void log.push(`loaded ${name}: ${keys.missingKeys.join()}`));
    }
    return net;
  };

  test("run in PyTorch's order with PyTorch's arguments, but those before loading before anything is loaded", () => {
    const log: string[] = [];
    const net = named(log);
    net.loadStateDict(net.stateDict());
    const expected = stored.hooks["state dicts"];
    for (const kind of ["save", "load ", "loaded"]) {
      const of = (list: readonly string[]): string[] => list.filter((entry) => entry.startsWith(kind));
      expect(of(log)).toEqual(of(expected));
    }
  });

  test("one before loading may rename keys; the caller's stay", () => {
    const net = new nn.Sequential(new nn.Linear(2, 1));
    net.at(0).registerLoadStateDictPreHook((_, state, prefix) => {
      state.set(`${prefix}weight`, state.get(`${prefix}kernel`)!);
      state.delete(`${prefix}kernel`);
    });
    const given = new Map([
      ["0.kernel", ones([1, 2])],
      ["0.bias", zeros([1])],
    ]);
    net.loadStateDict(given);
    expect((net.at(0) as nn.Linear).weight.toArray()).toEqual([[1, 1]]);
    expect([...given.keys()]).toEqual(["0.kernel", "0.bias"]);
  });

  test("one after loading may forgive missing keys; where keys are left over, the module is as before", () => {
    const linear = new nn.Linear(2, 1);
    const before = linear.weight.detach().clone();
    linear.registerLoadStateDictPostHook((_, { missingKeys }) => {
      missingKeys.splice(missingKeys.indexOf("bias"), 1);
    });
    expect(() => linear.loadStateDict({ weight: ones([1, 2]), more: ones([1]) })).toThrow(
      'Unexpected key(s) in state_dict: "more"',
    );
    expect(linear.weight.detach()).toEqual(before);
    linear.loadStateDict({ weight: ones([1, 2]) });
    expect(linear.weight.toArray()).toEqual([[1, 1]]);
  });

  test("one after saving may change the state dict", () => {
    const linear = new nn.Linear(2, 1);
    linear.registerStateDictPostHook((_, state, prefix) => void state.delete(`${prefix}bias`));
    expect([...new nn.Sequential(linear).stateDict().keys()]).toEqual(["0.weight"]);
  });

  test("extra state is saved under _extra_state and handed back", () => {
    class Counter extends nn.Module {
      count = 3;
      override getExtraState(): unknown {
        return this.count;
      }
      override setExtraState(state: unknown): void {
        this.count = state as number;
      }
      forward(): void {}
    }
    const [from, to] = [new nn.ModuleList([new Counter()]), new nn.ModuleList([new Counter()])];
    from.at(0).count = 5;
    const state = from.stateDict();
    expect([...state.keys()]).toEqual(["0._extra_state"]);
    to.loadStateDict(state);
    expect(to.at(0).count).toBe(5);
    expect(() => to.loadStateDict({})).toThrow('Missing key(s) in state_dict: "0._extra_state"');
  });

  test("assign takes the tensors themselves, with their dtype", () => {
    const linear = new nn.Linear(2, 1);
    const { weight } = linear;
    const given = { weight: tensor([[1, 2]], options), bias: zeros([1], options) };
    linear.loadStateDict(given, { assign: true });
    expect([linear.weight === weight, weight.dtype, weight.requiresGrad]).toEqual([true, "float64", true]);
    noGrad(() => weight.zero_());
    expect(given.weight.toArray()).toEqual([[0, 0]]);
    const onMeta = new nn.Linear(2, 1, { device: "meta" });
    onMeta.loadStateDict(linear.stateDict(), { assign: true });
    onMeta
      .forward(ones([1, 2], options))
      .sum()
      .backward();
    expect([onMeta.weight.grad!.toArray(), onMeta.weight.device]).toEqual([[[1, 1]], "cpu"]);
  });
});

test("hooks stay on a copy, as the same functions, and are its own", () => {
  const linear = new nn.Linear(1, 1);
  const modules: nn.Module[] = [];
  const handle = linear.registerForwardHook((module) => void modules.push(module));
  const copy = deepcopy(linear);
  handle.remove();
  linear.forward(ones([1, 1]));
  copy.forward(ones([1, 1]));
  expect(modules).toEqual([copy]);
  expect(modules[0]).toBe(copy);
});
