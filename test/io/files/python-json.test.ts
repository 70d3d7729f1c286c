import { compareCodePoints, pythonJson } from "../../../lib/io/files/python-json";

// what json.dumps of Python 3.11 gives
test("indented, sorted, escaped", () => {
  const value = { "\u{1F600}": [], "\uffee": {}, b: '\u007f\né"\\/', a: [1, null, true] };
  expect(pythonJson(value, { indent: 2, sortKeys: true })).toBe(
    '{\n  "a": [\n    1,\n    null,\n    true\n  ],\n  "b": "\\u007f\\n\\u00e9\\"\\\\/",\n  "\\uffee": {},\n  "\\ud83d\\ude00": []\n}',
  );
});

test("one line, not escaped", () =>
  expect(pythonJson({ b: "é", a: [1, 2] }, { indent: null, ascii: false })).toBe('{"b": "é", "a": [1, 2]}'));

test("strings are compared by code point", () => {
  const names = ["\u{1F600}", "\uffee", "ab", "a", ""];
  expect(names.sort(compareCodePoints)).toEqual(["", "a", "ab", "\uffee", "\u{1F600}"]);
});
