import * as torch from "../../lib/torch";
import * as operators from "../../lib/torch/operators.generated";
import {
  add,
  clamp,
  DisposedError,
  layerNorm,
  linalg,
  ops,
  softmax,
  std,
  sum,
  tensor,
  TorchError,
  where,
  zeros,
  type Tensor,
} from "../../lib/torch";

const any = (value: unknown): never => value as never;

describe("overload choice", () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);

  test("by tensor or number", () => {
    expect(x.add(x).toArray()).toEqual([
      [2, 4],
      [6, 8],
    ]);
    expect(x.add(1).toArray()).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(torch.pow(2, x).toArray()).toEqual([
      [2, 4],
      [8, 16],
    ]);
  });

  test("numbers of other kinds", () => {
    const ints = tensor([1n, 2n]);
    expect(ints.add(1).dtype).toBe("int64");
    expect(ints.add(0.5).dtype).toBe("float32");
    expect(
      ints
        .add(2n ** 60n)
        .index(0)
        .itemScalar(),
    ).toBe(2n ** 60n + 1n);
    expect(ints.mul(true).toArray()).toEqual([1, 2]);
    expect(x.mul({ re: 0, im: 1 }).index(0, 1).itemScalar()).toEqual({ re: 0, im: 2 });
  });

  test("by a list or one number of dimensions", () => {
    expect(sum(x).item()).toBe(10);
    expect(sum(x, 1).toArray()).toEqual([3, 7]);
    expect(sum(x, [0, 1], true).shape).toEqual([1, 1]);
    expect(x.max().item()).toBe(4);
    expect(x.max(0)[1].toArray()).toEqual([1, 1]);
    expect(
      x
        .max(
          tensor([
            [2, 2],
            [2, 9],
          ]),
        )
        .toArray(),
    ).toEqual([
      [2, 2],
      [3, 9],
    ]);
  });

  test("options by name, in any optional place", () => {
    expect(sum(x, { dtype: "float64" }).dtype).toBe("float64");
    expect(sum(x, [1], { keepdim: true }).shape).toEqual([2, 1]);
    expect(sum(x, [1], true, { dtype: "float64" }).dtype).toBe("float64");
    expect(softmax(x, -1, { dtype: "float64" }).dtype).toBe("float64");
    expect(layerNorm(x, [2], { eps: 1 }).shape).toEqual([2, 2]);
    expect(add(x, x, { alpha: 2 }).toArray()).toEqual([
      [3, 6],
      [9, 12],
    ]);
    expect(clamp(x, { max: 2 }).toArray()).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(std(x, { dim: 1, correction: 0 }).toArray()).toEqual([0.5, 0.5]);
  });

  test("undefined and null take the default", () => {
    expect(sum(x, null, undefined).item()).toBe(10);
    expect(clamp(x, null, 2).toArray()).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(layerNorm(x, [2], undefined, null, 1e-5).shape).toEqual([2, 2]);
  });

  test("where with tensors, numbers, or the condition alone", () => {
    const condition = x.gt(2);
    expect(where(condition, x, 0).toArray()).toEqual([
      [0, 0],
      [3, 4],
    ]);
    expect(x.where(condition, x.neg()).toArray()).toEqual([
      [-1, -2],
      [3, 4],
    ]);
    expect(where(condition).map((index) => index.toArray())).toEqual([
      [1, 1],
      [0, 1],
    ]);
  });

  test("out is written and returned", () => {
    const out = zeros([2, 2]);
    expect(add(x, x, { out })).toBe(out);
    expect(out.toArray()).toEqual([
      [2, 4],
      [6, 8],
    ]);
    const resized = zeros([0]);
    x.matmul(x, { out: resized });
    expect(resized.shape).toEqual([2, 2]);
    const [values, indices] = [zeros([2]), zeros([2], { dtype: "int64" })];
    expect(x.max(1, false, { out: [values, indices] })[0]).toBe(values);
    expect(indices.toArray()).toEqual([1, 1]);
  });

  test("operators in place return the tensor and forget its old shape", () => {
    const y = zeros([2, 3]);
    expect(y.shape).toEqual([2, 3]);
    expect(y.add_(1)).toBe(y);
    expect(y.transpose_(0, 1)).toBe(y);
    expect(y.shape).toEqual([3, 2]);
    expect(y.unsqueeze_(0).shape).toEqual([1, 3, 2]);
  });

  test("factories take dtype, device and requiresGrad", () => {
    const y = zeros([2], { dtype: "float64", device: "cpu", requiresGrad: true });
    expect([y.dtype, y.device, y.requiresGrad]).toEqual(["float64", "cpu", true]);
    expect(torch.ones([1], { dtype: "double" }).dtype).toBe("float64");
    expect(torch.randn([2], { generator: new torch.Generator().manualSeed(1) }).shape).toEqual([2]);
    expect(torch.empty([2, 2], { device: "meta" }).device).toBe("meta");
  });

  test("names that are no JavaScript identifiers", () => {
    expect(torch.var(x).item()).toBeCloseTo(5 / 3);
    expect(x.var().item()).toBeCloseTo(5 / 3);
  });

  test("results: tuples, lists, numbers, booleans, dtypes", () => {
    expect(x.unbind()).toHaveLength(2);
    expect(x.equal(x)).toBe(true);
    expect(torch.promoteTypes("float32", "int64")).toBe("float32");
    expect(linalg.slogdet(x).map((part) => part.shape)).toEqual([[], []]);
  });
});

