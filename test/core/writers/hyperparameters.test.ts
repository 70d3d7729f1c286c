import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Logger } from "../../../lib/core/logging";
import { Hyperparameters } from "../../../lib/core/writers";
import { readYaml, toPlain } from "../../../lib/config";
import {
  any,
  defineConfig,
  float,
  int,
  list,
  literal,
  mapping,
  optional,
  set,
  shared,
  str,
  tuple,
} from "../../../lib/config/schema";

const Inner = defineConfig("Inner", { fields: { width: float().default(1), hidden_dim: int() } });
const Root = defineConfig("Root", {
  fields: {
    kind: literal("x.Root").default("x.Root"),
    rate: float(),
    steps: int().default(5),
    note: optional(str()),
    inner: shared(Inner),
    hidden_dim: int(),
    pair: tuple(float(), int()),
    names: set(str()),
    numbers: optional(list(float())),
    table: mapping(float()),
    free: optional(any()),
  },
});

describe("hp_resolved.yaml", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-hp-"))));
  afterEach(() => rmSync(root, { recursive: true }));

  const config = () =>
    Root.create({
      hidden_dim: 8,
      names: ["b", "a"],
      rate: 5e-5,
      inner: {},
      pair: [1, 2],
      table: { x: 3 },
      note: "12:00:00",
      free: [{ a: 1.5 }, { def: 1, abc: 2 }],
    });

  test("given keys in schema order, floats with a dot, sequences for tuples and sets, the schema's kind last", () => {
    Hyperparameters.saveResolved(config(), join(root, "hp.yaml"), "my.Root");
    expect(readFileSync(join(root, "hp.yaml"), "utf8")).toBe(
      [
        "kind: x.Root",
        "rate: 5.0e-05",
        "note: '12:00:00'",
        "inner:",
        "  hidden_dim: 8",
        "hidden_dim: 8",
        "pair:",
        "- 1.0",
        "- 2",
        "names:",
        "- b",
        "- a",
        "table:",
        "  x: 3.0",
        "free:",
        "- a: 1.5",
        "- def: 1",
        "  abc: 2",
        "config_schema_kind: my.Root",
        "",
      ].join("\n"),
    );
  });

  test("the log says where they are", () => {
    const info = jest.spyOn(Logger.prototype, "debug").mockImplementation(() => undefined);
    Hyperparameters.saveResolved(config(), join(root, "hp.yaml"));
    expect(info.mock.calls.join()).toContain(`Dumped resolved hyperparameters to ${join(root, "hp.yaml")}`);
    info.mockRestore();
  });

  test("reads back to an equal config", () => {
    Hyperparameters.saveResolved(config(), join(root, "hp.yaml"));
    const read = toPlain(readYaml(readFileSync(join(root, "hp.yaml"), "utf8"), "hp.yaml"));
    expect(Root.parse(read)).toEqual(config());
  });

  test("fields that were assigned later are written", () => {
    const assigned = config();
    assigned.steps = 7;
    Hyperparameters.saveResolved(assigned, join(root, "hp.yaml"));
    expect(readFileSync(join(root, "hp.yaml"), "utf8")).toContain("steps: 7\n");
  });

  test("has the keys of release 1.1 on request; the request itself is not written", () => {
    const Specs = defineConfig("Specs", { fields: { position_dim: int(), domains: mapping(any()) } });
    const Model = defineConfig("Model", { fields: { data_specs: Specs, rate: float() } });
    const Run = defineConfig("Run", { fields: { model: Model, trainer: any() } });
    const run = Run.create({
      model: { data_specs: { position_dim: 3, domains: { surface: { output_dims: { p: 1 } } } }, rate: 1 },
      trainer: { checkpoint_format: "1.1", capture: true, max_epochs: 1 },
    });
    const written = (format?: "1.1") => {
      Hyperparameters.saveResolved(run, join(root, "hp.yaml"), "my.Root", format);
      return readFileSync(join(root, "hp.yaml"), "utf8");
    };
    expect(written("1.1")).toBe(
      "model:\n  data_specs:\n    position_dim: 3\n    surface_output_dims:\n      p: 1\n  rate: 1.0\n" +
        "trainer:\n  max_epochs: 1\nconfig_schema_kind: my.Root\n",
    );
    expect(written()).toMatch(/domains:[\s\S]*trainer:\n {2}max_epochs: 1\nconfig_schema_kind/);
  });

  test("tags of the Python framework are read", () => {
    const text = "a: !!python/tuple\n- 1\n- 2\nb: !!set\n  x: null\n  y: null\n";
    expect(toPlain(readYaml(text, "hp.yaml"))).toEqual({ a: [1, 2], b: ["x", "y"] });
  });
});
