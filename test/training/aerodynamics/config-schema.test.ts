import "../../../lib/data";
import "../../../lib/modeling";
import "../../../lib/training";
import "../../../lib/core";
import { join } from "node:path";
import { composeConfig } from "../../../lib/config";
import { findKind, lookupKind, register } from "../../../lib/config/registry";
import { any, str } from "../../../lib/config/schema";
import { PeriodicDataIteratorCallbackConfig } from "../../../lib/core/callbacks/data-iterator";
import { StandardDatasetConfig } from "../../../lib/data/base/dataset-config";
import { loadRunConfig } from "../../../lib/training/runners";
import experiments from "../../config/compose/fixtures/experiments.json";

const configs = join(__dirname, "../../../examples/aerodynamics/configs");

/** Kinds that stand in until their classes are there: only their schemas matter here. */
function standIn(kind: string, schema: unknown): void {
  if (!findKind(kind)) register(kind, { schema: schema as never });
}

beforeAll(() => {
  for (const name of ["ShapeNetCar", "AhmedML", "DrivAerML", "DrivAerNet", "EmmiWing"])
    standIn(`noether.data.datasets.cfd.${name}Dataset`, StandardDatasetConfig);
  standIn(
    "tutorial.callbacks.SurfaceVolumeEvaluationMetricsCallback",
    PeriodicDataIteratorCallbackConfig.extend("SurfaceVolumeEvaluationMetricsCallbackConfig", {
      fields: {
        name: str(),
        forward_properties: any(),
        chunked_inference: any(),
        chunk_properties: any(),
        sample_size_property: any(),
        chunk_size: any(),
      },
    }),
  );
});

describe("every experiment of the aerodynamics example is valid", () => {
  test.each(experiments.map((entry) => [`${entry.name} ${entry.overrides.join(" ")}`, entry] as const))(
    "%s",
    async (_title, { name, overrides }) => {
      const composed = composeConfig({ file: join(configs, `${name}.yaml`), overrides });
      const { config, schemaKind } = await loadRunConfig(composed);
      expect(schemaKind).toBe("tutorial.schemas.config_schema.TutorialConfigSchema");
      expect(config.trainer.forward_properties).toEqual(config.model.forward_properties);
      expect(lookupKind(config.model.kind).class).toBeDefined();
    },
  );
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
