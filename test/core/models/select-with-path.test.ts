import { selectWithPath } from "../../../lib/core/models/select-with-path";

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
