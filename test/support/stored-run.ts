import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeYaml } from "../../lib/config";
import { loadSafetensors, save, type Tensor } from "../../lib/torch";
import index from "../golden/2026.4/index.json";

/** Tensors of a golden case of release 2026.4 by group: weight, input, output, output64. */
export function goldenCase(name: string) {
  const entry = index.find((candidate) => candidate.name === name)!;
  const { tensors } = loadSafetensors(join(__dirname, "../golden/2026.4", `${name}.safetensors`));
  const group = (prefix: string) =>
    Object.fromEntries(
      [...tensors].flatMap(([key, value]): [string, Tensor][] =>
        key.startsWith(`${prefix}.`) ? [[key.slice(prefix.length + 1), value]] : [],
      ),
    );
  return {
    config: entry.config as Record<string, unknown> & { name: string },
    weights: group("weight"),
    input: group("input"),
    output64: group("output64"),
  };
}

/** A folder as release 2026.4 of the Python framework leaves it: checkpoints and `hp_resolved.yaml`. */
export function writeStoredRun(
  folder: string,
  { config, weights }: { config: Record<string, unknown> & { name: string }; weights: Record<string, Tensor> },
  {
    datasets = {},
    forward,
    targets = [],
  }: { datasets?: object; forward: readonly string[]; targets?: readonly string[] },
): string {
  mkdirSync(join(folder, "checkpoints"), { recursive: true });
  const file = { state_dict: weights, model_config: config, checkpoint_tag: "latest" };
  save(file, join(folder, "checkpoints", `${config.name}_cp=latest_model.th`));
  const trainer = {
    kind: "noether.training.trainers.WeightedLossTrainer",
    max_epochs: 1,
    forward_properties: forward,
    target_properties: targets,
  };
  const hp = {
    datasets,
    model: config,
    trainer,
    output_path: "/scratch/somebody",
    config_schema_kind: "noether.core.schemas.schema.ConfigSchema",
  };
  writeFileSync(join(folder, "hp_resolved.yaml"), writeYaml(hp));
  return folder;
}
