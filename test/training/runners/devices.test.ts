import { parseDevices, runDevice } from "../../../lib/training/runners";

describe("devices", () => {
  test.each([
    ["0", [0]],
    ["0,1", [0, 1]],
    ["3,2,1", [3, 2, 1]],
    ["0, 1", [0, 1]],
    ["0,", [0]],
    ["", []],
  ])("%p", (text, expected) => expect(parseDevices("gpu", text)).toEqual(expected));
  test.each([["a"], ["1.0"], ["[0,1]"], ["0,,1"]])("%p is refused", (text) => {
    expect(() => parseDevices("gpu", text)).toThrow(/devices: expected device indices/);
  });
  test("one CPU; several devices are not possible yet; mps neither", () => {
    expect(runDevice("cpu", null)).toBe("cpu");
    expect(() => runDevice("cpu", "0,1")).toThrow(/expected one device/);
    expect(() => runDevice("cpu", "")).toThrow(/expected at least one device/);
    expect(() => runDevice("mps", null)).toThrow(/no Metal backend/);
  });
});
