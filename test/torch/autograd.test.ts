import * as torch from "../../lib/torch";
import type { FunctionContext, Tensor } from "../../lib/torch";
import {
  autocast,
  backward,
  enableGrad,
  Function,
  grad,
  gradcheck,
  inferenceMode,
  isGradEnabled,
  isInferenceMode,
  keep,
  noGrad,
  ops,
  randn,
  scope,
  setGradEnabled,
  tensor,
  zeros,
} from "../../lib/torch";

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });

describe("backward", () => {
  test("adds to the gradients of leaves", () => {
    const x = leaf(1, 2);
    x.mul(3).sum().backward();
    x.mul(x).sum().backward();
    expect(x.grad!.toArray()).toEqual([5, 7]);
  });

  test("takes the gradient of a result with several elements", () => {
    const x = leaf(1, 2);
    x.mul(2).backward(tensor([1, 10]));
    expect(x.grad!.toArray()).toEqual([2, 20]);
  });

  test("refuses a result with several elements without one", () => {
    expect(() => leaf(1, 2).mul(2).backward()).toThrow(/scalar outputs/);
  });

  test("takes several outputs and accumulates into chosen inputs only", () => {
    const [x, y] = [leaf(1), leaf(2)];
    backward([x.mul(y), y.mul(3)], [tensor([1]), null], { inputs: [y] });
    expect(x.grad).toBeNull();
    expect(y.grad!.toArray()).toEqual([4]);
  });

  test("frees the graph unless told to retain it", () => {
    const x = leaf(2);
    const y = x.mul(x);
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad!.toArray()).toEqual([8]);
    expect(() => y.backward()).toThrow(/second time/);
  });

  test("refuses what records nothing", () => {
    expect(() => tensor([1]).backward()).toThrow(/does not require grad/);
  });
});

describe("grad", () => {
  test("gives gradients without accumulating", () => {
    const x = leaf(1, 2);
    const [dx] = grad(x.pow(2).sum(), x);
    expect(dx!.toArray()).toEqual([2, 4]);
    expect(x.grad).toBeNull();
  });

  test("gives second derivatives with createGraph", () => {
    const x = leaf(3);
    const [first] = grad(x.pow(3), x, { createGraph: true });
    const [second] = grad(first!, x);
    expect([first!.item(), second!.item()]).toEqual([27, 18]);
  });

  test("gives null for unused inputs where allowed", () => {
    const [x, y] = [leaf(1), leaf(1)];
    expect(grad(x.mul(2), [x, y], { allowUnused: true })[1]).toBeNull();
    expect(() => grad(x.mul(2), [x, y])).toThrow(/not have been used/);
  });
});

describe("the gradient of a tensor", () => {
  test("is one object while it stays the same", () => {
    const x = leaf(1);
    x.mul(2).sum().backward();
    expect(x.grad).toBe(x.grad);
  });

  test("is read anew after it was dropped and computed again", () => {
    const x = leaf(1);
    x.mul(2).sum().backward();
    x.grad = null;
    expect(x.grad).toBeNull();
    x.mul(5).sum().backward();
    expect(x.grad!.item()).toBe(5);
  });

  test("outlives the wrapper that a scope freed", () => {
    const x = leaf(1);
    scope(() => {
      x.mul(2).sum().backward();
      expect(x.grad!.item()).toBe(2);
    });
    expect(x.grad!.item()).toBe(2);
  });

  test("can be set, and is kept for an intermediate on request", () => {
    const x = leaf(1, 2);
    x.grad = tensor([5, 5]);
    const y = x.mul(2);
    y.retainGrad();
    y.sum().backward();
    expect(y.grad!.toArray()).toEqual([1, 1]);
    expect(x.grad.toArray()).toEqual([7, 7]);
  });

  test("leaves, their flags and the recorded operation", () => {
    const x = leaf(1);
    const y = x.exp();
    expect([x.isLeaf, x.gradFn, y.isLeaf, y.gradFn, y.requiresGrad]).toEqual([true, null, false, "ExpBackward0", true]);
    expect(zeros([1]).requiresGrad_().requiresGrad).toBe(true);
    expect(() => y.requiresGrad_(false)).toThrow(/detach\(\)/);
  });
});

