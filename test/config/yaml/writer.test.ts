/** What is written reads the same in Python: fixtures/writer.json holds what PyYAML and OmegaConf read. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { readYaml, writeYaml } from "../../../lib/config";
import { markExactly, markNodeExactly } from "../../support/mark-exactly";
import { python } from "../../support/python";
import { values } from "./fixtures/values";
import vectors from "./fixtures/writer.json";

const cases = Object.entries(vectors as Readonly<Record<string, { text: string; read: unknown }>>);

test("there are vectors for all values", () => {
  expect(cases.map(([name]) => name)).toEqual(Object.keys(values));
});

test.each(cases)("%s, read in Python", (name, { text, read }) => {
  expect(writeYaml(values[name])).toBe(text);
  expect(read).toEqual(markExactly(values[name]));
});

test.each(cases)("%s, read here", (name, { text }) => {
  expect(markNodeExactly(readYaml(text, "a.yaml"))).toEqual(markExactly(values[name]));
});

test("keys can be sorted, at every depth", () => {
  expect(writeYaml({ b: [{ d: 1, c: 2 }], a: new Map([["z", { q: 1, p: 2 }]]) }, { sortKeys: true })).toBe(
    "a:\n  z:\n    p: 2\n    q: 1\nb:\n- c: 2\n  d: 1\n",
  );
});

test.each([
  ["an object of the class Date", new Date(0)],
  ["an object of the class Set", new Set([1])],
  ["an object of the class Float32Array", new Float32Array(2)],
  ["an object of the class Float32Array", { a: [new Float32Array(2)] }],
  ["a function", () => 1],
  ["a symbol", { a: Symbol("a") }],
])("%s is refused", (kind, value) => {
  expect(() => writeYaml(value)).toThrow(new TypeError(`expected a YAML value, received ${kind}`));
});

test("a key that is no string is refused", () => {
  expect(() => writeYaml(new Map([[1, 2]]))).toThrow("expected a string as key of a mapping, received 1");
});

(python ? test : test.skip)("Python reads texts made by chance", () => {
  const alphabets = [
    "0123456789_.eE+-xXbBo:",
    "0123456789-: .TZ",
    "~nulyesofftrueNa",
    " :#-?,[]{}&*!|>'\"%@`=\\a\t\n",
    "aä空🛩\u0085\u2028\ufeff\u0000\r ",
  ];
  let seed = 1;
  const below = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  const texts = Array.from({ length: 5000 }, (_, i) => {
    const letters = [...alphabets[i % alphabets.length]!];
    return Array.from({ length: 1 + below(9) }, () => letters[below(letters.length)]).join("");
  });
  const all = { list: texts, keys: [...new Set(texts)].map((text) => ({ [text]: [text] })) };
  const program = "import json, sys, yaml\nprint(json.dumps(yaml.safe_load(sys.stdin.buffer.read())))";
  const read = execFileSync(python!, ["-c", program], {
    input: writeYaml(all),
    encoding: "utf8",
    cwd: join(__dirname),
  });
  expect(JSON.parse(read)).toEqual(all);
});
