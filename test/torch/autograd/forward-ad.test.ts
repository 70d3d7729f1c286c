import * as torch from "../../../lib/torch";
import { autograd, func, nn, ops, tensor, type Tensor } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import { assertClose } from "../../../lib/testing";

const { dualLevel, makeDual, unpackDual } = autograd.forwardAD;
const f64 = (values: number[]): Tensor => tensor(values, { dtype: "float64" });
/** The derivative of a function along a direction. */
const along = (f: (x: Tensor) => Tensor, x: Tensor, direction: Tensor): Tensor | null =>
  dualLevel(() => unpackDual(f(makeDual(x, direction))).tangent);

test("tangents follow values", () => {
  const x = f64([0.5, 1, 2]);
  const { primal, tangent } = dualLevel(() => unpackDual(makeDual(x, f64([1, 2, 3])).sin()));
  assertClose(primal, x.sin());
  assertClose(tangent!, x.cos().mul(f64([1, 2, 3])));
});

test("what depends on no dual tensor has no tangent, and none is left after the level", () => {
  const x = f64([1]);
  const dual = dualLevel(() => {
    expect(unpackDual(x.sin()).tangent).toBeNull();
    return makeDual(x, x);
  });
  expect(unpackDual(dual).tangent).toBeNull();
  expect(dualLevel(() => unpackDual(dual.mul(2)).tangent)).toBeNull();
});

test("gradients of tangents", () => {
  const x = f64([0.5, 1]).requiresGrad_();
  const tangent = along((v) => v.pow(3), x, f64([1, 1]))!;
  tangent.sum().backward();
  assertClose(x.grad!, x.detach().mul(6));
});

test("fast paths of small tensors lose no tangent", () => {
  const [x, d] = [torch.randn([3, 4]), torch.randn([3, 4])];
  const y = torch.randn([3, 4]);
  const cases: Record<string, [(v: Tensor) => Tensor, Tensor]> = {
    add: [(v) => v.add(y), d],
    mul: [(v) => v.mul(y), d.mul(y)],
    sub: [(v) => y.sub(v), d.neg()],
    matmul: [(v) => v.matmul(y.T), d.matmul(y.T)],
    sum: [(v) => v.sum(1), d.sum(1)],
    cat: [(v) => torch.cat([v, y]), torch.cat([d, torch.zeros([3, 4])])],
    reshape: [(v) => v.reshape([4, 3]), d.reshape([4, 3])],
    transpose: [(v) => v.transpose(0, 1), d.T],
    slice: [(v) => v.index(torch.slice(1)), d.index(torch.slice(1))],
    softmax: [(v) => v.softmax(1), x.softmax(1).mul(d.sub(x.softmax(1).mul(d).sum(1, true)))],
    indexSelect: [(v) => v.indexSelect(0, tensor([2n, 0n])), d.indexSelect(0, tensor([2n, 0n]))],
  };
  for (const [name, [f, expected]] of Object.entries(cases)) {
    const tangent = along(f, x, d);
    expect([name, tangent === null]).toEqual([name, false]);
    assertClose(tangent!, expected, { rtol: 1e-4, atol: 1e-5 });
  }
});

describe("kernels of this library give way to ATen's", () => {
  const numeric = (f: (x: Tensor) => Tensor, x: Tensor, d: Tensor, step: number): Tensor =>
    f(x.add(d.mul(step)))
      .sub(f(x.sub(d.mul(step))))
      .div(2 * step);

  test.each(["no gradients", "gradients"])("attention, rotation and norms, with %s", (recording) => {
    const [x, d] = [torch.randn([2, 4, 16, 8]), torch.randn([2, 4, 16, 8])];
    const weights = torch.randn([2, 4, 16, 8], { requiresGrad: recording === "gradients" });
    const angles = torch.randn([2, 16, 4]);
    const vector = torch.randn([4, 1, 8]);
    const cases: Record<string, (v: Tensor) => Tensor> = {
      attention: (v) => ops.call("noether::attention", v, weights, v) as Tensor,
      rotate: (v) => ops.call("noether::rotate", v.mul(weights), angles.cos(), angles.sin(), 1) as Tensor,
      norm: (v) => ops.call("noether::modulated_layer_norm", v.mul(weights).index(0), vector, vector, 1e-5) as Tensor,
    };
    for (const [name, f] of Object.entries(cases)) {
      const tangent = along(f, x, d);
      expect([name, tangent === null]).toEqual([name, false]);
      assertClose(tangent!.detach(), numeric(f, x, d, 1e-2).detach(), { rtol: 5e-2, atol: 5e-2 });
    }
  });

  test("linear layers and products that have a kernel", () => {
    const layer = new nn.Linear(256, 256).requiresGrad_(false);
    const [x, d] = [torch.randn([256, 256]), torch.randn([256, 256])];
    assertClose(
      along((v) => layer.forward(v), x, d)!,
      d.matmul(layer.weight.T),
      { rtol: 1e-3, atol: 1e-3 },
    );
    assertClose(
      along((v) => v.matmul(x), x, d)!,
      d.matmul(x),
      { rtol: 1e-3, atol: 1e-2 },
    );
  });
});

test("a Function needs a jvp, and is given tangents by it", () => {
  class Cube extends torch.Function {
    static forward(context: torch.FunctionContext, x: Tensor, _scale: number): Tensor {
      context["x"] = x;
      return x.pow(3);
    }
    static backward(): null[] {
      return [null, null];
    }
  }
  class CubeWithJvp extends Cube {
    static jvp(context: torch.FunctionContext, tangent: Tensor, scale: null): Tensor {
      expect(scale).toBeNull();
      return (context["x"] as Tensor).pow(2).mul(3).mul(tangent);
    }
  }
  const x = f64([1, 2]);
  expect(() => along((v) => Cube.apply(v, 1), x, x)).toThrow(/Cube: expected a static method jvp/);
  assertClose(
    along((v) => CubeWithJvp.apply(v, 1), x, x)!,
    x.pow(3).mul(3),
  );
});

test("an operator without a formula is an error that names it", () => {
  const x = f64([1, 2, 3]);
  expect(() =>
    along((v) => ops.call("aten::segment_reduce", v, "sum", { lengths: tensor([3n]), unsafe: true }) as Tensor, x, x),
  ).toThrow(/forward/);
});

test.each<[string, () => unknown, RegExp]>([
  ["makeDual outside", () => makeDual(f64([1]), f64([1])), /inside of dualLevel/],
  ["levels in one another", () => dualLevel(() => dualLevel(() => 1)), /levels do not nest/],
  ["an async function", () => dualLevel(async () => Promise.resolve(1)), /synchronous/],
  [
    "a tangent of another shape",
    () => dualLevel(() => makeDual(f64([1]), f64([1, 2]))),
    /expected a tangent of the tensor's shape, \[1\], got \[2\]/,
  ],
  ["integers", () => dualLevel(() => makeDual(tensor([1n]), tensor([1n]))), /floating point/],
  ["inside of vmap", () => func.vmap((v: Tensor) => dualLevel(() => v))(f64([1])), /func\.jvp/],
])("%s is an error", (_, call, message) => {
  expect(call).toThrow(message);
  expect(dualLevel(() => "open again")).toBe("open again");
});

test("an error inside ends the level", () => {
  expect(() =>
    dualLevel(() => {
      throw new RangeError("mine");
    }),
  ).toThrow(RangeError);
  expect(() => native.leaveForward()).toThrow(/no level/);
});
