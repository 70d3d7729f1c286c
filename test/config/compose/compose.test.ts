import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { composeConfig } from "../../../lib/config";
import { Interpolator } from "../../../lib/config/interpolation/interpolation";
import { readYaml } from "../../../lib/config/yaml/reader";
import { ConfigError } from "../../../lib/config/errors";
import experiments from "./fixtures/experiments.json";
import reference from "./fixtures/reference.json";
import { markNode } from "./mark";

const fixtures = join(__dirname, "fixtures");

/** Paths that lead through an interpolation: Hydra refuses them, here they change the target. */
const THROUGH_INTERPOLATION = new Set(["alias.depth=11", "trainer_callbacks.1.every=7"]);

describe("composition gives what Hydra gives", () => {
  test.each(reference.compose.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const))(
    "%s",
    (_title, entry) => {
      if (entry.overrides.some((override) => THROUGH_INTERPOLATION.has(override))) return;
      const run = () =>
        markNode(
          composeConfig({ file: join(fixtures, entry.dir, `${entry.name}.yaml`), overrides: entry.overrides }).tree,
        );
      if (entry.error) {
        expect(run).toThrow(ConfigError);
        return;
      }
      const value = run() as Record<string, unknown>;
      expect(value).toEqual(entry.value);
      expect(Object.keys(value)).toEqual(Object.keys(entry.value!));
    },
  );
});

describe("the experiments of the aerodynamics example compose as with Hydra", () => {
  const configs = join(__dirname, "../../../examples/aerodynamics/configs");
  test.each(experiments.map((entry) => [entry.overrides.join(" "), entry] as const))("%s", (_title, entry) => {
    const { tree } = composeConfig({ file: join(configs, `${entry.name}.yaml`), overrides: entry.overrides });
    const value = markNode(tree) as { datasets: Record<string, unknown> };
    // the others differ in their split only
    expect({ ...value, datasets: { train: value.datasets["train"] } }).toEqual(entry.value);
  });
});

describe("interpolation gives what OmegaConf gives", () => {
  test.each(Object.entries(reference.interpolations))(
    "%s",
    (_name, expected: { text: string; value?: object; error?: string }) => {
      const run = () => new Interpolator(readYaml(expected.text, "a.yaml")).resolveAll();
      if (expected.error) expect(run).toThrow(/^a\.yaml:\d+: /);
      else expect(markNode(run())).toMatchObject(expected.value!);
    },
  );
});