describe("modes", () => {
  test("noGrad and enableGrad nest and are undone by an error", () => {
    noGrad(() => {
      expect(isGradEnabled()).toBe(false);
      enableGrad(() => expect(isGradEnabled()).toBe(true));
      expect(() =>
        enableGrad(() => {
          throw new Error("stop");
        }),
      ).toThrow("stop");
      expect(isGradEnabled()).toBe(false);
    });
    expect(isGradEnabled()).toBe(true);
    expect(noGrad(() => leaf(1).mul(2)).requiresGrad).toBe(false);
  });

  test("setGradEnabled switches for good or for a function", () => {
    setGradEnabled(false);
    expect(isGradEnabled()).toBe(false);
    expect(setGradEnabled(true, () => isGradEnabled())).toBe(true);
    setGradEnabled(true);
  });

  test("inferenceMode makes inference tensors", () => {
    const x = inferenceMode(() => {
      expect(isInferenceMode()).toBe(true);
      return leaf(1).mul(2);
    });
    expect(isInferenceMode()).toBe(false);
    expect([x.requiresGrad, x.isInference()]).toEqual([false, true]);
  });

  test("a mode holds across await, and only for its own function", async () => {
    const watch = async (): Promise<boolean[]> => {
      const seen: boolean[] = [];
      for (let i = 0; i < 6; i++) {
        seen.push(isGradEnabled());
        await pause();
      }
      return seen;
    };
    const off = noGrad(async () => watch());
    const outside = watch();
    const nested = noGrad(async () => {
      await pause();
      const inner = await enableGrad(async () => watch());
      return [...inner, isGradEnabled()];
    });
    const other = inferenceMode(async () => {
      await pause();
      return [isInferenceMode(), isGradEnabled()];
    });
    expect(await off).toEqual(new Array(6).fill(false));
    expect(await outside).toEqual(new Array(6).fill(true));
    expect(await nested).toEqual([...new Array(6).fill(true), false]);
    expect(await other).toEqual([true, false]);
    expect(isGradEnabled()).toBe(true);
  });

  test("a mode ends when its async function rejects", async () => {
    await expect(
      noGrad(async () => {
        await pause();
        throw new Error("stop");
      }),
    ).rejects.toThrow("stop");
    expect(isGradEnabled()).toBe(true);
  });

  test("refuses a promise from a function that is not async", () => {
    expect(() => noGrad(() => Promise.resolve(1))).toThrow(
      "noGrad: expected a synchronous function or one declared async",
    );
    expect(isGradEnabled()).toBe(true);
  });

  test("autocast computes matrix products in bfloat16", () => {
    const [a, b] = [randn([2, 2]), randn([2, 2])];
    autocast({ dtype: "bfloat16" }, () => {
      expect(a.matmul(b).dtype).toBe("bfloat16");
      autocast({ enabled: false }, () => expect(a.matmul(b).dtype).toBe("float32"));
      expect(a.matmul(b).dtype).toBe("bfloat16");
    });
    expect(a.matmul(b).dtype).toBe("float32");
  });

  test("autocast holds across await", async () => {
    const a = randn([2, 2]);
    const seen = autocast({ dtype: "bfloat16" }, async () => {
      await pause();
      return a.matmul(a).dtype;
    });
    await pause();
    expect(a.matmul(a).dtype).toBe("float32");
    expect(await seen).toBe("bfloat16");
  });
});

describe("hooks", () => {
  test("see the gradient, may replace it, and can be removed", () => {
    const x = leaf(1, 2);
    const seen: unknown[] = [];
    const handle = x.registerHook((gradient) => {
      seen.push(gradient.toArray());
      return gradient.mul(10);
    });
    x.mul(3).sum().backward();
    handle.remove();
    x.mul(3).sum().backward();
    expect(seen).toEqual([[3, 3]]);
    expect(x.grad!.toArray()).toEqual([33, 33]);
  });

  test("an error in a hook comes out of backward as it was thrown", () => {
    const x = leaf(1);
    const error = new RangeError("from the hook");
    x.registerHook(() => {
      throw error;
    });
    expect(() => x.mul(2).sum().backward()).toThrow(error);
  });

  test("leave no tensors behind", () => {
    const x = leaf(1, 2);
    x.registerHook((gradient) => gradient.mul(2));
    const step = (): void =>
      scope(() => {
        x.mul(3).sum().backward();
        x.grad = null;
      });
    step();
    const before = torch.countTensors();
    step();
    expect(torch.countTensors()).toBe(before);
  });
});

