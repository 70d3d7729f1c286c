import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml, type ConfigChange } from "../../config";
import { childOf } from "../../config/yaml/nodes";
import { isMapping } from "../../config/schema";
import { CheckpointKeys } from "../../core/checkpoint-keys";
import { CheckpointFolder } from "../../core/writers";
import { attentionOf, type Attention } from "../../initializers/other-attention";
import { load, scope, toMap, type Tensor } from "../../torch";
import { resumedPaths, type RunPurpose } from "./check-references";

type Tree = Readonly<Record<string, unknown>>;

const BLOCK = "transformer_block_config";
const KEY = "attention_constructor";

/**
 * Release 1.1 of the Python framework built its Transolvers with plain attention, and their stored configs do not say so. A run that
 * continues or evaluates such a run takes the attention that the weights have. That is certain only where the run's own config leaves
 * it open: what a new config does not say is its class's default.
 *
 * @param plain - the config as it was written
 * @param built - the attention that its blocks have without this
 * @returns the config with the attention in it, and what is to be told; null where there is nothing to add
 */
export function addStoredAttention(
  plain: Tree,
  built: unknown,
  purpose: RunPurpose,
): { plain: Tree; change: ConfigChange } | null {
  const { model } = plain;
  const block = isMapping(model) ? model[BLOCK] : null;
  if (!isMapping(model) || !isMapping(block) || KEY in block) return null;
  const paths = resumedPaths(plain, purpose);
  if (paths === null || !leavesOpen(join(paths.runOutputPath, "hp_resolved.yaml"))) return null;
  const attention = storedAttention(paths.checkpointPath, String(model["name"]));
  if (attention === null || attention === built) return null;
  return {
    plain: { ...plain, model: { ...model, [BLOCK]: { ...block, [KEY]: attention } } },
    change: {
      path: `model.${BLOCK}.${KEY}`,
      message: `is not given, and taken to be ${attention}, as the weights of run '${paths.runId}' have it`,
      severity: "info",
    },
  };
}

/** Whether the config of a run does not name the attention of its blocks. */
function leavesOpen(file: string): boolean {
  if (!existsSync(file)) return false;
  const model = childOf(readYaml(readFileSync(file, "utf8"), file), "model");
  const block = model && childOf(model, BLOCK);
  return block?.type === "map" && childOf(block, KEY) === undefined;
}

/** The attention of a model, by the first of its files; all of a run have the same. */
function storedAttention(checkpoints: string, modelName: string): Attention | null {
  const folder = new CheckpointFolder(checkpoints);
  const name = folder.names().find((file) => file.startsWith(`${modelName}_`) && file.endsWith("_model.th"));
  if (name === undefined) return null;
  try {
    return scope(() => {
      const content = toMap(load(folder.fileOf(name), { mmap: true }));
      return attentionOf(toMap<Tensor>(content.get(CheckpointKeys.STATE_DICT)) as ReadonlyMap<string, Tensor>);
    });
  } catch {
    return null; // whoever loads the weights says what is wrong with the file
  }
}
