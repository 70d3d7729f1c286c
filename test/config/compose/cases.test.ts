/** Inputs that were read otherwise once, against Hydra, OmegaConf and PyYAML (fixtures/generate_cases.py). */
import { join } from "node:path";
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

describe("the jobs of a sweep", () => {
  const expand = (text: string): unknown =>
    expandSweeps({ overrides: [text], searchPath: [], action: "multirun", resolve: false }).map(([job]) => job);
  test.each(Object.entries(reference.sweeps))("%s", (text, expected: Expected) => {
    check(expected, () => expand(text));
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
    expect(() => readYaml("[".repeat(5000) + "]".repeat(5000), "a.yaml")).toThrow(/nested at most 1000 deep/);
  });

  test("a hundred thousand keys are read", () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `key${i}: ${i}`).join("\n");
    const node = readYaml(text, "a.yaml");
    expect(node.type === "map" && node.entries.size).toBe(100_000);
  });
});
