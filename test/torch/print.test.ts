/** Printing against PyTorch: `fixtures/printing.json`, made by `fixtures/make_printing.py`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  fromTypedArray,
  getPrintOptions,
  setPrintOptions,
  tensor,
  zeros,
  type DType,
  type Tensor,
} from "../../lib/torch";
import { camelCase } from "../../lib/torch/schema";

interface Case {
  readonly values: readonly (number | boolean | string)[];
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly history?: "leaf" | "clone";
  readonly options?: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const { cases } = JSON.parse(readFileSync(join(__dirname, "fixtures", "printing.json"), "utf8")) as { cases: Case[] };

function build({ values, shape, dtype }: Case): Tensor {
  if (dtype === "int64")
    return tensor(
      values.map((value) => BigInt(value)),
      { dtype },
    ).reshape(shape);
  const numbers = values.map((value) =>
    typeof value === "string" ? Number(value.replace("inf", "Infinity")) : Number(value),
  );
  if (dtype.startsWith("complex"))
    return fromTypedArray(dtype === "complex64" ? Float32Array.from(numbers) : Float64Array.from(numbers), shape, {
      dtype,
    });
  return tensor(numbers, { dtype }).reshape(shape);
}

afterEach(() => setPrintOptions({ profile: "default" }));

test.each(
  cases.map((entry, index): [string, Case] => [`${index}: ${entry.text.slice(0, 40).replaceAll("\n", " ")}`, entry]),
)("%s", (_, entry) => {
  if (entry.options)
    setPrintOptions(Object.fromEntries(Object.entries(entry.options).map(([key, value]) => [camelCase(key), value])));
  let made = build(entry);
  if (entry.history) made = made.requiresGrad_();
  if (entry.history === "clone") made = made.clone();
  expect(String(made)).toBe(entry.text);
});

test("console.log prints the same text", () => {
  expect(inspect(tensor([1, 2]))).toBe("tensor([1., 2.])");
});

test("a sparse tensor prints its size", () => {
  expect(
    String(
      tensor([
        [0, 1],
        [0, 0],
      ]).toSparse(),
    ),
  ).toBe("tensor(..., size=(2, 2))");
});

test("a meta tensor prints its size", () => {
  expect(String(zeros([2, 3], { device: "meta", dtype: "int32" }))).toBe(
    "tensor(..., device='meta', size=(2, 3), dtype=torch.int32)",
  );
});

test("a disposed tensor says so", () => {
  const x = zeros([2]);
  x.dispose();
  expect(String(x)).toBe("tensor(<disposed>)");
});

test("the options that are not given stay", () => {
  setPrintOptions({ precision: 2 });
  setPrintOptions({ linewidth: 40 });
  expect(getPrintOptions()).toMatchObject({ precision: 2, linewidth: 40, threshold: 1000 });
});
