import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ones, tensor, zeros, type DType, type Tensor, type TensorLike } from "../../lib/torch";
import { assertClose, defaultTolerances } from "../../lib/testing";

interface Case {
  dtype: DType;
  actual: unknown;
  expected: unknown;
  options: { rtol?: number; atol?: number; equal_nan?: boolean };
  /** Null where PyTorch finds the tensors close. */
  failure: null | {
    mismatched: number;
    absolute: string;
    absolute_index: number[];
    relative: string;
    relative_index: number[];
  };
}

/** Verdicts and figures of `torch.testing.assert_close`, made by fixtures/make_assert_close.py. */
const cases = JSON.parse(readFileSync(join(__dirname, "fixtures/assert-close.json"), "utf8")) as Case[];

/** JSON has no infinities and no NaN. */
function values(value: unknown): TensorLike {
  if (Array.isArray(value)) return value.map(values);
  return value === "inf" ? Infinity : value === "-inf" ? -Infinity : value === "nan" ? NaN : (value as number);
}

function message(actual: Tensor, expected: Tensor | TensorLike, options?: Parameters<typeof assertClose>[2]): string {
  try {
    assertClose(actual, expected, options);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected tensors that are not close");
}

test.each(cases)("$dtype $actual and $expected with $options as in PyTorch", (given) => {
  const { dtype, failure } = given;
  const [actual, expected] = [tensor(values(given.actual), { dtype }), tensor(values(given.expected), { dtype })];
  const { equal_nan: equalNan, ...tolerances } = given.options;
  const options = { ...tolerances, equalNan };
  if (failure === null) {
    expect(() => assertClose(actual, expected, options)).not.toThrow();
    return;
  }
  const text = message(actual, expected, options);
  const digits = dtype.endsWith("float16") ? 3 : 5; // PyTorch computes its figures in the dtype itself
  expect(text).toContain(`mismatched elements: ${failure.mismatched} of ${actual.numel()}`);
  for (const kind of ["absolute", "relative"] as const) {
    const [, figure, index] = new RegExp(`greatest ${kind} difference: (\\S+)(?: at \\[([\\d, ]*)\\])?`).exec(text)!;
    const wanted = Number(failure[kind].replace("inf", "Infinity"));
    if (Number.isNaN(wanted)) expect(figure).toBe("NaN");
    else if (Number.isFinite(wanted)) expect(Number(figure)).toBeCloseTo(wanted, digits);
    else expect(figure).toBe("Infinity");
    // where several places have the same figure, ours is the first
    if (dtype !== "bool" && Number.isFinite(wanted))
      expect((index ?? "").split(", ").filter(Boolean).map(Number)).toEqual(failure[`${kind}_index`]);
  }
});

test("attributes that differ come before elements", () => {
  expect(message(zeros([2, 3]), zeros([3, 2]))).toBe("expected a tensor of shape [3, 2], got shape [2, 3]");
  expect(message(zeros([2]), zeros([2], { dtype: "float64" }))).toBe(
    "expected a tensor of dtype float64, got dtype float32",
  );
  expect(message(zeros([2]), zeros([2], { device: "meta" }))).toBe("expected a tensor of device meta, got device cpu");
});

test("checkDtype: false compares values, within the larger tolerances of the two", () => {
  assertClose(tensor([1]), tensor([1.005], { dtype: "bfloat16" }), { checkDtype: false });
  assertClose(tensor([1]), tensor([1n]), { checkDtype: false });
});

test("values and arrays take the tensor's dtype", () => {
  assertClose(ones([2], { dtype: "float64" }), [1, 1]);
  assertClose(tensor([1n, 2n]), [1, 2]);
  expect(message(tensor([1, 2]), [1, 3])).toContain("at [1]");
});

test("both texts are shown", () => {
  expect(message(tensor([1, 2]), [1, 3])).toMatch(/expected: tensor\(\[1\., 3\.\]\)\n {5}got: tensor\(\[1\., 2\.\]\)$/);
});

test("tensors that are gone are no reason to crash", () => {
  const gone = ones([1]);
  gone.dispose();
  expect(message(gone, [1])).toContain("expected live tensors, got tensor(<disposed>)");
});

test("one tolerance alone, a typo and something else than a tensor are refused", () => {
  const x = ones([1]);
  expect(() => assertClose(x, x, { rtol: 0.1 })).toThrow("expected both rtol and atol, or neither, got { rtol: 0.1 }");
  expect(() => assertClose(x, x, { tol: 0.1 } as object)).toThrow('unknown option "tol"');
  expect(() => assertClose([1] as unknown as Tensor, x)).toThrow("assertClose: expected a tensor to compare, got [1]");
});

test("the default tolerances are PyTorch's", () => {
  expect(defaultTolerances("float32")).toEqual({ rtol: 1.3e-6, atol: 1e-5 });
  expect(defaultTolerances("int64")).toEqual({ rtol: 0, atol: 0 });
});
