import { Bidict } from "../../../lib/core/optimizer/bidict";

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
