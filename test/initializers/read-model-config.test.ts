import "../../lib/modeling";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Factory } from "../../lib/config/factory/factory";
import { register } from "../../lib/config/registry";
import { float } from "../../lib/config/schema";
import { ModelBase, ModelBaseConfig } from "../../lib/core/models";
import { readModelConfig } from "../../lib/initializers";
import { Float, save } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const file = (content: unknown, name = "model.th") => {
  const path = join(folder.path, name);
  save(content, path);
  return path;
};

/** Written by release 1.1 of the Python framework. */
const OLD = join(__dirname, "../golden/training/run/2026-01-01_abcde/train/checkpoints/ab_upt_cp=latest_model.th");

test("the model of a file of release 1.1 can be built from what the file says", async () => {
  const { config } = await readModelConfig(OLD);
  expect(config).toMatchObject({ kind: "tutorial.model.ABUPT", name: "ab_upt", optimizer_config: { lr: 0.001 } });
  expect(new Factory().instantiate(config)).toBeInstanceOf(ModelBase);
});

test("old keys are read as new ones, with a report that names the file", async () => {
  register("test.read.Model", {
    schema: ModelBaseConfig.extend("ReadModelConfig", { fields: { transformer_block_config: float() } }),
  });
  const model_config = {
    kind: "test.read.Model",
    name: "m",
    transformer_block_config: new Float(1),
    attention_constructor: "transolver",
  };
  const { config, changes } = await readModelConfig(file({ state_dict: {}, model_config }));
  expect(config).toMatchObject({ transformer_block_config: 1 });
  expect(changes).toEqual([
    expect.objectContaining({ path: "attention_constructor", location: { file: join(folder.path, "model.th") } }),
  ]);
});

test("a file without a config, a kind that nobody knows, and keys that are wrong are errors", async () => {
  await expect(readModelConfig(file({ state_dict: {} }))).rejects.toThrow(/does not say what its model was built with/);
  const unknown = { kind: "no.such.Model", name: "m" };
  await expect(readModelConfig(file({ model_config: unknown }))).rejects.toThrow(/model\.th: kind: unknown kind "no/);
  const wrong = { ...unknown, kind: "test.read.Model", transformer_block_config: "x", extra: 1 };
  await expect(readModelConfig(file({ model_config: wrong }))).rejects.toThrow(/the config has 2 problems/);
  writeFileSync(join(folder.path, "bad.th"), "x");
  await expect(readModelConfig(join(folder.path, "bad.th"))).rejects.toThrow("bad.th");
});
