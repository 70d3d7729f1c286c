import * as torch from "../../../lib/torch";
import { func, nn, ops, tensor, type Tensor } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import { assertClose } from "../../../lib/testing";

const { vmap, grad, jvp } = func;
const x = torch.arange(12, { dtype: "float64" }).reshape([3, 4]);

afterEach(() => {
  expect(native.transformDepth()).toBe(0);
});

test("dimensions of arguments and results", () => {
  const columns = vmap((v: Tensor) => v.cumsum(0), { inDims: 1, outDims: -1 })(x);
  assertClose(columns, x.cumsum(0));
  const sums = vmap((v: Tensor, w: Tensor) => v.mul(w).sum(), [0, null])(x, tensor([1, 2, 3, 4], { dtype: "float64" }));
  expect(sums.tolist()).toEqual([20, 60, 100]);
});

test("nested arguments and results", () => {
  const f = ({ a, b }: { a: Tensor; b: Tensor[] }): { sum: Tensor; list: Tensor[] } => ({
    sum: a.sum(),
    list: [b[0]!.mul(2)],
  });
  const result = vmap(f, [{ a: 0, b: [1] }])({ a: x, b: [x.T.contiguous()] });
  expect(result.sum.tolist()).toEqual(x.sum(1).tolist());
  expect(result.list[0]!.tolist()).toEqual(x.mul(2).tolist());
});

test("what does not depend on the batch is repeated, or handed out as it is", () => {
  const ones = torch.ones([2]);
  expect(vmap((v: Tensor) => [v.sum(), ones] as const)(x)[1].shape).toEqual([3, 2]);
  expect(vmap((v: Tensor) => [v.sum(), ones] as const, 0, [0, null])(x)[1].shape).toEqual([2]);
  expect(() => vmap((v: Tensor) => v.sum(), 0, null)(x)).toThrow(/does not depend on the batch where outDims is null/);
});

test("chunks give the same", () => {
  assertClose(vmap((v: Tensor) => v.softmax(0), { chunkSize: 2 })(x), x.softmax(1));
  assertClose(vmap((v: Tensor) => v.softmax(0), { inDims: 1, outDims: 1, chunkSize: 3 })(x), x.softmax(0));
});

test("levels nest", () => {
  const outer = vmap((a: Tensor) => vmap((b: Tensor) => a.sub(b).pow(2).sum())(x))(x);
  assertClose(outer, torch.cdist(x, x).pow(2));
});

test("random numbers are refused, the same, or different", () => {
  const draw = (v: Tensor): Tensor => v.add(torch.randn([4], { dtype: "float64" })).sub(v);
  expect(() => vmap(draw)(x)).toThrow(/randomness/);
  torch.manualSeed(1);
  const same = vmap(draw, { randomness: "same" })(x);
  expect(same.index(0).allclose(same.index(1))).toBe(true);
  const different = vmap(draw, { randomness: "different" })(x);
  expect(different.index(0).allclose(different.index(1))).toBe(false);
});

