import { parseOverride } from "../../../lib/config/overrides/override";
import { valueNode } from "../../../lib/config/overrides/apply-overrides";
import { sweepValues } from "../../../lib/config/overrides/functions";
import { isSweepValue, type Sweep, type ValueTree } from "../../../lib/config/overrides/override-value";
import { Float, type Node } from "../../../lib/config/yaml/nodes";
import { resolvePlainScalar, yamlFloat } from "../../../lib/config/yaml/scalars";
import { pyFloatRepr } from "../../../lib/config/python-format";
import { readYaml } from "../../../lib/config/yaml/reader";
import { writeYaml } from "../../../lib/config/yaml/writer";
import reference from "./fixtures/reference.json";
import { mark, markNode } from "./mark";

/** Texts that Hydra refuses and we read: nothing else could be meant. */
const MORE_LENIENT = new Set<string>(["a=b=c", "a=json_str([1,2])", "a=json_str({a:1})"]);

describe("scalars of config files are read as OmegaConf reads them", () => {
  test.each(Object.entries(reference.scalars))("%s", (text, expected) => {
    expect({ value: mark(resolvePlainScalar(text)) }).toEqual(expected);
  });
});

describe("documents are read as OmegaConf reads them", () => {
  test.each(Object.entries(reference.documents))(
    "%s",
    (_name, expected: { text: string; value?: unknown; error?: string }) => {
      const read = () => markNode(readYaml(expected.text, "a.yaml"));
      if (expected.error) expect(read).toThrow("a.yaml:");
      // a root of null is an empty mapping
      else expect(read()).toEqual(expected.value ?? {});
    },
  );
});

describe("overrides are parsed as Hydra parses them", () => {
  const types = { change: "CHANGE", add: "ADD", force: "FORCE_ADD", delete: "DEL" } as const;
  /** Our classes have Hydra's names, but for the glob. */
  const markValue = (value: ValueTree | undefined): unknown =>
    isSweepValue(value)
      ? { sweep: value.constructor.name.replace("GlobSweep", "Glob") }
      : markNode(valueNode(value, "a"));

  test.each(Object.entries(reference.overrides))("%s", (text, expected: { value?: unknown; error?: string }) => {
    if (MORE_LENIENT.has(text)) return;
    if (expected.error) {
      expect(() => parseOverride(text)).toThrow(/^override ".*": expected/s);
      return;
    }
    const { type, key, package: pkg, value } = parseOverride(text);
    expect({ type: types[type], key, package: pkg ?? null, value: markValue(value) }).toEqual(expected.value);
  });

  test.each([
    ["a=range(3)", [0, 1, 2]],
    ["a=range(0,10,3)", [0, 3, 6, 9]],
    ["a=sort(3,1,2)", [1, 2, 3]],
    ["a=choice(x,'1')", ["x", "1"]],
  ])("%s lists its values", (text, values) => {
    expect(sweepValues(parseOverride(text).value as Sweep)).toEqual(values);
  });
});

describe("YAML is written as PyYAML writes it", () => {
  test.each(Object.entries(reference.floats))("%s", (repr, expected) => {
    const value = repr === "inf" ? Infinity : Number(repr);
    expect([pyFloatRepr(value), yamlFloat(value)]).toEqual([repr, expected]);
  });

  test.each(reference.strings.map((text) => [text]))("the string %p reads back the same", (text) => {
    const read = readYaml(writeYaml({ key: text, list: [text] }), "a.yaml") as Node & { type: "map" };
    expect(markNode(read)).toEqual({ key: text, list: [text] });
  });

  test("block style, lists at their key's indentation", () => {
    expect(writeYaml({ a: 1, b: [1, { c: new Float(1), d: [] }, ["x"]], e: {}, f: null, g: { h: true } })).toBe(
      "a: 1\nb:\n- 1\n- c: 1.0\n  d: []\n- - x\ne: {}\nf: null\ng:\n  h: true\n",
    );
  });
});
