/** The generated files belong to the addon's schemas; `npm run generate` brings them up to date. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "../../scripts/generate-operators";
import type { PythonSurface } from "../../scripts/operators/surface";
import { camelCase, parseSchema } from "../../lib/torch/schema";
import { loadNative } from "../../lib/torch/loader";
import * as torch from "../../lib/torch";

const root = join(__dirname, "..", "..");
const surface = JSON.parse(readFileSync(join(root, "scripts", "python-surface.json"), "utf8")) as PythonSurface;
const schemas = loadNative()
  .schemas()
  .map(({ schema }) => schema)
  .sort();

// Other versions of libtorch have other operators; the files are made with the one that Python's surface was read from.
const sameVersion = torch.versions().torch.startsWith(surface.torch.split(".").slice(0, 2).join("."));

(sameVersion ? test.each : test.skip.each)([...generate(surface, schemas)])("%s is up to date", (path, content) => {
  expect(readFileSync(join(root, path), "utf8") === content).toBe(true);
});

test("every operator that Python exposes is there, as a function and as a method", () => {
  const names = new Set(schemas.map((text) => parseSchema(text).name));
  const missing = (list: readonly string[], holder: object, strip = ""): string[] =>
    list.filter(
      (name) =>
        names.has(`aten::${name}`) && !(camelCase(name.startsWith(strip) ? name.slice(strip.length) : name) in holder),
    );
  expect(missing(surface.functions, torch)).toEqual(
    ["is_grad_enabled", "is_inference_mode_enabled"].filter((name) => names.has(`aten::${name}`)),
  );
  expect(missing(surface.nn, torch)).toEqual([]);
  expect(missing(surface.linalg, torch.linalg, "linalg_")).toEqual([]);
  expect(missing(surface.fft, torch.fft, "fft_")).toEqual([]);
  expect(missing(surface.special, torch.special, "special_")).toEqual([]);
  // It takes a quantization scheme, which JavaScript has no values for.
  expect(missing(surface.methods, torch.Tensor.prototype)).toEqual(["qscheme"]);
});

test("every generated function resolves its operators", () => {
  const unknown = schemas
    .filter((text) => text.startsWith("aten::"))
    .filter((text) => {
      const { name, overload } = parseSchema(text);
      return loadNative().operator(name, overload) < 0;
    });
  expect(unknown).toEqual([]);
});

describe("parseSchema", () => {
  test("reads names, kinds, defaults and aliases", () => {
    const schema = parseSchema(
      "aten::conv.a(Tensor(a!) self, Tensor? bias=None, SymInt[2] stride=[1, 1], *, str mode='a,b', Tensor(b!)[] out) -> (Tensor(a!) x, int[] y)",
    );
    expect([schema.name, schema.overload]).toEqual(["aten::conv", "a"]);
    expect(schema.arguments).toMatchObject([
      { name: "self", type: "Tensor", mutable: true, hasDefault: false, kwargOnly: false },
      { name: "bias", type: "Tensor", optional: true, default: "None" },
      { name: "stride", type: "int", list: true, size: 2, default: "[1, 1]" },
      { name: "mode", type: "str", kwargOnly: true, default: "'a,b'" },
      { name: "out", type: "Tensor", list: true, mutable: true, kwargOnly: true, hasDefault: false },
    ]);
    expect(schema.returns).toMatchObject([
      { name: "x", type: "Tensor", mutable: true },
      { name: "y", type: "int", list: true },
    ]);
  });

  test("names in camelCase keep underscores at either end", () => {
    expect(["index_select", "add_", "_foreach_add_", "conv2d", "l1_loss", "__and__"].map(camelCase)).toEqual([
      "indexSelect",
      "add_",
      "_foreachAdd_",
      "conv2d",
      "l1Loss",
      "__and__",
    ]);
  });

  test("refuses other text", () => {
    expect(() => parseSchema("add")).toThrow("internal: expected an operator schema");
  });
});