class Cube extends Function {
  static forward(context: FunctionContext, x: Tensor, scale: number): Tensor {
    context.saveForBackward(x);
    context["scale"] = scale;
    return x.pow(3).mul(scale);
  }

  static backward(context: FunctionContext, gradient: Tensor): (Tensor | null)[] {
    const [x] = context.savedTensors;
    return [
      x!
        .pow(2)
        .mul(3 * (context["scale"] as number))
        .mul(gradient),
      null,
    ];
  }
}

class SplitMax extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor[] {
    const [values, indices] = x.max(0);
    context.markNonDifferentiable(indices);
    context.saveForBackward(indices);
    context["size"] = x.size(0);
    return [values, indices];
  }

  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return torch
      .zeros([context["size"] as number], { dtype: gradient.dtype })
      .scatter(0, context.savedTensors[0]!.unsqueeze(0), gradient.unsqueeze(0));
  }
}

describe("custom functions", () => {
  test("have the derivative that backward computes", () => {
    const x = leaf(1, 2);
    const y = Cube.apply(x, 2);
    expect(y.toArray()).toEqual([2, 16]);
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([6, 24]);
  });

  test("pass gradcheck inside a larger graph", () => {
    const x = tensor([0.5, -1.2], { dtype: "float64", requiresGrad: true });
    expect(gradcheck((value) => Cube.apply(value.sin(), 3).exp(), [x])).toBe(true);
  });

  test("several outputs, some without gradient", () => {
    const x = leaf(1, 5, 2);
    const [values, indices] = SplitMax.apply(x) as [Tensor, Tensor];
    expect([values.requiresGrad, indices.requiresGrad, indices.item()]).toEqual([true, false, 1]);
    values.mul(4).backward();
    expect(x.grad!.toArray()).toEqual([0, 4, 0]);
  });

  test("keep what they saved while the graph is retained", () => {
    const x = leaf(2);
    const y = Cube.apply(x, 1);
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad!.item()).toBe(24);
  });

  test("record nothing inside noGrad or for inputs without gradients", () => {
    expect(noGrad(() => Cube.apply(leaf(1), 1)).requiresGrad).toBe(false);
    expect(Cube.apply(tensor([1]), 1).requiresGrad).toBe(false);
  });

  test("needsInputGrad tells which inputs want a gradient", () => {
    const seen: (readonly boolean[])[] = [];
    class Probe extends Function {
      static forward(context: FunctionContext, a: Tensor, b: Tensor): Tensor {
        seen.push(context.needsInputGrad);
        return a.add(b);
      }
      static backward(_: FunctionContext, gradient: Tensor): (Tensor | null)[] {
        return [gradient, null];
      }
    }
    Probe.apply(leaf(1), tensor([1]))
      .sum()
      .backward();
    expect(seen).toEqual([[true, false]]);
  });

  test("an input that is handed through stays differentiable", () => {
    class Identity extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(7);
      }
    }
    const x = leaf(1);
    Identity.apply(x).sum().backward();
    expect(x.grad!.item()).toBe(7);
  });

  test("an error in backward comes out as it was thrown", () => {
    class Broken extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x.clone();
      }
      static backward(): Tensor {
        throw new RangeError("broken");
      }
    }
    expect(() => Broken.apply(leaf(1)).sum().backward()).toThrow(RangeError);
  });

  test("the wrong number of gradients is told", () => {
    class Short extends Function {
      static forward(_: FunctionContext, a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient;
      }
    }
    expect(() => Short.apply(leaf(1), leaf(1)).sum().backward()).toThrow(
      "Short.backward: expected one gradient (or null) per argument of forward (2), got 1",
    );
  });

  test("leave no tensors behind", () => {
    const x = leaf(1, 2);
    const step = (): void =>
      scope(() => {
        Cube.apply(x, 2).sum().backward();
        x.grad = null;
      });
    step();
    const before = torch.countTensors();
    for (let i = 0; i < 5; i++) step();
    expect(torch.countTensors()).toBe(before);
  });
});

