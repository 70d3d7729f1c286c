/** Inputs that were read otherwise once, against Hydra, OmegaConf and PyYAML (fixtures/generate_cases.py). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { composeConfig, mapNode, readYaml, scalarNode } from "../../../lib/config";
import { expandSweeps } from "../../../lib/cli/multirun";
import { ConfigError } from "../../../lib/config/errors";
import { Interpolator } from "../../../lib/config/interpolation/interpolation";
import { markNodeExactly } from "../../support/mark-exactly";
import reference from "./fixtures/cases.json";

interface Expected {
  readonly value?: unknown;
  readonly error?: boolean;
}

function check(expected: Expected, run: () => unknown): void {
  if (expected.error) expect(run).toThrow(ConfigError);
  else expect(run()).toEqual(expected.value);
}

describe("YAML", () => {
  test.each(Object.entries(reference.yaml))("%s", (_, entry) => {
    check(entry, () => markNodeExactly(readYaml(entry.text, "a.yaml")));
  });
});

describe("composition", () => {
  const environment = { ...process.env };
  beforeAll(() => {
    Object.assign(process.env, { HB_X: "val", HB_N: "012" });
    delete process.env["HB_Y"];
  });
  afterAll(() => {
    process.env = environment;
  });
  const cases = reference.compositions.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const);
  test.each(cases)("%s", (_, { name, overrides, ...expected }) => {
    const file = join(__dirname, "fixtures/cases", name, "config.yaml");
    check(expected, () => markNodeExactly(composeConfig({ file, overrides }).tree));
  });

  test("a circle of files is named", () => {
    const file = join(__dirname, "fixtures/cases/recursive2/config.yaml");
    expect(() => composeConfig({ file })).toThrow("include one another in a circle: c → b → c");
  });

  test("hints do not name the key itself", () => {
    const at = (name: string): string => join(__dirname, "fixtures/cases", name, "config.yaml");
    expect(() => composeConfig({ file: at("key_under_null"), overrides: ["l.a=1"] })).toThrow(
      '"l" is null, so it has no key "a"; write +l.a=1 to make it a mapping',
    );
    expect(() => composeConfig({ file: at("delete_group_wrong"), overrides: ["~opt=sgd"] })).toThrow(
      'cannot drop "opt=sgd": the choice of this group is "adam"',
    );
  });
});

describe("messages say what came, and hint at something else or at nothing", () => {
  const messageOf = (text: string, ...overrides: string[]): string => {
    const file = join(mkdtempSync(join(tmpdir(), "noether-")), "a.yaml");
    writeFileSync(file, text);
    try {
      composeConfig({ file, overrides });
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    } finally {
      rmSync(dirname(file), { recursive: true });
    }
    throw new Error("expected an error");
  };

  test.each([
    ["a: ${c.d}\nc: 5", '"${c.d}" refers to the key "d" of "c", which is a single value and has no keys'],
    ["a: ${c.d}\nc: text", 'of "c", which is a single value and has no keys'],
    ["a: ${c.d}\nc: null", 'of "c", which is null and has no keys'],
    ["a: ${c.d}\nc: {}", 'refers to the key "d", which is not in "c"'],
    ["a: ${c.c}\nc: {d: 1}", 'which is not in "c"; known: "d"'],
    ["- a\n- b", "expected a mapping at the root of the config, received a list"],
    ["5", "expected a mapping or list at the root of the file, received the number 5"],
    ["defaults: text", 'expected a list for "defaults", received the string "text"'],
    ["defaults: {a: b}", 'expected a list for "defaults", received a mapping'],
    ["defaults: [5]", 'or "- _self_" in "defaults", received the number 5'],
    ["defaults: [{a: b, c: d}]", 'or "- _self_" in "defaults", received a mapping'],
    [
      "defaults: [m: 5]",
      'expected the name of an option or a list of names, received the number 5; write "5" with quotes',
    ],
    ["defaults: [m: {a: 1}]", "expected the name of an option or a list of names, received a mapping"],
  ])("%j", (text, message) => {
    const found = messageOf(text);
    expect(found).toContain(message);
    expect(found).not.toMatch(/; ?$/);
  });

  test.each([
    ["k.a=1", '"k" is a single value, so it has no key "a"; write +k.a=1 to make it a mapping'],
    ["list.a=1", 'expected an index below 1 of the list "list", received "a"'],
    ["list[0]=1", 'expected a dot before an index, as in "list.0"'],
    ["+k=3", "expected a new key, but it exists already; write k=3 to change it"],
    ["K=3", 'the config has no key "K"; did you mean "k"?; write +K=3 to add it'],
  ])("%s", (override, message) => {
    expect(messageOf("k: 5\nlist: [1]\nm: {v: 1}\n", override)).toContain(message);
  });
});

describe("the jobs of a sweep", () => {
  const expand = (text: string): unknown =>
    expandSweeps({ overrides: [text], searchPath: [], action: "multirun", resolve: false }).map(([job]) => job);
  test.each(Object.entries(reference.sweeps))("%s", (text, expected: Expected) => {
    check(expected, () => expand(text));
  });
});

describe("interpolations", () => {
  test.each(Object.entries(reference.interpolated))("%j", (text, expected: Expected) => {
    check(expected, () => markNodeExactly(new Interpolator(readYaml(text, "a.yaml")).resolveAll()));
  });
});

describe("oc.decode", () => {
  test.each(Object.entries(reference.decoded))("%j", (text, expected: Expected) => {
    const tree = mapNode([
      ["v", scalarNode("${oc.decode:${t}}")],
      ["t", scalarNode(text)],
    ]);
    check(expected, () => markNodeExactly((new Interpolator(tree).resolveAll() as typeof tree).entries.get("v")!));
  });
});

test("what PyYAML writes for an OrderedDict is a mapping, in both of its forms", () => {
  const tag = "!!python/object/apply:collections.OrderedDict";
  const text = `a: ${tag}\n- - - x\n    - 1\n  - - y\n    - {z: 2}\nb: ${tag}\n- []\n`;
  expect(markNodeExactly(readYaml(text, "a.yaml"))).toEqual({
    m: [
      [
        "a",
        {
          m: [
            ["x", { i: "1" }],
            ["y", { m: [["z", { i: "2" }]] }],
          ],
        },
      ],
      ["b", { m: [] }],
    ],
  });
});

describe("limits", () => {
  test("aliases that stand for very much are refused at once", () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`,
    );
    expect(() => readYaml(`l0: &l0 [x, x]\n${levels.join("\n")}`, "a.yaml")).toThrow(/a\.yaml:\d+: expected aliases/);
  });

  test("an alias inside itself", () => {
    expect(() => readYaml("a: &x [*x]", "a.yaml")).toThrow("the alias *x is inside what it refers to");
  });

  test("interpolations that stand for very much are refused at once", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: [${Array(9).fill(`'\${l${i}}'`).join(", ")}]`);
    expect(() => new Interpolator(readYaml(`l0: x\n${levels.join("\n")}`, "a.yaml")).resolveAll()).toThrow(
      /expected interpolations that stand for at most/,
    );
  });

  test("texts of interpolations, too", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: '${`\${l${i}}`.repeat(9)}'`);
    expect(() => new Interpolator(readYaml(`l0: x\n${levels.join("\n")}`, "a.yaml")).resolveAll()).toThrow(
      /expected interpolations that stand for at most/,
    );
  });

  test("nesting without end", () => {
    const block = Array.from({ length: 3000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
    for (const text of ["[".repeat(5000) + "]".repeat(5000), "{a: ".repeat(5000), "- ".repeat(5000), block]) {
      const error = /a\.yaml:\d+: expected lists and mappings nested at most 200 deep/;
      expect(() => readYaml(text, "a.yaml")).toThrow(error);
    }
    expect(readYaml("[".repeat(190) + "]".repeat(190), "a.yaml").type).toBe("list");
  });

  test("aliases in lists, merged mappings, and anchors by the thousand", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `- &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`);
    expect(() => readYaml(`- &l0 [x, x]\n${levels.join("\n")}`, "a.yaml")).toThrow(/a\.yaml:\d+: expected aliases/);
    const merged = Array.from(
      { length: 30 },
      (_, i) => `l${i + 1}: &l${i + 1} {<<: [${Array(9).fill(`*l${i}`).join(", ")}], k${i}: 1}`,
    );
    expect(readYaml(`l0: &l0 {a: 1}\n${merged.join("\n")}`, "a.yaml").type).toBe("map");
    const anchors = Array.from({ length: 20_000 }, (_, i) => `- &a${i} ${i}`);
    expect(readYaml(anchors.join("\n"), "a.yaml")).toMatchObject({ items: { length: 20_000 } });
  });

  test("overrides without end", () => {
    const deep = (text: string) => () => composeConfig({ overrides: [text] });
    const error = /^override ".{1,200}": .*at most 100/s;
    expect(deep(`+a=${"[".repeat(5000)}${"]".repeat(5000)}`)).toThrow(error);
    expect(deep(`+a=${"{b:".repeat(5000)}`)).toThrow(error);
    expect(deep(`+${Array(5000).fill("a").join(".")}=1`)).toThrow(error);
  });

  test("interpolations without end", () => {
    const chain = Array.from({ length: 2000 }, (_, i) => `k${i}: \${k${i + 1}}`);
    const resolve = (text: string) => () => new Interpolator(readYaml(text, "a.yaml")).resolveAll();
    expect(resolve(`${chain.join("\n")}\nk2000: 1`)).toThrow(
      /a\.yaml:300: expected interpolations .* at most 300 deep/,
    );
    expect(resolve(`a: '${"${".repeat(5000)}${"}".repeat(5000)}'`)).toThrow(/values nested at most 100 deep/);
    const back = chain.reverse().join("\n");
    expect(resolve(`k2000: 1\n${back}`)()).toMatchObject({ type: "map" });
  });

  test("a hundred thousand keys are read", () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `key${i}: ${i}`).join("\n");
    const node = readYaml(text, "a.yaml");
    expect(node.type === "map" && node.entries.size).toBe(100_000);
  });
});
