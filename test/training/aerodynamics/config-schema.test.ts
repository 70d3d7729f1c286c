import "../../../lib/data";
import "../../../lib/modeling";
import "../../../lib/training";
import "../../../lib/core";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeConfig, fromPlain, toPlain, toRelease11 } from "../../../lib/config";
import { lookupKind } from "../../../lib/config/registry";
import { configClassOf, dumpConfig } from "../../../lib/config/schema";
import { AeroMultistagePipeline } from "../../../lib/data";
import { loadRunConfig } from "../../../lib/training/runners";
import experiments from "../../config/compose/fixtures/experiments.json";

const configs = join(__dirname, "../../../examples/aerodynamics/configs");

describe("every experiment of the aerodynamics example is valid", () => {
  test.each(experiments.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const))(
    "%s",
    async (_title, { name, overrides }) => {
      const composed = composeConfig({ file: join(configs, `${name}.yaml`), overrides });
      const { config, schemaKind } = await loadRunConfig(composed);
      expect(schemaKind).toBe("tutorial.schemas.config_schema.TutorialConfigSchema");
      expect(config.trainer.forward_properties).toEqual(config.model.forward_properties);
      expect(lookupKind(config.model.kind).class).toBeDefined();
      for (const dataset of Object.values(config.datasets) as { pipeline: unknown }[])
        expect(new AeroMultistagePipeline(dataset.pipeline as never).collators.length).toBeGreaterThan(0);
    },
  );
});

/** The same configs with the files that release 1.1 had otherwise. */
describe("every experiment is the same in the form of release 1.1, also when it is written so, and of what changed there is a report", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "noether-configs-"));
    for (const form of [configs, join(__dirname, "1.1")]) cpSync(form, folder, { recursive: true, force: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = async (directory: string, { name, overrides }: (typeof experiments)[number]) => {
    const composed = composeConfig({
      file: join(directory, `${name}.yaml`),
      overrides: [...overrides, "++output_path=/tmp/out", "++master_port=1"],
    });
    const { config, changes = [] } = await loadRunConfig(composed);
    return {
      config: dumpConfig(config),
      changes,
      given: dumpConfig(config, { onlyGiven: true }),
      type: configClassOf(config)!,
    };
  };

  test.each(experiments.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const))(
    "%s",
    async (_title, entry) => {
      const [old, current] = [await load(folder, entry), await load(configs, entry)];
      expect(old.config).toEqual(current.config);
      expect(old.given).toEqual(current.given);
      expect(current.changes).toEqual([]);
      const written = {
        ...toRelease11(current.given, current.type).plain,
        config_schema_kind: "tutorial.schemas.TutorialConfigSchema",
      };
      const again = await loadRunConfig({ plain: toPlain(fromPlain(written)) as never, locate: () => undefined });
      expect(dumpConfig(again.config)).toEqual(current.config);
      const places = old.changes.map(({ path }) => path.replace(/^datasets\.\w+\./, ""));
      expect(new Set(places)).toEqual(new Set(oldKeys(entry)));
    },
  );

  /** The keys of an experiment that are those of release 1.1. */
  function oldKeys({ name, overrides }: (typeof experiments)[number]): string[] {
    const isShapeNet = name === "train_shapenet";
    const specs = ["surface_output_dims", "volume_output_dims"];
    if (isShapeNet) specs.push("surface_feature_dim", "volume_feature_dim");
    const model = overrides.join(" ").includes("ab_upt")
      ? ["num_surface_blocks", "num_volume_blocks", "physics_blocks"]
      : [];
    const slurm = "partition ntasks_per_node mem output nice job_name".split(" ");
    return [
      ...["data_specs", "model.data_specs", "pipeline.data_specs"].flatMap((place) =>
        specs.map((key) => `${place}.${key}`),
      ),
      ...model.map((key) => `model.${key}`),
      ...(isShapeNet ? slurm.map((key) => `slurm.${key}`) : []),
    ];
  }
});

test("a target that no loss is known for is refused, with its place", async () => {
  const file = join(configs, "train_shapenet.yaml");
  const composed = composeConfig({
    file,
    overrides: ["+experiment/shapenet=upt", "dataset_root=x", "trainer.target_properties=[surface_temperature_target]"],
  });
  await expect(loadRunConfig(composed)).rejects.toThrow(
    /override "trainer\.target_properties=.*trainer\.target_properties\.0: expected a target property among/,
  );
});