describe("what functions save", () => {
  class Exp extends Function {
    static forward(context: FunctionContext, x: Tensor): Tensor {
      const y = x.exp();
      context.saveForBackward(y);
      return y;
    }
    static backward(context: FunctionContext, gradient: Tensor): Tensor {
      return gradient.mul(context.savedTensors[0]!);
    }
  }
  class Squared extends Function {
    static seen: Tensor | null = null;
    static forward(context: FunctionContext, x: Tensor, factor: Tensor): Tensor {
      context.saveForBackward(x, factor);
      return x.mul(x);
    }
    static backward(context: FunctionContext, gradient: Tensor): [Tensor, null] {
      const [x, factor] = context.savedTensors as [Tensor, Tensor];
      Squared.seen = keep(factor.clone());
      return [gradient.mul(x).mul(2), null];
    }
  }
  const values = [1, 2, 3, 4, 5, 6];
  const table = [
    [1, 2, 3],
    [4, 5, 6],
  ];

  test.each<[string, (factor: Tensor) => void]>([
    ["setData", (factor) => factor.setData(zeros([5]))],
    ["t_", (factor) => factor.t_()],
    ["unsqueeze_", (factor) => factor.unsqueeze_(0)],
    ["transpose_", (factor) => factor.transpose_(0, 1)],
    ["resize_ to more", (factor) => factor.resize_([50, 50])],
    ["resize_ to less", (factor) => factor.resize_([1])],
    ["set_", (factor) => void ops.call("aten::set_.source_Tensor", factor, zeros([7]))],
    ["disposal", (factor) => factor.dispose()],
  ])("is the data as it was, though the tensor was changed by %s", (_, change) => {
    const factor = tensor(values).view([2, 3]).clone();
    const y = Squared.apply(leaf(1, 2), factor);
    expect(factor.shape).toEqual([2, 3]);
    change(factor);
    y.sum().backward();
    expect([Squared.seen!.shape, Squared.seen!.toArray()]).toEqual([[2, 3], table]);
  });

  test.each<[string, (x: Tensor, y: Tensor) => void]>([
    ["an input", (x) => noGrad(() => x.add_(1))],
    ["a view of an input", (x) => noGrad(() => x.view([2, 1]).mul_(2))],
  ])("is refused when %s was overwritten in place", (_, change) => {
    const x = leaf(1, 2);
    const y = Squared.apply(x, tensor([1]));
    change(x, y);
    expect(() => y.sum().backward()).toThrow(
      "a tensor saved for backward, float32 (2), was changed in place since: save a clone()",
    );
  });

  test("is freed by a pass that does not retain the graph", () => {
    const y = Exp.apply(leaf(1));
    y.backward();
    expect(() => y.backward()).toThrow("pass retainGraph: true to the first");
  });

  test("is connected to the graph, inputs and outputs, for second derivatives", () => {
    const x = tensor([0.3, -1.2], { dtype: "float64", requiresGrad: true });
    for (const apply of [
      (v: Tensor) => Exp.apply(v),
      (v: Tensor) => Squared.apply(v, v.mul(2)),
      (v: Tensor) => Exp.apply(Exp.apply(v.sin())),
    ]) {
      const first = (v: Tensor): Tensor => grad(apply(v).sum(), v, { createGraph: true })[0]!;
      expect(gradcheck(apply, [x])).toBe(true);
      expect(gradcheck(first, [x])).toBe(true);
    }
  });

  test("reaches the leaf itself", () => {
    const x = leaf(3);
    const gradient = grad(Squared.apply(x, tensor([1])), x, { createGraph: true })[0]!;
    gradient.backward();
    expect(x.grad!.toArray()).toEqual([2]);
  });

  test("may be made inside a scope of forward", () => {
    class Scoped extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        return scope(() => {
          context.saveForBackward(x.mul(2));
          return x.mul(x);
        });
      }
      static backward(context: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(context.savedTensors[0]!);
      }
    }
    const x = leaf(5);
    Scoped.apply(x).backward();
    expect(x.grad!.item()).toBe(10);
  });

  test("is not kept when nothing is recorded, or forward throws", () => {
    class Failing extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.saveForBackward(x);
        throw new RangeError("stop");
      }
      static backward(): null {
        return null;
      }
    }
    const x = leaf(1);
    const before = torch.countTensors();
    scope(() => {
      expect(() => Failing.apply(x)).toThrow("stop");
      noGrad(() => Exp.apply(x));
    });
    expect(torch.countTensors()).toBe(before);
  });
});