test.each<[string, () => unknown, RegExp]>([
  ["item", () => vmap((v: Tensor) => v.mul(v.sum().item()))(x), /vmap/],
  ["toArray", () => vmap((v: Tensor) => tensor(v.tolist() as number[]))(x), /vmap/],
  ["sharedData", () => vmap((v: Tensor) => (v.sharedData() === null ? v : v.neg()).sum().item())(x), /vmap/],
  [
    "an in-place write into an unbatched tensor",
    () => vmap((v: Tensor) => torch.zeros([4], { dtype: "float64" }).add_(v))(x),
    /broadcast/,
  ],
  [
    "results that are no tensors",
    () => vmap((() => 3) as unknown as (v: Tensor) => Tensor)(x),
    /expected func to return tensors, got 3/,
  ],
  ["a promise", () => vmap((async () => Promise.resolve(x)) as unknown as (v: Tensor) => Tensor)(x), /promise/],
  ["inDims of another form", () => vmap((v: Tensor) => v, [0, 0])(x), /inDims nested as the arguments/],
  [
    "a dimension that is not there",
    () => vmap((v: Tensor) => v, 2)(x),
    /expected inDims that a tensor with 2 dimensions has, got 2/,
  ],
  ["no dimension", () => vmap((v: Tensor) => v, null)(x), /at least one argument/],
  [
    "sizes that differ",
    () => vmap((a: Tensor, b: Tensor) => a.add(b))(x, x.T),
    /same size of the batch in all tensors, got 3, 4/,
  ],
  ["an empty batch", () => vmap((v: Tensor) => v)(torch.zeros([0, 2])), /at least one entry/],
  [
    "numbers where a batch is due",
    () => vmap((a: Tensor, b: number) => a.add(b))(x, 2),
    /expected a tensor where inDims says 0, got 2/,
  ],
  ["an outDim that is not there", () => vmap((v: Tensor) => v, 0, 5)(x), /expected outDims between -2 and 1, got 5/],
  [
    "unknown options",
    () => vmap((v: Tensor) => v, { chunk: 2 } as never),
    /unknown option "chunk", did you mean "chunkSize"/,
  ],
  ["no function", () => vmap(3 as never), /expected a function for func/],
])("%s is an error, and the level has ended", (_, call, message) => {
  expect(call).toThrow(message);
});

test("an error of the function passes, through all levels", () => {
  const fails = (): Tensor => {
    throw new RangeError("mine");
  };
  expect(() => vmap((v: Tensor) => grad((w: Tensor) => jvp(fails, [w], [w])[0] as Tensor)(v) as Tensor)(x)).toThrow(
    RangeError,
  );
});

test("nothing is left behind", () => {
  torch.expectNoLeaks(() => torch.scope(() => void vmap(grad((v: Tensor) => v.sin().sum()))(x)));
});

test("backward and functions with a backward of their own are refused inside", () => {
  class Twice extends torch.Function {
    static forward(_: torch.FunctionContext, v: Tensor): Tensor {
      return v.mul(2);
    }
    static backward(_: torch.FunctionContext, gradient: Tensor): Tensor {
      return gradient.mul(2);
    }
  }
  expect(() => vmap((v: Tensor) => Twice.apply(v))(x)).toThrow(/Twice: expected operators inside of vmap/);
  expect(() =>
    grad((v: Tensor) => {
      v.sum().backward();
      return v.sum();
    })(x),
  ).toThrow(/func\.grad gives gradients/);
  expect(() => grad((v: Tensor) => v.requiresGrad_().sum())(x)).toThrow(/requiresGrad/);
});

