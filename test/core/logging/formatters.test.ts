import {
  arrayToString,
  compactNumber,
  durationForPeople,
  floatToScientificNotation,
  formatValue,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "../../../lib/core/logging/formatters";

test.each([
  [123, undefined, true, "123"],
  [123, undefined, false, "123.0"],
  [123123, 2, true, "123.12K"],
  [123123123, 0, true, "123M"],
  [245e9, 0, true, "245G"],
  [1920, undefined, true, "1.9K"],
  [920, undefined, true, "920"],
  [0, undefined, false, "0.0"],
  [-920, undefined, false, "-920.0"],
  [999999, 0, true, "1M"],
  [999999, 1, true, "1.0M"],
  [999949, 1, true, "999.9K"],
  [999950, 1, true, "1.0M"],
  [999.96, 1, false, "1000.0"],
  [0.1234, 1, false, "123.4m"],
  [0.000123, 1, false, "123.0µ"],
  [-1500, 1, true, "-1.5K"],
  [1e21, 1, true, "1.0E"],
])("shortNumberStr(%d, %s, %s) is %s", (value, precision, isInteger, expected) =>
  expect(shortNumberStr(value, precision, isInteger)).toBe(expected),
);

test.each([
  [0, "00:00:00.00"],
  [0.1, "00:00:00.10"],
  [0.11, "00:00:00.11"],
  [0.29, "00:00:00.28"],
  [65, "00:01:05.00"],
  [3665, "01:01:05.00"],
  [90065, "1-01:01:05.00"],
  [867665, "10-01:01:05.00"],
  [3599.99, "00:59:59.98"],
])("secondsToDurationStr(%d) is %s", (seconds, expected) => expect(secondsToDurationStr(seconds)).toBe(expected));

test.each([
  [0, 2, true, "0.00e00"],
  [3, 2, true, "3.00e00"],
  [2000, 2, true, "2e03"],
  [2000, 2, false, "2e+03"],
  [5e123, 2, true, "5e123"],
  [0.003251241, 2, true, "3.25e-03"],
  [0.00320241, 2, true, "3.20e-03"],
  [1e-5, 2, true, "1e-05"],
  [0.05, 1, true, "5.0e-02"],
  [0.5, 1, true, "5.0e-01"],
  [1.5e-5, 1, true, "2e-05"],
  [1, 1, true, "1.0e00"],
  [10, 1, true, "1e01"],
  [1e-4, 1, true, "1.0e-04"],
])("floatToScientificNotation(%d, %d, %s) is %s", (value, precision, removePlus, expected) =>
  expect(floatToScientificNotation(value, precision, removePlus)).toBe(expected),
);

test("values as Python prints them", () => {
  expect(formatValue(1.23456789, ".2f")).toBe("1.23");
  expect(formatValue(1)).toBe("1.0");
  expect(formatValue(1, null, true)).toBe("1");
  expect(formatValue(true)).toBe("True");
  expect(arrayToString([1, 2, 3])).toBe("[1, 2, 3]");
  expect(arrayToString([1.1, 2.2])).toBe("[1.10, 2.20]");
});

test("indices in runs", () => {
  expect(summarizeIndicesList(null)).toEqual(["all"]);
  expect(summarizeIndicesList([])).toEqual([]);
  expect(summarizeIndicesList([0, 1, 2, 3, 6, 7, 8, 10, 13, 14])).toEqual(["0-3", "6-8", "10", "13-14"]);
});

test.each([
  [0, "0"],
  [12345, "12345"],
  [0.0123456789, "0.012346"],
  [1234.56789, "1234.6"],
  [123456, "1.2346e+05"],
  [1e-5, "1e-05"],
  [NaN, "nan"],
])("compactNumber(%d) is %s", (value, expected) => expect(compactNumber(value)).toBe(expected));

test.each([
  [-1, "0s"],
  [59.4, "59s"],
  [59.6, "1m00s"],
  [3599.6, "1h00m"],
  [7500, "2h05m"],
  [273600, "3d04h"],
])("durationForPeople(%d) is %s", (seconds, expected) => expect(durationForPeople(seconds)).toBe(expected));
