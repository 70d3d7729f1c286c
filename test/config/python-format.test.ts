import { pyFloatRepr, toFixedHalfEven } from "../../lib/config/python-format";

test.each([
  [0.9999, "0.9999"],
  [1, "1.0"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [1e16, "1e+16"],
  [123456789, "123456789.0"],
  [-0, "-0.0"],
  [Infinity, "inf"],
  [NaN, "nan"],
])("pyFloatRepr(%d) is %s", (value, expected) => expect(pyFloatRepr(value)).toBe(expected));

test("fixed decimals round exact ties to even", () => {
  expect(toFixedHalfEven(12.5, 0)).toBe("12");
  expect(toFixedHalfEven(13.5, 0)).toBe("14");
  expect(toFixedHalfEven(0.125, 2)).toBe("0.12");
  expect(toFixedHalfEven(0.375, 2)).toBe("0.38");
  expect(toFixedHalfEven(1.005, 2)).toBe("1.00");
  expect(toFixedHalfEven(-2.5, 0)).toBe("-2");
  expect(toFixedHalfEven(1e22, 1)).toBe("10000000000000000000000.0");
});
