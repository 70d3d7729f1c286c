/** Hooks and functions of JavaScript in graphs of a device, whose backward runs on the device's own thread. */
import {
  cuda,
  Function,
  type FunctionContext,
  enableGrad,
  grad,
  isGradEnabled,
  ones,
  scope,
  tensor,
  type Tensor,
} from "../../lib/torch";
import { testOnCuda } from "./device";

class Cube extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    context.saveForBackward(x);
    return x.pow(3);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    const [x] = context.savedTensors;
    return x!.square().mul(3).mul(gradient);
  }
}

const leaf = (values = [1, 2, 3]): Tensor => tensor(values, { device: "cuda" }).requiresGrad_(true);

testOnCuda("a function's backward and hooks see and change gradients", () =>
  scope(() => {
    const x = leaf();
    const seen: unknown[] = [];
    x.registerHook((gradient) => void seen.push(gradient.device, gradient.toArray()));
    const y = Cube.apply(x);
    y.registerHook((gradient) => gradient.mul(10));
    y.sum().backward();
    expect(seen).toEqual(["cuda:0", [30, 120, 270]]);
    expect(x.grad!.toArray()).toEqual([30, 120, 270]);
  }),
);

testOnCuda("second derivatives go through a function", () =>
  scope(() => {
    const x = leaf();
    const [first] = grad(Cube.apply(x).sum(), x, { createGraph: true });
    expect(grad(first!.sum(), x)[0]!.toArray()).toEqual([6, 12, 18]);
  }),
);

testOnCuda("a graph that begins on the CPU and goes through the device calls hooks on both", () =>
  scope(() => {
    const x = tensor([1, 2, 3]).requiresGrad_(true);
    const calls: string[] = [];
    x.registerHook((gradient) => void calls.push(gradient.device));
    const y = x.to("cuda");
    y.registerHook((gradient) => void calls.push(gradient.device));
    y.mul(2).cpu().sum().backward();
    expect(calls).toEqual(["cuda:0", "cpu"]);
    expect(x.grad!.toArray()).toEqual([2, 2, 2]);
  }),
);

testOnCuda("an error of a hook comes out as it was thrown", () =>
  scope(() => {
    const y = leaf().mul(2);
    const thrown = new RangeError("of the hook");
    y.registerHook(() => {
      throw thrown;
    });
    let caught: unknown;
    try {
      y.sum().backward();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
  }),
);

testOnCuda.each([1, 3, 70])("passes run within hooks, %i deep", (depth) =>
  scope(() => {
    const inner = (level: number): number =>
      scope(() =>
        enableGrad(() => {
          const x = leaf([level + 1]);
          const y = x.mul(2);
          let below = 0;
          y.registerHook(() => void (below = level === 0 ? 0 : inner(level - 1)));
          y.sum().backward();
          return below + x.grad!.item();
        }),
      );
    expect(inner(depth - 1)).toBe(2 * depth);
  }),
);

testOnCuda("hooks run in the modes and on the stream of their node", () =>
  scope(() => {
    const side = new cuda.Stream();
    const seen: boolean[] = [];
    const x = leaf();
    side.waitStream(cuda.currentStream());
    const y = cuda.withStream(side, () => x.mul(2));
    y.registerHook(() => void seen.push(isGradEnabled(), cuda.currentStream().equals(side)));
    cuda.currentStream().waitStream(side);
    y.sum().backward();
    expect(seen).toEqual([false, true]);
    expect(cuda.currentStream().equals(cuda.defaultStream())).toBe(true);
    expect(x.grad!.toArray()).toEqual(ones([3]).mul(2).toArray());
  }),
);
