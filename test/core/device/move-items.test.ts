import { AssertionError } from "../../../lib/config/python-errors";
import { moveItemsToDevice } from "../../../lib/core/device/move-items";
import { full } from "../../../lib/torch";

const x = full([1], 1);

test.each([
  ["a tensor", x, x],
  ["a list of one", [x], x],
  ["null", null, null],
  ["a list with null", [null], null],
])("%s", (_, item, expected) => expect(moveItemsToDevice("cpu", { x: item }).x).toBe(expected));

test("a batch of several, without what is about it", () =>
  expect(moveItemsToDevice("cpu", { x, list: [x], none: null, __meta_id: "1" })).toEqual({ x, list: x, none: null }));

test.each([
  ["an empty list", []],
  ["a list of two", [x, x]],
  ["a number", 1],
])("%s is refused", (_, item) => expect(() => moveItemsToDevice("cpu", { x: item } as never)).toThrow(AssertionError));