describe("kernels of this library give way to ATen's", () => {
  const q = torch.randn([3, 2, 4, 16, 8]);
  const [k, v] = [torch.randn([3, 2, 4, 16, 8]), torch.randn([3, 2, 4, 16, 8])];
  const attention = (a: Tensor, b: Tensor, c: Tensor): Tensor => ops.call("noether::attention", a, b, c) as Tensor;
  const each = (f: (...args: Tensor[]) => Tensor, ...args: Tensor[]): Tensor =>
    torch.stack([0, 1, 2].map((index) => f(...args.map((arg) => arg.index(index)))));

  test("attention", () => {
    assertClose(vmap(attention)(q, k, v), each(attention, q, k, v), { rtol: 1e-4, atol: 1e-5 });
    const loss = (a: Tensor, b: Tensor, c: Tensor): Tensor => attention(a, b, c).pow(2).sum();
    const expected = torch.stack(
      [0, 1, 2].map((index) => {
        const leaf = q.index(index).clone().requiresGrad_();
        loss(leaf, k.index(index), v.index(index)).backward();
        return leaf.grad!;
      }),
    );
    assertClose(vmap(grad(loss))(q, k, v) as Tensor, expected, { rtol: 1e-3, atol: 1e-4 });
  });

  test("rotation", () => {
    const angles = torch.randn([3, 2, 16, 4]);
    const rotate = (a: Tensor, angle: Tensor): Tensor =>
      ops.call("noether::rotate", a, angle.cos(), angle.sin(), 1) as Tensor;
    assertClose(vmap(rotate)(q, angles), each(rotate, q, angles), { rtol: 1e-5, atol: 1e-6 });
  });

  test("modulated norm", () => {
    const tokens = torch.randn([3, 2, 5, 8]);
    const scale = torch.randn([3, 2, 8]);
    const norm = (a: Tensor, b: Tensor): Tensor => ops.call("noether::modulated_layer_norm", a, b, b, 1e-5) as Tensor;
    assertClose(vmap(norm)(tokens, scale), each(norm, tokens, scale), { rtol: 1e-4, atol: 1e-5 });
  });

  test("Lion's update", () => {
    const [lr, decay] = [0.1, 0.5];
    const [param, gradient, average] = [0, 1, 2].map(() => torch.randn([3, 5]));
    const lion = (p: Tensor, g: Tensor, m: Tensor): Tensor => {
      const [updated, momentum] = [p.clone(), m.clone()];
      ops.call("noether::lion_", [updated], [g], [momentum], lr, 0.9, 0.99, decay);
      return updated;
    };
    // p (1 - lr decay) - lr sign(…): the sign has no derivative
    const expected = torch.full([3, 5], 1 - lr * decay);
    assertClose(grad((p: Tensor) => lion(p, gradient!, average!).sum())(param!) as Tensor, expected);
    const [, tangent] = jvp((p: Tensor) => lion(p, gradient!, average!), [param!], [torch.ones([3, 5])]);
    assertClose(tangent as Tensor, expected);
    // ATen has no rule for its foreach operators
    expect(() => vmap(lion)(param!, gradient!, average!)).toThrow(/Batching rule not implemented for aten::_foreach/);
  });

  test("neighbour searches", () => {
    const points = torch.randn([3, 20, 3]);
    const searches: ((a: Tensor) => Tensor)[] = [
      (a) => ops.call("noether::knn", a, a, 4) as Tensor,
      (a) => (ops.call("noether::knn_table", a, a, 4) as Tensor[])[0]!,
      (a) => (ops.call("noether::radius_table", a, a, 1, 4) as Tensor[])[1]!,
    ];
    for (const search of searches) expect(vmap(search)(points).equal(each(search, points))).toBe(true);
    // edges of points that move, as a model finds them inside of a derivative
    const lengths = (a: Tensor): Tensor => {
      const [to, from] = searches[0]!(a).unbind(0);
      return a.indexSelect(0, to!).sub(a.indexSelect(0, from!)).pow(2).sum();
    };
    const leaf = points.index(0).clone().requiresGrad_();
    lengths(leaf).backward();
    assertClose(grad(lengths)(points.index(0)) as Tensor, leaf.grad!);
  });

  test("linear layers and products that have a kernel", () => {
    const layer = new nn.Linear(256, 256);
    const input = torch.randn([3, 256, 256]);
    assertClose(
      vmap((a: Tensor) => layer.forward(a))(input),
      each((a) => layer.forward(a), input),
      { rtol: 1e-3, atol: 1e-3 },
    );
    assertClose(
      vmap((a: Tensor) => a.matmul(a))(input),
      each((a) => a.matmul(a), input),
      { rtol: 1e-3, atol: 1e-2 },
    );
  });

  test("gradients through kernels that recorded before", () => {
    const layer = new nn.Linear(256, 256);
    const input = torch.randn([256, 256]).requiresGrad_();
    const output = nn.functional.gelu(layer.forward(input)).matmul(input);
    const seeds = torch.randn([3, 256, 256]);
    const pull = (seed: Tensor): Tensor => torch.grad(output, input, { gradOutputs: seed, retainGraph: true })[0]!;
    assertClose(vmap(pull)(seeds), each(pull, seeds), { rtol: 1e-3, atol: 1e-2 });
  });
});
