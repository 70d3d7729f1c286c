import { join } from "node:path";
import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { findKind, register, type KindClass } from "../../lib/config/registry";
import { HydraRunner } from "../../lib/training";
import { loadSafetensors, type Tensor } from "../../lib/torch";
import { AirfoilDataset } from "../../examples/airfoil/dataset";
import { AirfoilModel } from "../../examples/airfoil/model";
import { AirfoilPipeline } from "../../examples/airfoil/pipeline";
import { AirfoilTrainer } from "../../examples/airfoil/trainer";

const root = join(__dirname, "..", "..");

/** The command loads these files itself; here they come through jest, so that they share its modules. */
export function registerAirfoil(): void {
  const classes: Record<string, KindClass> = {
    dataset: AirfoilDataset,
    pipeline: AirfoilPipeline,
    model: AirfoilModel,
    trainer: AirfoilTrainer,
  };
  for (const [file, type] of Object.entries(classes)) {
    const kind = `./examples/airfoil/${file}.ts#${type.name}`;
    if (!findKind(kind)) register(kind, { class: type });
  }
}

/** Two updates of a small AB-UPT on the airfoils; returns the folder of the run. */
export async function trainAirfoil(output: string, ...overrides: string[]): Promise<string> {
  registerAirfoil();
  const parsed = parseHydraArguments([
    join(root, "examples", "airfoil", "train.yaml"),
    "trainer.max_epochs=null",
    "+trainer.max_updates=2",
    "trainer.callbacks=[{kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 2, save_weights: true, save_latest_weights: true}, {kind: noether.core.callbacks.EmaCallback, every_n_updates: 1, save_latest_weights: true, target_factors: [0.9]}]",
    "model.hidden_dim=16",
    "pipeline.num_surface_anchor_points=16",
    "pipeline.num_volume_anchor_points=16",
    "pipeline.num_geometry_supernodes=8",
    "+run_id=tiny",
    "+num_workers=0",
    `output_path=${output}`,
    ...overrides,
  ]);
  if (parsed.action !== "run") throw new Error("expected a run");
  await new HydraRunner().run(composeConfig(parsed));
  return join(output, "tiny", "train");
}

/** One case of the test split: inputs and fields by sample key. */
export function airfoilCase(number: number): Record<string, Tensor> {
  const { tensors } = loadSafetensors(join(root, "examples", "airfoil", "data", "test.safetensors"));
  const keys = [
    "surface_position",
    "volume_position",
    "inflow_design_parameters",
    "surface_pressure",
    "volume_velocity",
    "volume_pressure",
  ];
  return Object.fromEntries(keys.map((key) => [key, tensors.get(key)!.select(0, number).to("float32").clone()]));
}
