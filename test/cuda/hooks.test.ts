/** JavaScript in the backward pass of a graph on the device, which libtorch runs on a thread of its own. */
import { ones, scope } from "../../lib/torch";
import { testOnCuda } from "./device";

const leaf = () => ones([3], { device: "cuda" }).requiresGrad_(true);

testOnCuda("after an error in backward the next backward works", () =>
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
  }),
);
