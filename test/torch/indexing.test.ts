/** Subscripts against PyTorch: `fixtures/indexing.json`, made by `fixtures/make_indexing.py`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  arange,
  countTensors,
  scope,
  slice,
  tensor,
  zeros,
  type DType,
  type IndexArray,
  type Tensor,
  type TensorIndex,
} from "../../lib/torch";

type Encoded =
  | null
  | number
  | boolean
  | "..."
  | { readonly slice: readonly [number | null, number | null, number] }
  | { readonly tensor: never; readonly dtype: DType; readonly shape: readonly number[] }
  | { readonly list: IndexArray };

interface Case {
  readonly indices: readonly Encoded[];
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly view: boolean;
  readonly written: readonly number[];
  readonly replaced: readonly number[];
  readonly gradient: readonly number[];
}

const { cases } = JSON.parse(readFileSync(join(__dirname, "fixtures", "indexing.json"), "utf8")) as { cases: Case[] };

function decode(index: Encoded): TensorIndex {
  if (typeof index !== "object" || index === null) return index;
  if ("slice" in index) return slice(...index.slice);
  return "list" in index ? index.list : tensor(index.tensor, { dtype: index.dtype }).reshape(index.shape);
}

function base(): Tensor {
  return arange(60, { dtype: "int64" }).reshape([3, 4, 5]);
}

function flat(x: Tensor): number[] {
  return Array.from(x.dataSync() as BigInt64Array, Number);
}

describe.each(cases.map((entry): [string, Case] => [JSON.stringify(entry.indices), entry]))("x%s", (_, entry) => {
  const indices = (): TensorIndex[] => entry.indices.map(decode);

  test("reads what PyTorch reads", () => {
    const result = base().index(...indices());
    expect(result.shape).toEqual(entry.shape);
    expect(flat(result)).toEqual(entry.values);
  });

  test("assigns a number", () => {
    expect(flat(base().indexPut_(indices(), -1))).toEqual(entry.written);
  });

  test("assigns a tensor", () => {
    const count = entry.values.length;
    const value = arange(100, 100 + count, { dtype: "int64" }).reshape(entry.shape);
    expect(flat(base().indexPut_(indices(), value))).toEqual(entry.replaced);
  });

  test("has PyTorch's gradient", () => {
    const x = base().to("float32").requiresGrad_();
    x.index(...indices())
      .sum()
      .backward();
    expect(flat(x.grad!)).toEqual(entry.gradient);
  });

  test("gives a view exactly where PyTorch does", () => {
    if (entry.values.length === 0) return;
    const x = base();
    x.index(...indices()).fill_(-7);
    expect(flat(x).includes(-7)).toBe(entry.view);
  });
});

test("intermediate views are freed", () => {
  scope(() => {
    const x = base();
    const before = countTensors();
    const y = x.index(0, slice(1), null, slice(0, 2));
    expect(countTensors() - before).toBe(1);
    y.dispose();
  });
});

test("accumulates repeated positions", () => {
  const x = zeros([3]);
  x.indexPut_([tensor([0n, 0n, 2n])], tensor([1, 2, 3]), true);
  expect(x.toArray()).toEqual([3, 0, 3]);
});

test("refuses more indices than dimensions", () => {
  expect(() => base().index(0, 0, 0, 0)).toThrow("expected at most 3 indices for a tensor of shape [3, 4, 5], got 4");
});

test("refuses two ellipses", () => {
  expect(() => base().index("...", "...")).toThrow('at most one "..."');
});

test("refuses fractions and other values", () => {
  expect(() => base().index(0.5, 0)).toThrow("expected an integer, got 0.5");
  expect(() => base().index("x" as "...", 0)).toThrow("expected numbers, slice()");
});

test("names an index that is out of range", () => {
  expect(() => base().index(3)).toThrow(/index 3 out of range/);
});

test("refuses a step below 1", () => {
  expect(() => slice(0, 4, -1)).toThrow("expected a positive integer for step, got -1");
});
