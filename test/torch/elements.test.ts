/** Numbers that an integer dtype may not hold, against PyTorch (fixtures/make_integer_values.py). */
import { runInNewContext } from "node:vm";
import type { DType, Scalar, Tensor } from "../../lib/torch";
import {
  fromBuffer,
  fromBytes,
  fromTypedArray,
  full,
  keep,
  nn,
  scalarTensor,
  scope,
  sum,
  tensor,
  TorchError,
  zeros,
} from "../../lib/torch";
import rows from "./fixtures/integer-values.json";

const parse = (text: string): Scalar => (text.endsWith("n") ? BigInt(text.slice(0, -1)) : Number(text));
const outcome = (make: () => Tensor): string => {
  try {
    return String(make().itemScalar());
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError || error instanceof TorchError) return "error";
    throw error;
  }
};
const cases = rows as [DType, string, string, string][];

describe.each([...new Set(cases.map(([dtype]) => dtype))])("%s", (dtype) => {
  const own = cases.filter(([name]) => name === dtype);
  test.each([
    ["tensor of a list", (value: Scalar) => tensor([value], { dtype })],
    ["tensor of a value", (value: Scalar) => tensor(value, { dtype })],
    [
      "index assignment",
      (value: Scalar) =>
        zeros([2], { dtype })
          .indexPut_([0], value as number)
          .index(0),
    ],
  ])("%s does what torch.tensor does", (_, make) => {
    const got = own.map(([, text]) => [text, outcome(() => make(parse(text)))]);
    expect(got).toEqual(own.map(([, text, made]) => [text, made]));
  });

  test.each([
    ["full", (value: Scalar) => full([1], value, { dtype })],
    ["fill_", (value: Scalar) => zeros([1], { dtype }).fill_(value)],
    ["scalarTensor", (value: Scalar) => scalarTensor(value, { dtype })],
  ])("%s does what torch.full does", (_, make) => {
    const got = own.map(([, text]) => [text, outcome(() => make(parse(text)))]);
    expect(got).toEqual(own.map(([, text, , filled]) => [text, filled]));
  });
});

test("the message names the value, the range and a way out", () => {
  expect(() => tensor([1, [300][0]!], { dtype: "uint8" })).toThrow(
    "tensor: expected values from 0 to 255 for uint8, got 300: choose another dtype, or clamp the values",
  );
});

test("numbers beyond 2^53 that are whole are exact as int64", () => {
  expect(tensor([2 ** 60, -(2 ** 63)], { dtype: "int64" }).dataSync()).toEqual(
    BigInt64Array.of(2n ** 60n, -(2n ** 63n)),
  );
  expect(outcome(() => tensor([2 ** 63], { dtype: "int64" }))).toBe("error");
  expect(outcome(() => tensor([2 ** 64], { dtype: "uint64" }))).toBe("error");
});

test("NaN and complex numbers count as true", () => {
  expect(tensor([NaN, 0, -0, 1e-300, { re: 0, im: 1 }, { re: 0, im: 0 }], { dtype: "bool" }).toArray()).toEqual([
    true, false, false, true, true, false,
  ]); // prettier-ignore
});

test.each<[ArrayBufferView, DType]>([
  [Float64Array.of(2 ** 31), "int32"],
  [Float32Array.of(NaN), "int64"],
  [Float32Array.of(Infinity), "uint8"],
  [Int32Array.of(300), "uint8"],
  [BigInt64Array.of(2n ** 31n), "int32"],
  [BigUint64Array.of(2n ** 63n), "int64"],
])("elements of a TypedArray that do not fit are refused: %p as %s", (array, dtype) => {
  expect(() => tensor(array, { dtype })).toThrow(/expected/);
  expect(() => fromTypedArray(array, undefined, { dtype })).toThrow(/expected/);
});

test("elements of a TypedArray that fit are converted", () => {
  expect(tensor(Float64Array.of(1.9, -1.9), { dtype: "int32" }).toArray()).toEqual([1, -1]);
  expect(tensor(Int32Array.of(-1), { dtype: "uint8" }).toArray()).toEqual([255]);
  expect(tensor(BigInt64Array.of(7n), { dtype: "int8" }).toArray()).toEqual([7]);
});

