import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  arrayToString,
  compactNumber,
  floatToScientificNotation,
  formatValue,
  durationForPeople,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "../../../lib/core/logging/formatters";
import { Bidict } from "../../../lib/core/optimizer/bidict";
import { pascalToSnake, registerTypeName, snakeTypeName } from "../../../lib/core/naming";
import { pyFloatRepr, toFixedHalfEven } from "../../../lib/config/python-format";
import { selectWithPath, validatePath } from "../../../lib/core/providers/select-path";
import { Stopwatch } from "../../../lib/core/logging/stopwatch";

/** Vectors of core-callbacks-trackers spec 15 and core-optim-schedules spec 3.7. */

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
  ["PascalCase", "pascal_case"],
  ["MyFunctionName", "my_function_name"],
  ["camelCase", "camel_case"],
  ["Simple", "simple"],
  ["Model123", "model123"],
  ["V2Model", "v2_model"],
  ["ID", "id"],
  ["JSON", "json"],
  ["HTTPClient", "http_client"],
  ["XMLParser", "xml_parser"],
  ["SSLLibrary", "ssl_library"],
  ["", ""],
])("%s in snake case is %s", (name, expected) => expect(pascalToSnake(name)).toBe(expected));

test("the module's spelling of a class name wins where they agree", () => {
  class KoLeoLoss {}
  class SuperMetric {}
  registerTypeName(KoLeoLoss, "KoLeoLoss", "losses.koleo_loss");
  registerTypeName(SuperMetric, "SuperMetric", "metrics");
  expect(snakeTypeName(new KoLeoLoss())).toBe("koleo_loss");
  expect(snakeTypeName(new SuperMetric())).toBe("super_metric");
});

describe("Stopwatch", () => {
  const clock =
    (...times: number[]) =>
    () =>
      times.shift() as number;

  test("start and stop", () => {
    const watch = new Stopwatch(clock(0, 5.5)).start();
    watch.stop();
    expect([watch.elapsedSeconds, watch.elapsedMilliseconds]).toEqual([5.5, 5500]);
  });

  test("laps", () => {
    const watch = new Stopwatch(clock(10, 12, 12, 15)).start();
    expect(watch.lap()).toBe(2);
    expect(watch.stop()).toBe(3);
    expect([watch.elapsedSeconds, watch.averageLapTime, watch.lapCount, watch.lastLapTime]).toEqual([5, 2.5, 2, 3]);
  });

  test("wrong order of calls", () => {
    expect(() => new Stopwatch().stop()).toThrow("can't stop a stopped stopwatch");
    expect(() => new Stopwatch().lap()).toThrow("lap requires stopwatch to be started");
    expect(() => new Stopwatch().start().start()).toThrow("can't start running stopwatch");
    expect(() => new Stopwatch().elapsedSeconds).toThrow("to have been started");
    expect(() => new Stopwatch().start().elapsedSeconds).toThrow("to be stopped");
  });
});

test("Bidict: overwriting a key or a value cleans both directions", () => {
  const map = new Bidict<number, string>([
    [1, "a"],
    [2, "b"],
  ]);
  map.set(1, "b");
  expect([...map.toForward()]).toEqual([[1, "b"]]);
  expect([...map.toBackward()]).toEqual([["b", 1]]);
  expect(() => map.getValueByKey(2)).toThrow("no value");
  expect(() => map.getKeyByValue("a")).toThrow("no key");
  map.toForward().clear();
  expect(map.getKeyByValue("b")).toBe(1);
});

describe("paths", () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("validatePath", () => {
    expect(validatePath(folder)).toBe(folder);
    expect(() => validatePath(join(folder, "x"))).toThrow("does not exist");
    expect(() => validatePath(folder, { exists: "must_not" })).toThrow("exists already");
    expect(() => validatePath(folder, { suffix: ".yaml" })).toThrow(".yaml");
    expect(validatePath(join(folder, "new"), { mkdir: true })).toBe(join(folder, "new"));
  });

  test("selectWithPath", () => {
    const object = { a: [{ b: 1 }], m: new Map([["k", 2]]) };
    expect(selectWithPath(object, null)).toBe(object);
    expect(selectWithPath(object, "")).toBe(object);
    expect(selectWithPath(object, "a.0.b")).toBe(1);
    expect(selectWithPath(object, "m.k")).toBe(2);
    expect(() => selectWithPath(object, "m.x")).toThrow("not in the map");
    expect(() => selectWithPath(object, "a.3")).toThrow("index");
    expect(() => selectWithPath(object, "x")).toThrow("attribute");
  });
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