describe("errors from JavaScript inside a pass", () => {
  const failing = (error: unknown): Tensor => {
    const y = leaf(1).mul(2);
    y.registerHook(() => {
      throw error;
    });
    return y;
  };

  test("are reported once, by their own pass", () => {
    const mine = new RangeError("mine");
    const twice = leaf(1).exp();
    expect(() => failing(mine).backward()).toThrow(mine);
    twice.backward();
    expect(() => twice.backward()).toThrow(/second time/);
    expect(() => grad(failing(mine), leaf(1), { allowUnused: false })).toThrow(/not have been used|mine/);
    expect(() => backward(leaf(1, 2).mul(2))).toThrow(/scalar outputs/);
    leaf(1).mul(2).backward();
  });

  test("come out of operators that run a pass, and are not kept for later", () => {
    const mine = new RangeError("mine");
    const run = (y: Tensor): unknown => ops.call("aten::_backward", y, [], { retainGraph: false });
    expect(() => run(failing(mine))).toThrow(mine);
    expect(() => leaf(1, 2).mul(2).backward()).toThrow(/scalar outputs/);
  });

  test("of a pass inside a hook are the inner pass's own", () => {
    const seen: unknown[] = [];
    const y = leaf(1).mul(2);
    y.registerHook(() => {
      for (const name of ["first", "second"])
        try {
          enableGrad(() => failing(new Error(name))).backward();
        } catch (error) {
          seen.push((error as Error).message);
        }
    });
    y.backward();
    expect(seen).toEqual(["first", "second"]);
    expect(() => leaf(1, 2).mul(2).backward()).toThrow(/scalar outputs/);
  });

  test.each<[unknown, string]>([
    ["text", 'a function or hook threw the string "text"'],
    [5, "a function or hook threw the number 5"],
    [undefined, "a function or hook written in JavaScript threw"],
  ])("that are no objects are told: %p", (thrown, message) => {
    expect(() => failing(thrown).backward()).toThrow(message);
    leaf(1).mul(2).backward();
  });

  const result = (value: unknown): (() => void) => {
    class Odd extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x.clone();
      }
      static backward(): Tensor {
        return value as Tensor;
      }
    }
    return () => Odd.apply(leaf(1)).backward();
  };
  const gone = zeros([1]);
  gone.dispose();

  test.each<[string, () => void, string]>([
    [
      "backward that returns nothing",
      result(undefined),
      "Odd.backward: expected one gradient (or null) per argument of forward (1), got undefined: return a tensor or null",
    ],
    ["backward that returns a number", result(3), "Odd.backward: expected a tensor or null as gradient 0, got number"],
    ["backward that returns a promise", result(Promise.resolve()), "got a promise (backward passes do not wait"],
    ["backward that returns too many", result([null, null]), "got a list of 2"],
    ["backward that returns a disposed tensor", result(gone), "Odd.backward: expected a live tensor"],
    [
      "a hook that returns a number",
      () => {
        const y = leaf(1).mul(2);
        y.registerHook(() => 3 as never);
        y.backward();
      },
      "registerHook: expected a tensor or nothing from the hook, got number",
    ],
    [
      "a hook that is async",
      () => {
        const y = leaf(1).mul(2);
        y.registerHook((async () => undefined) as never);
        y.backward();
      },
      "from the hook, got a promise",
    ],
    [
      "forward that returns nothing",
      () =>
        void class None extends Function {
          static forward(): Tensor {
            return undefined as never;
          }
          static backward(): null {
            return null;
          }
        }.apply(leaf(1)),
      "None.forward: expected a tensor or a list of tensors as result, got undefined",
    ],
    ["a disposed gradient", () => leaf(1).mul(2).backward(gone), "expected a live tensor"],
  ])("%s is told", (_, body, message) => {
    expect(body).toThrow(message);
  });

  test("leave no tensors behind", () => {
    const step = (): void =>
      scope(() => {
        for (const value of [undefined, 3, [tensor([1]), tensor([1])], gone]) expect(result(value)).toThrow();
        expect(() => failing(new Error("x")).backward()).toThrow();
      });
    step();
    const before = torch.countTensors();
    step();
    expect(torch.countTensors()).toBe(before);
  });
});

describe("gradcheck", () => {
  test("finds a wrong derivative", () => {
    class Wrong extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(3);
      }
    }
    const x = tensor([1], { dtype: "float64", requiresGrad: true });
    expect(() => gradcheck((value) => Wrong.apply(value), [x])).toThrow("got 3 (recorded)");
  });

  test("wants float64", () => {
    expect(() => gradcheck((x) => x, [leaf(1)])).toThrow(
      "expected float64 or complex128 inputs that require gradients, got float32",
    );
  });
});
