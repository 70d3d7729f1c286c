/**
 * JavaScript in the backward pass of a graph on the device, which libtorch runs on a thread of its own. It is refused so far;
 * the last test says that the refusal leaves no harm.
 */
import { Function, type FunctionContext, ones, scope, type Tensor } from "../../lib/torch";

const leaf = () => ones([3], { device: "cuda" }).requiresGrad_(true);

test.failing("a hook of a tensor changes its gradient", () =>
  scope(() => {
    const x = leaf();
    const y = x.mul(2);
    y.registerHook((gradient) => gradient.mul(10));
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([20, 20, 20]);
  }),
);

test.failing("a Function written in JavaScript computes the gradient", () =>
  scope(() => {
    class Square extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.saveForBackward(x);
        return x.square();
      }
      static backward(context: FunctionContext, gradient: Tensor): Tensor {
        const [x] = context.savedTensors as [Tensor];
        return gradient.mul(x).mul(2);
      }
    }
    const x = leaf();
    Square.apply(x.mul(3)).sum().backward();
    expect(x.grad!.toArray()).toEqual([18, 18, 18]);
  }),
);

test.failing("an error in a hook is the error of backward, and the next backward works", () =>
  scope(() => {
    const x = leaf();
    const y = x.mul(2);
    y.registerHook(() => {
      throw new RangeError("of the hook");
    });
    expect(() => y.sum().backward()).toThrow(/of the hook/);
    x.mul(2).sum().backward();
    expect(x.grad!.toArray()).toEqual([2, 2, 2]);
  }),
);

test("after an error in backward the next backward works", () =>
  scope(() => {
    const x = leaf();
    const y = x.mul(2);
    y.registerHook(() => {
      throw new RangeError("of the hook");
    });
    expect(() => y.sum().backward()).toThrow();
    x.grad = null;
    x.mul(2).sum().backward();
    expect(x.grad!.toArray()).toEqual([2, 2, 2]);
  }));
