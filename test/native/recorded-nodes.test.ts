/** The history that fast paths attach (native/src/dispatch/recorded_nodes.cpp): first and second derivatives against the general way. */
import {
  add,
  cat,
  gelu,
  grad,
  gradcheck,
  indexSelect,
  layerNorm,
  linear,
  matmul,
  slice,
  softmax,
  sub,
  sum,
  tensor,
  type Tensor,
  type DType,
} from "../../lib/torch";

const values = (count: number, shift: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + shift));
const leaf = (shape: readonly number[], shift: number, dtype: DType): Tensor =>
  tensor(
    values(
      shape.reduce((a, b) => a * b, 1),
      shift,
    ),
    { dtype },
  )
    .reshape(shape)
    .detach()
    .requiresGrad_();

const index = tensor([2n, 0n, 2n]);

/** Functions that take a fast path, with the shapes of their inputs. */
const CASES: Record<string, [(...inputs: Tensor[]) => Tensor, readonly (readonly number[])[], string]> = {
  add: [
    (a, b) => add(a, b!),
    [
      [2, 3],
      [2, 3],
    ],
    "AddBackward0",
  ],
  sub: [
    (a, b) => sub(a, b!),
    [
      [2, 3],
      [2, 3],
    ],
    "SubBackward0",
  ],
  mul: [
    (a, b) => a.mul(b!),
    [
      [2, 3],
      [2, 3],
    ],
    "MulBackward0",
  ],
  matmul: [
    (a, b) => matmul(a, b!),
    [
      [2, 3],
      [3, 4],
    ],
    "MmBackward0",
  ],
  linear: [(x, w, b) => linear(x, w!, b), [[2, 3], [4, 3], [4]], "AddmmBackward0"],
  sum: [(x) => sum(x), [[2, 3]], "SumBackward0"],
  "sum over dimensions": [(x) => sum(x, [2, 0]), [[2, 3, 2]], "SumBackward1"],
  "sum that keeps dimensions": [(x) => sum(x, -1, true), [[2, 3]], "SumBackward1"],
  cat: [
    (a, b) => cat([a, b!], 1),
    [
      [2, 3],
      [2, 1],
    ],
    "CatBackward0",
  ],
  softmax: [(x) => softmax(x, -1), [[2, 3]], "SoftmaxBackward0"],
  gelu: [(x) => gelu(x), [[2, 3]], "GeluBackward0"],
  indexSelect: [(x) => indexSelect(x, 0, index), [[3, 2]], "IndexSelectBackward0"],
  layerNorm: [(x, w, b) => layerNorm(x, [4], w, b), [[2, 4], [4], [4]], "NativeLayerNormBackward0"],
  reshape: [(x) => x.reshape([3, 2]), [[2, 3]], "ViewBackward0"],
  transpose: [(x) => x.transpose(0, 1), [[2, 3]], "TransposeBackward0"],
  slice: [(x) => x.index(slice(null, -1, 2), slice(1)), [[4, 3]], "SliceBackward0"],
};

describe.each(Object.entries(CASES))("%s", (_, [body, shapes, name]) => {
  const inputs = (dtype: DType): Tensor[] => shapes.map((shape, index) => leaf(shape, index, dtype));

  test("is named like libtorch's node", () => {
    expect(body(...inputs("float32")).gradFn).toBe(name);
  });

  test("has the derivatives of finite differences", () => {
    expect(gradcheck(body, inputs("float64"))).toBe(true);
  });

  test("has second derivatives", () => {
    const curved = (...x: Tensor[]): Tensor =>
      grad(
        body(...x)
          .sin()
          .sum(),
        x,
        { createGraph: true },
      )
        .map((g) => g.flatten())
        .reduce((a, b) => cat([a, b]));
    expect(gradcheck(curved, inputs("float64"), { atol: 1e-4 })).toBe(true);
  });

  test("gives in float32 what the general way gives in float64", () => {
    const flat = (dtype: DType): number[] => {
      const x = inputs(dtype);
      const first = grad(
        body(...x)
          .sin()
          .sum(),
        x,
        { createGraph: true },
      );
      const second = grad(
        first.map((g) => g.pow(2).sum()).reduce((a, b) => a.add(b)),
        x,
      );
      return [...first, ...second].flatMap((g) => Array.from(g.contiguous().dataSync() as Float32Array));
    };
    const expected = flat("float64");
    flat("float32").forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 3));
  });

  test("gives gradients to those inputs only that want them", () => {
    const x = inputs("float32");
    x[0]!.requiresGrad_(false);
    const result = body(...x);
    expect(result.requiresGrad).toBe(x.length > 1);
    if (x.length > 1)
      expect(grad(result.sum(), x.slice(1)).every((g, index) => g.shape.join() === shapes[index + 1]!.join())).toBe(
        true,
      );
  });

  test("tells when an input that it saved was changed in place", () => {
    const x = inputs("float32");
    const middle = x.map((input) => input.mul(1));
    const result = body(...middle).sum();
    if (!["MulBackward0", "MmBackward0", "AddmmBackward0", "GeluBackward0", "NativeLayerNormBackward0"].includes(name))
      return;
    middle[0]!.add_(1);
    expect(() => result.backward()).toThrow(/modified by an inplace operation/);
  });
});

test("a graph is freed by its first backward pass", () => {
  const [a, b] = [leaf([2, 2], 0, "float32"), leaf([2, 2], 1, "float32")];
  const y = a.mul(b).sum();
  y.backward();
  expect(() => y.backward()).toThrow(/second time/);
});

test("shapes that broadcast and other types go the general way", () => {
  const a = leaf([2, 3], 0, "float32");
  const b = leaf([3], 1, "float32");
  a.mul(b).sum().backward();
  expect([a.grad!.shape, b.grad!.shape]).toEqual([[2, 3], [3]]);
  expect(cat([leaf([2], 0, "float32"), tensor([1n])]).dtype).toBe("float32");
  expect(cat([tensor([]), leaf([1, 2], 0, "float32")]).shape).toEqual([1, 2]);
});

test("cat of small tensors along every dimension", () => {
  const [a, b] = [tensor([[[1, 2]], [[3, 4]]]), tensor([[[5, 6]], [[7, 8]]])];
  expect(cat([a, b]).toArray()).toEqual([[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]]);
  expect(cat([a, b], 1).toArray()).toEqual([
    [
      [1, 2],
      [5, 6],
    ],
    [
      [3, 4],
      [7, 8],
    ],
  ]);
  expect(cat([a, b], -1).toArray()).toEqual([[[1, 2, 5, 6]], [[3, 4, 7, 8]]]);
  expect(cat([a.T, b.T], 0).shape).toEqual([4, 1, 2]);
  expect(() => cat([a, b], 3)).toThrow(/Dimension out of range/);
  expect(() => cat([a, tensor([[[1, 2, 3]]])])).toThrow(/Sizes of tensors must match/);
});