describe("calls that do not fit", () => {
  const x = tensor([1, 2]);

  test("list what the operator takes", () => {
    expect(() => add(x, any("1"))).toThrow(
      'add: expected arguments that fit one of its overloads, got (Tensor, "1"). It takes:\n' +
        "  (self: Tensor, other: Tensor, { alpha: Scalar = 1, out: Tensor })\n" +
        "  (self: Tensor, other: Scalar, alpha: Scalar = 1, { out: Tensor })",
    );
  });

  const wrong: [string, () => unknown][] = [
    ["a missing argument", () => add(x, any(undefined))],
    ["too many arguments", () => (x.relu as (...args: unknown[]) => unknown)(1, 2)],
    ["an unknown option", () => sum(x, any({ dimension: 1 }))],
    ["an option given twice", () => (sum as (...args: unknown[]) => unknown)(x, [0], { dim: [0] })],
    ["an option of the wrong kind", () => sum(x, [0], any({ keepdim: 1 }))],
    ["a fraction for an integer", () => sum(x, 0.5)],
    ["something else for a tensor", () => linalg.norm(any({ handle: 1 }), any({}))],
    ["a list with a hole for tensors", () => torch.cat(any([x, 1]))],
    ["a number for a list of tensors", () => torch.cat(any(3))],
    ["null for a tensor", () => torch.matmul(any(null), x)],
    ["a string for a number", () => softmax(x, any("1"))],
    ["a misspelt dtype", () => zeros([1], { dtype: any("float33") })],
    ["something else for a generator", () => torch.rand([1], { generator: any(3) })],
    ["a symbol", () => add(x, any(Symbol("x")))],
  ];
  test.each(wrong)("%s throws a TypeError", (_, body) => {
    expect(body).toThrow(TypeError);
  });

  test("libtorch's own errors carry a code, the operator and shapes", () => {
    const failing = (): Tensor => tensor([[1, 2, 3]]).matmul(tensor([[1, 2, 3]]));
    expect(failing).toThrow(TorchError);
    try {
      failing();
    } catch (error) {
      const { code, operator, message } = error as TorchError;
      expect([code, operator]).toEqual(["ERR_TORCH", "matmul"]);
      expect(message).toMatch(
        /matmul\(self: float32 \(1, 3\), other: float32 \(1, 3\)\): mat1 and mat2 shapes cannot be multiplied/,
      );
      expect(message).not.toMatch(/\.cpp:\d+/);
      expect(Object.keys(error as object)).not.toContain("backtrace");
    }
  });
});

describe("every generated function", () => {
  const gone = zeros([2]);
  gone.dispose();
  const garbage: unknown[] = [Symbol("x"), () => 1, new Date(0), { no: "such option" }, gone];

  const withArguments = Object.entries(operators as Record<string, (...args: unknown[]) => unknown>).filter(
    ([, operator]) => operator.length > 0,
  );

  test.each(withArguments)("%s refuses arguments of the wrong kind", (_, operator) => {
    for (const value of garbage) {
      expect(() => operator(value, value, value)).toThrow(Error);
    }
  });
});

describe("disposed tensors", () => {
  const gone = zeros([2]);
  gone.dispose();
  const x = zeros([2]);
  const seen = zeros([2]);
  expect(seen.shape).toEqual([2]);
  seen.dispose();

  test.each<[string, () => unknown]>([
    ["as first argument", () => gone.add(x)],
    ["as other argument", () => x.add(gone)],
    ["as optional argument", () => layerNorm(x, [2], gone)],
    ["in a list", () => torch.cat([x, gone])],
    ["as index", () => x.index(gone)],
    ["as out", () => add(x, x, { out: gone })],
    ["in place", () => gone.add_(1)],
    ["read", () => gone.toArray()],
    ["shape", () => gone.shape],
    ["shape read before", () => seen.shape],
    ["backward", () => gone.backward()],
    ["ops.call", () => ops.call("aten::add.Tensor", gone, x)],
  ])("%s throw a DisposedError", (_, body) => {
    expect(body).toThrow(DisposedError);
  });

  test("the error names the operator", () => {
    expect(() => x.add(gone)).toThrow("add: expected a live tensor, got one that was disposed");
  });
});

describe("ops.call", () => {
  test("calls an exact overload", () => {
    expect((ops.call("aten::add.Tensor", tensor([1]), tensor([2]), { alpha: 3 }) as Tensor).toArray()).toEqual([7]);
    expect((ops.call("aten::mm", tensor([[2]]), tensor([[3]])) as Tensor).toArray()).toEqual([[6]]);
    expect(ops.call("aten::is_floating_point", tensor([2]))).toBe(true);
  });

  test("names an unknown operator", () => {
    expect(() => ops.call("aten::no_such")).toThrow(
      'expected the full name of an operator overload ("aten::add.Tensor"), got "aten::no_such"',
    );
  });

  test("knows every operator of the dispatcher", () => {
    expect(ops.names().length).toBeGreaterThan(3000);
  });
});