describe("in a directory of its own", () => {
  test("a config file may end with .yml; an option of a group has to be renamed", () => {
    const file = join(root, "main.yml");
    writeFileSync(file, "x: 1\n");
    expect(markNode(composeConfig({ file, overrides: ["x=2"] }).tree)).toEqual({ x: 2 });
    mkdirSync(join(root, "group"));
    writeFileSync(join(root, "group/option.yml"), "y: 1\n");
    expect(() => composeConfig({ file, overrides: ["+group=option"] })).toThrow(
      /there is option\.yml: name it option\.yaml/,
    );
  });

  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-config-"))));
  afterEach(() => rmSync(root, { recursive: true }));
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    return join(root, name);
  };

  test("a path through an interpolation changes its target", () => {
    const file = write("a.yaml", "optimizer: {lr: 1.0}\nmodel: {optimizer_config: '${optimizer}'}\n");
    expect(composeConfig({ file, overrides: ["model.optimizer_config.lr=1e-4"] }).plain).toEqual({
      optimizer: { lr: 1e-4 },
      model: { optimizer_config: { lr: 1e-4 } },
    });
  });

  test("every reference becomes an independent copy", () => {
    const { plain } = composeConfig({ file: write("a.yaml", "a: {x: [1]}\nb: ${a}\nc: ${a}\n") });
    expect(plain["b"]).toEqual(plain["c"]);
    expect(plain["b"]).not.toBe(plain["c"]);
  });

  test("the place of a key is known: in files, through references, in overrides", () => {
    const file = write("a.yaml", "defaults:\n  - model: m\n  - _self_\nlr: 1\nopt: ${model.deep}\n");
    const model = write("model/m.yaml", "deep:\n  x: 1\n  y: 2\n");
    const { locate } = composeConfig({ file, overrides: ["lr=2"] });
    expect(locate(["opt"])).toMatchObject({ file, line: 5 });
    expect(locate(["opt", "y"])).toMatchObject({ file: model, line: 3 });
    expect(locate(["lr"])).toEqual({ file: 'override "lr=2"' });
  });

  test("no file: every key needs a plus", () => {
    expect(composeConfig({ overrides: ["+input_dir=outputs", "+a.b=1"] }).plain).toEqual({
      input_dir: "outputs",
      a: { b: 1 },
    });
    expect(() => composeConfig({ overrides: ["input_dir=outputs"] })).toThrow("write +input_dir=outputs to add it");
  });

  test("settings of Hydra itself that change nothing are accepted, as are those of upstream's commands", () => {
    const overrides = ["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=disabled"];
    const text = "defaults:\n  - override hydra/hydra_logging: none\n  - _self_\nhydra:\n  run: {dir: out}\nx: 1\n";
    expect(composeConfig({ file: write("a.yaml", text), overrides }).plain).toEqual({ x: 1 });
  });

  test.each([
    ["hydra.sweep.dir=x", /hydra\.sweep\.dir: expected no settings of Hydra.*output_path says where runs go/],
    ["hydra.run.dir=out", /output_path/],
    ["+hydra.x=1", /expected no settings of Hydra/],
    ["hydra/launcher=joblib", /expected no settings of Hydra/],
  ])("%s is refused: it would change nothing", (override, message) => {
    expect(() => composeConfig({ file: write("a.yaml", "x: 1\n"), overrides: [override] })).toThrow(message);
  });

  test.each([
    ["a: [1\n", [], /a\.yaml:\d+: not valid YAML/],
    ["a: 1\nb: 2\na: 3\n", [], /a\.yaml:3: the same key is given twice/],
    [
      "max_epochs: 1\n",
      ["max_epoch=2"],
      /^override "max_epoch=2": max_epoch: the config has no key "max_epoch"; did you mean "max_epochs"\?; write \+max_epoch=2/,
    ],
    ["a: 1\n", ["+a=2"], /expected a new key, but it exists already/],
    ["a: 1\n", ["a=1,2"], /expected one value; with --multirun several values \(a,b\) run one job each/],
    ["a: 1\n", ["a"], /^override "a": expected key=value/],
    [
      "x: ${lrr}\nlr: 1\n",
      [],
      /a\.yaml:1: "\$\{lrr\}" refers to the key "lrr", which is not in the root; did you mean "lr"\?/,
    ],
    ["x: ${y}\ny: ${x}\n", [], /a\.yaml:1: interpolations refer to each other in a circle/],
    ["x: ${y}\ny: ???\n", [], /a\.yaml:1: expected a value at "y", which "\$\{y\}" refers to, but it is still \?\?\?/],
    ["x: ${oc.en:HOME}\n", [], /a\.yaml:1: unknown resolver "oc.en".*did you mean "oc.env"/],
    [
      "defaults: [{model: ???}]\n",
      [],
      /a\.yaml:1: expected a choice for the group "model": add model=<option>, one of "large", "small"/,
    ],
    [
      "defaults:\n  - model: smal\n",
      [],
      /a\.yaml:2: expected the config file model\/smal\.yaml below .*; did you mean "small"\?/,
    ],
    [
      "defaults:\n  - modle: small\n",
      [],
      /a\.yaml:2: expected the config file .*there is no group "modle"; did you mean "model"\?/,
    ],
    [
      "defaults: [{model: small}]\n",
      ["model=lrge"],
      /^override "model=lrge": expected the config file model\/lrge\.yaml .*did you mean "large"/,
    ],
  ])("%j with %j: one clear error", (text, overrides, message) => {
    write("model/small.yaml", "x: 1\n");
    write("model/large.yaml", "x: 1\n");
    expect(() => composeConfig({ file: write("a.yaml", text), overrides })).toThrow(message);
  });

  test("a missing primary file lists its neighbours", () => {
    write("train_wing.yaml", "a: 1\n");
    expect(() => composeConfig({ file: join(root, "train_wings.yaml") })).toThrow(
      /expected the config file train_wings\.yaml .*did you mean "train_wing"\?/,
    );
  });
});
