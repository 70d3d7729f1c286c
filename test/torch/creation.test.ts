import {
  arange,
  asTensor,
  dtypes,
  fromBuffer,
  fromBytes,
  fromTypedArray,
  full,
  getDefaultDtype,
  ones,
  rand,
  randn,
  randint,
  randperm,
  scalarTensor,
  setDefaultDtype,
  tensor,
  zeros,
  type DType,
  manualSeed,
  Generator,
  type Tensor,
} from "../../lib/torch";

describe("tensor", () => {
  test("infers the dtype from the values", () => {
    const found = [
      tensor(1),
      tensor([1, 2]),
      tensor([1n]),
      tensor(true),
      tensor([true, 2]),
      tensor([1n, 0.5]),
      tensor({ re: 1, im: 2 }),
      tensor([]),
    ].map((x) => x.dtype);
    expect(found).toEqual(["float32", "float32", "int64", "bool", "float32", "float32", "complex64", "float32"]);
  });

  test("follows the default dtype", () => {
    setDefaultDtype("float64");
    try {
      expect([
        getDefaultDtype(),
        tensor(1).dtype,
        zeros([1]).dtype,
        full([1], 2).dtype,
        tensor([{ re: 1, im: 0 }]).dtype,
      ]).toEqual(["float64", "float64", "float64", "float64", "complex128"]);
    } finally {
      setDefaultDtype("float32");
    }
  });

  test("takes nested arrays, also with TypedArrays inside, and empty ones", () => {
    expect(
      tensor([
        [[1], [2]],
        [[3], [4]],
      ]).shape,
    ).toEqual([2, 2, 1]);
    expect(tensor([Float32Array.of(1, 2), Float32Array.of(3, 4)]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([tensor([]).shape, tensor([[], []]).shape]).toEqual([[0], [2, 0]]);
  });

  test.each<[unknown, string]>([
    [[[1, 2], [3]], "shape [2, 2]"],
    [[1, [2]], "got a list of 1 where a value belongs"],
    [[[1], 2], "got a value where a list of 1 belongs"],
    [["1"], "expected numbers, bigints, booleans or { re, im }, got string"],
    [[null], "got null"],
    [undefined, "got undefined"],
  ])("refuses %j", (data, message) => {
    expect(() => tensor(data as never)).toThrow(message);
  });

  test("refuses complex values and NaN for other dtypes", () => {
    expect(() => tensor([{ re: 1, im: 1 }], { dtype: "float32" })).toThrow("expected real numbers for this dtype");
    expect(() => tensor([NaN], { dtype: "int64" })).toThrow("expected integers for this dtype, got NaN");
  });

  test("requiresGrad", () => {
    expect(tensor([1], { requiresGrad: true }).requiresGrad).toBe(true);
  });

  const plain: DType[] = dtypes.filter((dtype) => !/^(q|float8|float4)/.test(dtype));
  test.each(plain)("makes and reads %s", (dtype) => {
    const x = tensor(
      [
        [1, 0],
        [3, 1],
      ],
      { dtype },
    );
    expect([x.dtype, x.shape]).toEqual([dtype, [2, 2]]);
    const expected =
      dtype === "bool"
        ? [
            [true, false],
            [true, true],
          ]
        : dtype.startsWith("complex")
          ? [
              [1, 0],
              [3, 1],
            ].map((row) => row.map((re) => ({ re, im: 0 })))
          : [
              [1, 0],
              [3, 1],
            ];
    expect(x.toArray()).toEqual(expected);
    expect(x.bytes()).toHaveLength(4 * x.elementSize());
  });
});

describe("reading", () => {
  test.each<[DType, string]>([
    ["float32", "Float32Array"],
    ["float64", "Float64Array"],
    ["float16", "Float32Array"],
    ["bfloat16", "Float32Array"],
    ["int8", "Int8Array"],
    ["int16", "Int16Array"],
    ["int32", "Int32Array"],
    ["int64", "BigInt64Array"],
    ["uint8", "Uint8Array"],
    ["uint16", "Uint16Array"],
    ["uint32", "Uint32Array"],
    ["uint64", "BigUint64Array"],
    ["bool", "Uint8Array"],
    ["complex64", "Float32Array"],
    ["complex128", "Float64Array"],
  ])("%s as %s", async (dtype, array) => {
    const x = tensor([1, 1], { dtype });
    expect(x.dataSync().constructor.name).toBe(array);
    expect(await x.data()).toEqual(x.dataSync());
  });

  test("float16 and bfloat16 values and bits", () => {
    const values = [1.5, -2, 65504, 6e-8, Infinity, -0];
    expect(Array.from(tensor(values, { dtype: "float16" }).dataSync() as Float32Array)).toEqual([
      1.5,
      -2,
      65504,
      2 ** -24,
      Infinity,
      -0,
    ]);
    expect(tensor([NaN], { dtype: "float16" }).item()).toBeNaN();
    expect(Array.from(tensor([1.5, -3.140625], { dtype: "bfloat16" }).dataSync() as Float32Array)).toEqual([
      1.5, -3.140625,
    ]);
    expect(Array.from(tensor([1], { dtype: "bfloat16" }).bytes())).toEqual([0x80, 0x3f]);
  });

  test("64-bit integers are numbers while exact, bigints beyond", () => {
    const x = tensor([5n, 2n ** 60n]);
    expect(x.toArray()).toEqual([5, 2n ** 60n]);
    expect([x.index(0).itemScalar(), x.index(1).itemScalar()]).toEqual([5, 2n ** 60n]);
  });

  test("strided views are read in order", () => {
    expect(
      tensor([
        [1, 2],
        [3, 4],
      ]).T.dataSync(),
    ).toEqual(Float32Array.of(1, 3, 2, 4));
    expect(
      tensor([{ re: 1, im: 2 }])
        .conj()
        .toArray(),
    ).toEqual([{ re: 1, im: -2 }]);
  });

  test("item wants one element", () => {
    expect(tensor([[7]]).item()).toBe(7);
    expect(tensor(true).itemScalar()).toBe(true);
    expect(() => tensor([1, 2]).item()).toThrow("expected a tensor with one element for item(), got float32 (2)");
  });

  test("deep and empty arrays", () => {
    expect(zeros([2, 1, 2]).toArray()).toEqual([[[0, 0]], [[0, 0]]]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(zeros([0, 2]).toArray()).toEqual([]);
  });
});

describe("sharedData", () => {
  test("is the tensor's memory, also of a part and of half floats", () => {
    const x = tensor([1, 2, 3, 4]);
    const data = x.sharedData() as Float32Array;
    data[0] = 9;
    x.mul_(2);
    expect([x.toArray(), Array.from(data)]).toEqual([
      [18, 4, 6, 8],
      [18, 4, 6, 8],
    ]);
    expect(x.narrow(0, 1, 2).sharedData()).toEqual(Float32Array.of(4, 6));
    expect(tensor([1], { dtype: "bfloat16" }).sharedData()).toEqual(Uint16Array.of(0x3f80));
  });

  test("outlives the tensor", () => {
    const x = tensor([1, 2]);
    const data = x.sharedData();
    x.dispose();
    expect(data).toEqual(Float32Array.of(1, 2));
  });

  test("is null where the elements do not lie in a row", () => {
    expect(ones([2, 3]).T.sharedData()).toBeNull();
    expect(zeros([0]).sharedData()).toBeNull();
  });
});

describe("fromTypedArray", () => {
  test("takes the array's type and copies", () => {
    const data = Int16Array.of(1, 2, 3, 4);
    const x = fromTypedArray(data, [2, 2]);
    data[0] = 9;
    expect([x.dtype, x.toArray()]).toEqual([
      "int16",
      [
        [1, 2],
        [3, 4],
      ],
    ]);
  });

  test("converts to another dtype", () => {
    expect(fromTypedArray(Float64Array.of(1.5, 2), undefined, { dtype: "int32" }).toArray()).toEqual([1, 2]);
  });

  test("reads bits and pairs as PyTorch lays them out", () => {
    expect(fromTypedArray(Uint16Array.of(0x3c00), [1], { dtype: "float16" }).item()).toBe(1);
    expect(fromTypedArray(Uint16Array.of(0x3f80), [1], { dtype: "bfloat16" }).item()).toBe(1);
    expect(fromTypedArray(Uint8Array.of(0, 1), [2], { dtype: "bool" }).toArray()).toEqual([false, true]);
    expect(fromTypedArray(Float32Array.of(1, 2), [1], { dtype: "complex64" }).itemScalar()).toEqual({ re: 1, im: 2 });
  });

  test("reads a part of a buffer", () => {
    expect(fromTypedArray(new Float32Array(Float32Array.of(1, 2, 3).buffer, 4, 2)).toArray()).toEqual([2, 3]);
  });

  test("refuses a shape that does not fit", () => {
    expect(() => fromTypedArray(new Float32Array(3), [2, 2])).toThrow(
      "fromTypedArray: expected 4 elements for the shape [2, 2], got 3",
    );
    expect(() => fromTypedArray(new Float32Array(3), [-3])).toThrow("expected lengths of at least 0");
    expect(() => fromTypedArray(new DataView(new ArrayBuffer(4)))).toThrow("expected a TypedArray, got DataView");
  });
});

describe("fromBuffer and fromBytes", () => {
  test("fromBuffer shares memory both ways", () => {
    const data = Float32Array.of(1, 2);
    const x = fromBuffer(data);
    data[0] = 5;
    expect(x.toArray()).toEqual([5, 2]);
    x.mul_(2);
    expect(Array.from(data)).toEqual([10, 4]);
  });

  test("fromBuffer reads the memory as another dtype", () => {
    expect(fromBuffer(Uint8Array.of(0, 0, 0x80, 0x3f), [1], { dtype: "float32" }).item()).toBe(1);
  });

  test("fromBytes copies", () => {
    const x = fromBytes(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), [1], "int64");
    expect([x.dtype, x.item()]).toEqual(["int64", 1]);
    expect(() => fromBytes(new Uint8Array(7), [1], "int64")).toThrow("expected 1 elements for the shape [1]");
  });
});

describe("factories", () => {
  test("numbers make floats, bigints int64, booleans bool", () => {
    expect([full([2], 1).dtype, full([2], 1n).dtype, full([2], true).dtype, scalarTensor(3).dtype]).toEqual([
      "float32",
      "int64",
      "bool",
      "float32",
    ]);
    expect([arange(3).dtype, arange(3n).dtype, arange(3, { dtype: "int32" }).dtype]).toEqual([
      "float32",
      "int64",
      "int32",
    ]);
  });

  test("arange in its three forms", () => {
    expect([
      arange(3).toArray(),
      arange(1, 3).toArray(),
      arange(0, 1, 0.5).toArray(),
      arange(5n, 0n, -2n).toArray(),
    ]).toEqual([
      [0, 1, 2],
      [1, 2],
      [0, 0.5],
      [5, 3, 1],
    ]);
  });

  test("full and arange write into out", () => {
    const out = zeros([3]);
    expect(full([3], 2, { out })).toBe(out);
    expect(out.toArray()).toEqual([2, 2, 2]);
  });

  test("random factories have PyTorch's shapes and ranges", () => {
    expect(randperm(5).toArray()).toHaveLength(5);
    expect([randint(10, [4]).dtype, randint(2, 5, [3]).min().item() >= 2, rand([2]).max().item() < 1]).toEqual([
      "int64",
      true,
      true,
    ]);
  });

  test("asTensor passes tensors through", () => {
    const x = ones([2]);
    expect(asTensor(x)).toBe(x);
    expect(asTensor(x, { dtype: "float64" }).dtype).toBe("float64");
    expect(asTensor([1, 2]).toArray()).toEqual([1, 2]);
  });
});

describe("random numbers", () => {
  const values = (x: Tensor): number[] => Array.from(x.dataSync() as Float32Array);

  test("the default generator gives PyTorch's numbers", () => {
    manualSeed(0);
    // torch.manual_seed(0); torch.randn(3); torch.rand(2)
    expect(values(randn([3]))).toEqual([1.5409960746765137, -0.293428897857666, -2.1787893772125244]);
    expect(values(rand([2]))).toEqual([0.455627977848053, 0.6323062777519226]);
  });

  test("a generator is a stream of its own, with a state to return to", () => {
    const generator = new Generator().manualSeed(3);
    const state = generator.getState();
    const first = values(randn([2], { generator }));
    manualSeed(1);
    generator.setState(state);
    expect(values(randn([2], { generator }))).toEqual(first);
    expect([generator.initialSeed(), state.dtype]).toEqual([3n, "uint8"]);
  });
});

describe("to", () => {
  test("keeps the tensor where nothing changes", () => {
    const x = zeros([1]);
    expect([x.to("float32"), x.to("cpu"), x.to({}), x.cpu(), x.float()].every((y) => y === x)).toBe(true);
    expect(x.to({ copy: true })).not.toBe(x);
  });

  test("converts by dtype, device, both, or after another tensor", () => {
    const x = tensor([1.5]);
    expect([
      x.to("int64").dtype,
      x.to({ dtype: "float16" }).dtype,
      x.to(tensor(1n)).dtype,
      x.to("meta").device,
      x.to("cpu", { dtype: "bool" }).dtype,
      x.long().dtype,
      x.double().dtype,
    ]).toEqual(["int64", "float16", "int64", "meta", "bool", "int64", "float64"]);
  });

  test("is recorded", () => {
    const x = tensor([1], { requiresGrad: true });
    x.to("float64").mul(3).sum().backward();
    expect([x.grad!.dtype, x.grad!.item()]).toEqual(["float32", 3]);
  });

  test("names a device that is not there", () => {
    expect(() => zeros([1]).to("gpu")).toThrow(/gpu/);
  });
});
