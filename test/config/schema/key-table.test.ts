import { RUN_KEYS, SLURM_KEYS, TRAINER_KEYS } from "../../../lib/cli/config-keys.generated";
import {
  bool,
  defineConfig,
  float,
  int,
  keyTable,
  list,
  literal,
  mapping,
  oneOf,
  optional,
  str,
} from "../../../lib/config/schema";
import { CheckpointCallbackConfig } from "../../../lib/core/callbacks/checkpoint/checkpoint";
import { BaseTrainerConfig } from "../../../lib/training/trainers/base-trainer-config";
import { ConfigSchema } from "../../../lib/training/runners/config-schema";
import { SlurmConfig } from "../../../lib/training/runners/slurm-config";

test("each key with what stands for its value, and its default or that it is required", () => {
  const Inner = defineConfig("KeyTableInner", { fields: { a: int() } });
  const Config = defineConfig("KeyTableConfig", {
    fields: {
      kind: str(),
      mode: literal("fast", "slow").default("fast"),
      factor: optional(float()),
      count: oneOf(int(), str()).default(1),
      on: bool().default(true),
      names: list(str()).default(() => []),
      numbers: mapping(int()),
      inner: Inner,
    },
  });
  expect(keyTable(Config)).toEqual([
    { key: "kind", value: "TEXT", does: "Class to build, by its name (required)" },
    { key: "mode", value: "fast|slow", does: "(default: fast)" },
    { key: "factor", value: "NUMBER", does: "" },
    { key: "count", value: "N|TEXT", does: "(default: 1)" },
    { key: "on", value: "true|false", does: "(default: true)" },
    { key: "names", value: "LIST", does: "" },
    { key: "numbers", value: "MAPPING", does: "(required)" },
    { key: "inner", value: "MAPPING", does: "(required)" },
  ]);
});

test("the comments of fields, also of those that a class inherits", () => {
  const rows = Object.fromEntries(keyTable(CheckpointCallbackConfig).map(({ key, does }) => [key, does]));
  expect(rows["keep_every"]).toBe("Every nth stays");
  expect(rows["id"]).toBe("Key of a stateful callback's state in checkpoints; tells several of one class apart");
});

test("the help of commands lists the keys that configs have", () => {
  expect(RUN_KEYS.map(({ key }) => key)).toEqual(Object.keys(ConfigSchema.fields));
  expect(TRAINER_KEYS.map(({ key }) => key)).toEqual(Object.keys(BaseTrainerConfig.fields));
  expect(SLURM_KEYS).toEqual(keyTable(SlurmConfig));
  expect([...RUN_KEYS, ...TRAINER_KEYS, ...SLURM_KEYS].filter(({ does }) => !/\w{3}/.test(does))).toEqual([]);
});