test("lists that hold themselves, or are too deep, are refused", () => {
  const list: unknown[] = [];
  list.push(list);
  expect(() => tensor(list as never)).toThrow("expected at most 64 levels of arrays");
});

describe("memory of other kinds", () => {
  test("a SharedArrayBuffer is read and shared", () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([1, 2]);
    expect(tensor(shared).toArray()).toEqual([1, 2]);
    const x = fromBuffer(shared);
    shared[1] = 5;
    expect(x.toArray()).toEqual([1, 5]);
    x.mul_(2);
    expect(shared[0]).toBe(2);
    expect(fromBytes(new Uint8Array(shared.buffer), [2], "float32").toArray()).toEqual([2, 10]);
  });

  test("bare memory is taken where a dtype tells how to read it, and a view is asked for where none does", () => {
    const { buffer } = Float32Array.of(1, 2);
    expect(fromBuffer(buffer, [2], { dtype: "float32" }).toArray()).toEqual([1, 2]);
    expect(fromBytes(buffer, [2], "float32").toArray()).toEqual([1, 2]);
    expect(() => fromBuffer(new SharedArrayBuffer(8))).toThrow(
      "fromBuffer: expected a TypedArray, got SharedArrayBuffer: make a view of it, new Float32Array(buffer)",
    );
  });

  test("an array whose memory was transferred is refused", () => {
    const array = Float32Array.of(1, 2);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    for (const take of [tensor, fromTypedArray, fromBuffer])
      expect(() => take(array as never)).toThrow(
        "expected an array with memory, got one whose ArrayBuffer was transferred",
      );
  });
});

describe("values of another realm", () => {
  const other = <T>(code: string): T => runInNewContext(code) as T;

  test("typed arrays", () => {
    expect(tensor(other<Float64Array>("Float64Array.of(1, 2)")).dtype).toBe("float64");
    expect(fromTypedArray(other<Uint16Array>("Uint16Array.of(0x3c00)"), [1], { dtype: "float16" }).item()).toBe(1);
    expect(fromBuffer(other<Int32Array>("Int32Array.of(3)")).toArray()).toEqual([3]);
    expect(tensor(other<number[][]>("[[1, 2], [3, 4]]")).shape).toEqual([2, 2]);
  });

  test("options", () => {
    expect(sum(tensor([[1, 2]]), other<number[]>("[1]"), other<object>("({ keepdim: true })")).shape).toEqual([1, 1]);
    expect(zeros([2], other<object>(`({ dtype: "int64" })`)).dtype).toBe("int64");
  });

  test("maps and sets keep what a scope returns in them", () => {
    const [map, set, list] = [
      other<Map<string, Tensor>>("new Map()"),
      other<Set<Tensor>>("new Set()"),
      other<Tensor[]>("[]"),
    ];
    scope(() => {
      map.set("x", zeros([1]));
      set.add(zeros([2]));
      list.push(zeros([3]));
      return { map, set, list };
    });
    expect([map.get("x")!, ...set, ...list].map((x) => x.shape)).toEqual([[1], [2], [3]]);
    scope(() => {
      map.set("y", zeros([4]));
      keep(map);
    });
    expect(map.get("y")!.shape).toEqual([4]);
  });

  test("state dicts", () => {
    const [from, to] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    const state = other<Map<string, Tensor>>("new Map()");
    for (const [key, value] of from.stateDict()) state.set(key, value);
    to.loadStateDict(state);
    expect(to.weight.toArray()).toEqual(from.weight.toArray());
  });

  test("async functions", async () => {
    const body = other<(make: () => Tensor) => () => Promise<Tensor>>("(make) => async () => make()");
    const x = await scope(body(() => zeros([5])));
    expect(x.shape).toEqual([5]);
  });
});

test.each<[unknown, string]>([
  [[2 ** 53], "with the number 9007199254740992 at position 0 (whole numbers are exact up to 2^53 - 1"],
  [[2, 1.5], "got ([2, 1.5])"],
  [[2, "3"], `got ([2, "3"])`],
  [[NaN], "got ([NaN])"],
])("a size that is no list of integers is told: %p", (size, message) => {
  expect(() => zeros(size as number[])).toThrow(message);
});
