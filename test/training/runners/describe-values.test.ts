import { describeValue } from "../../../lib/training/runners/describe-values";
import { arange, complex, tensor, zeros } from "../../../lib/torch";

const lines = (value: unknown) => describeValue("x", value).join("\n");

test("a small tensor, with all of its values", () => {
  expect(
    lines(
      tensor([
        [1, 2.5],
        [-3, 0.123456],
      ]),
    ),
  ).toBe("  x: tensor (2, 2) float32 on cpu, -3 to 2.5, mean 0.15586\n    [1, 2.5, -3, 0.12346]");
});

test("of more than 20 elements the first 10", () => {
  expect(lines(arange(20))).toContain("18, 19]");
  expect(lines(arange(21))).toContain("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]");
});

test("one number stands in its line", () => {
  expect(lines(tensor(0.5))).toBe("  x: tensor () float32 on cpu: 0.5");
  expect(lines(tensor(7n))).toBe("  x: tensor () int64 on cpu: 7");
});

test("what is not finite is counted, and left out of the range", () => {
  expect(lines(tensor([NaN, 1, Infinity, 3]))).toMatch(/, 1 to 3, mean 2, 2 not finite\n/);
  expect(lines(tensor([NaN]))).toMatch(/on cpu, 1 not finite\n/);
});

test.each([
  [tensor([true, false]), "  x: tensor (2) bool on cpu\n    [true, false]"],
  [zeros([0, 3]), "  x: tensor (0, 3) float32 on cpu"],
  [complex(tensor([1]), tensor([-2])), "  x: tensor (1) complex64 on cpu\n    [1 + -2i]"],
  ['a "b"', '  x: "a \\"b\\""'],
  [null, "  x: null"],
  [undefined, "  x: undefined"],
  [12n, "  x: 12"],
  [{ a: 1, b: "c" }, '  x: 2 entries\n    a: 1\n    b: "c"'],
  [new Map([["k", 1]]), "  x: 1 entries\n    k: 1"],
  [Object.create(null), "  x: 0 entries"],
  [[1, 2, 3, 4, 5, 6], "  x: list of 6\n    0: 1\n    1: 2\n    2: 3\n    3: 4\n    4: 5\n    …"],
])("%#", (value, expected) => expect(lines(value)).toBe(expected));
