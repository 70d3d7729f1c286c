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
  noGrad,
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
    expect(() => gradcheck((x) => x, [leaf(1)])).toThrow("expected float64 inputs that require gradients, got float32");
  });
});
