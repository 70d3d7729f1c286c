import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { runSchema } from "../../lib/cli/run-schema";
import { schema } from "../../lib/cli/schema";
import { composeConfig } from "../../lib/config";
import experiments from "../config/compose/fixtures/experiments.json";
import { temporaryFolder } from "../support/temporary-folder";

const folder = temporaryFolder();
const root = join(__dirname, "../..");
const ajv = new Ajv({ allErrors: true });

async function schemaOf(kind: string | null): Promise<object> {
  const output = folder.at("schema.json");
  expect(await runSchema(kind, { list: false, output })).toBe(0);
  return JSON.parse(readFileSync(output, "utf8")) as object;
}
const problems = (of: object, value: unknown): string[] => {
  const validate = ajv.compile(of);
  void validate(value);
  return (validate.errors ?? []).map(
    ({ dataPath, message, params }) => `${dataPath} ${message} ${JSON.stringify(params)}`,
  );
};

test("it is a schema", async () => {
  const of = await schemaOf(null);
  expect(ajv.validateSchema(of)).toBe(true);
});

test.each(experiments.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const))(
  "the experiment %s is valid",
  async (_title, { name, overrides }) => {
    const file = join(root, "examples/aerodynamics/configs", `${name}.yaml`);
    const { plain } = composeConfig({ file, overrides });
    expect(problems(await schemaOf(plain["config_schema_kind"] as string), plain)).toEqual([]);
  },
);

test.each(["airfoil/train.yaml", "airfoil/train_full.yaml", "bluff-body/train.yaml", "heatsink/train.yaml"])(
  "the example %s is valid as it is written",
  async (file) => {
    const config: unknown = parse(readFileSync(join(root, "examples", file), "utf8"), { merge: true });
    expect(problems(await schemaOf(null), config)).toEqual([]);
  },
);

test.each([
  ["a misspelt key", { trainer: { kind: "noether.training.trainers.WeightedLossTrainer", max_epoch: 3 } }, /max_epoch/],
  ["a wrong type", { seed: "one" }, /seed/],
  ["a value that is none of those", { accelerator: "tpu" }, /accelerator/],
  [
    "a key of another callback",
    {
      trainer: { callbacks: [{ kind: "noether.core.callbacks.CheckpointCallback", every_n_epochs: 1, tolerance: 3 }] },
    },
    /tolerance/,
  ],
])("%s is found", async (_, config, message) => {
  const { trainer } = config as { trainer?: { callbacks?: unknown } };
  const of = await schemaOf(null);
  const kind = "noether.training.trainers.WeightedLossTrainer";
  const given = trainer?.callbacks === undefined ? config : { trainer: { kind, ...trainer } };
  expect(problems(of, given).join("\n")).toMatch(message);
});

test("of one kind: its keys, bounds and defaults; interpolations stand for anything", async () => {
  const of = await schemaOf("noether.core.callbacks.CheckpointCallback");
  expect(problems(of, parse("{ every_n_epochs: 1, keep_last: 2, save_optim: yes, every_n_updates: null }"))).toEqual(
    [],
  );
  expect(problems(of, { every_n_epochs: "${every}", keep_last: "${n}" })).toEqual([]);
  expect(problems(of, { keep_last: 0 }).length).toBeGreaterThan(0);
  expect(JSON.stringify(of)).toContain('"default":true');
  // the comment above the field
  expect(JSON.stringify(of)).toContain('"description":"Every nth stays."');
});

test("an unknown kind and a wrong option are bad usage", async () => {
  await expect(runSchema("noether.core.callbacks.CheckpointCalback", { list: false, output: null })).rejects.toThrow(
    /did you mean "noether\.core\.callbacks\.CheckpointCallback"/,
  );
  await expect(schema(["--outptu", "x"])).rejects.toThrow(/did you mean --output/);
  expect(existsSync(folder.at("schema.json"))).toBe(false);
});
