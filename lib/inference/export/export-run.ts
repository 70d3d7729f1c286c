import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { CheckpointKeys } from "../../core/checkpoint-keys";
import type { CheckpointFormat } from "../../core/checkpoint-format";
import { toRelease11State } from "../../core/release-1.1";
import { writeTorchFile } from "../../core/writers";
import { checkpointConfig, configKindOf } from "../../core/writers/config-dump";
import { DATA_RECORD, FieldNormalizer, ShiftAndScaleNormalizer, type PreProcessor } from "../../data";
import { CompositeModel, type ModelBase } from "../../core/models";
import { keep, saveSafetensors, scope, type Tensor } from "../../torch";
import { readPortableRun, PORTABLE_FORMAT, PORTABLE_VERSION } from "../run/portable-run";
import type { TrainedRun } from "../run/trained-run";
import { modelParts, partName } from "../run/model-parts";
import { withRelativeKinds } from "../run/user-kinds";
import { modelCard } from "./model-card";

/** What {@link exportRun} writes. */
export interface ExportOptions {
  /** Release of the Python framework whose keys a `.th` or `.safetensors` file has. Default `2026.4`. */
  readonly format?: CheckpointFormat;
}

/**
 * The files that {@link exportRun} writes: `path`, but a `.th` of a composite model is one for each part, with its key in the name as the
 * Python framework has it (`model.encoder_cp=latest_model.th`, `weights.encoder.th`).
 *
 * @throws ValueError for another ending, FileNotFoundError for a folder that does not exist
 */
export function exportFiles(run: TrainedRun, path: string): string[] {
  const extension = extname(path).toLowerCase();
  if (!existsSync(dirname(path)) || !statSync(dirname(path)).isDirectory())
    throw new FileNotFoundError(`${path}: expected an existing folder, got ${dirname(path)}; create it first`);
  if (extension !== ".pt" && extension !== ".th" && extension !== ".safetensors")
    throw new ValueError(
      `${path}: expected a name with one of the endings .pt, .th, .safetensors, got ${extension || "none"}`,
    );
  return extension === ".th" ? modelParts(run.model).map(([key]) => partPath(path, key)) : [path];
}

/** A path with the key of a part before `_cp=…` and the ending. */
function partPath(path: string, key: string): string {
  const [, stem, rest] = /^(.*?)((?:_cp=.*)?\.\w+)$/.exec(basename(path))!;
  return join(dirname(path), `${partName(stem!, key)}${rest}`);
}

/**
 * Writes a run, or its weights, to one file; which, its ending says:
 *
 * - `.pt`: the whole run (weights, config, scales, card), which `loadRun` and `torch.load` read;
 * - `.th`: a model checkpoint as both releases of the Python framework read it, of a composite model one for each part;
 * - `.safetensors`: the weights, with the config of the model in the metadata.
 *
 * A file appears when it is complete.
 *
 * @returns the files, as {@link exportFiles} gives them
 * @throws ValueError for another ending, and for a format of a file that has none
 */
export function exportRun(run: TrainedRun, path: string, { format }: ExportOptions = {}): string[] {
  const files = exportFiles(run, path);
  const extension = extname(path).toLowerCase();
  if (extension === ".pt") {
    if (format !== undefined)
      throw new ValueError(
        `${path}: expected no format for a whole run, got "${format}"; it is for .th and .safetensors files`,
      );
    writeTorchFile(path, portableContent(run));
    return files;
  }
  scope(() => {
    if (extension === ".safetensors") {
      const config = partConfig(run, "", run.model, format);
      const metadata = { format: "pt", model_config: JSON.stringify(config), card: modelCard(run) };
      return saveSafetensors(weightsOf(run.model, format), path, { metadata });
    }
    for (const [key, part] of modelParts(run.model))
      writeTorchFile(partPath(path, key), {
        [CheckpointKeys.STATE_DICT]: weightsOf(part, format),
        [CheckpointKeys.MODEL_CONFIG]: partConfig(run, key, part, format),
        [CheckpointKeys.CONFIG_KIND]: configKindOf(part.modelConfig),
        [CheckpointKeys.CHECKPOINT_TAG]: run.identity.checkpoint,
      });
  });
  return files;
}

/** Keys whose absence tells a model that its weights are the Python framework's (`adoptStoredConfig`). */
const TELLING_KEYS = ["untied_square_weights", "volume_channels", "perceiver_block_config"];

/** The config of a part of the model, so that whoever reads it computes as this run does. */
function partConfig(run: TrainedRun, key: string, part: ModelBase, format?: CheckpointFormat): Record<string, unknown> {
  const config = withRelativeKinds(checkpointConfig(part.modelConfig, format ?? "2026.4"), run.stored.project);
  const stored = run.checkpointConfigs.get(key);
  if (stored !== undefined) for (const telling of TELLING_KEYS) if (!(telling in stored)) delete config[telling];
  return config;
}

function weightsOf(model: ModelBase, format: CheckpointFormat = "2026.4"): ReadonlyMap<string, Tensor> {
  const state = model.stateDict();
  return format === "1.1" ? toRelease11State(state) : state;
}

/** The mapping of a portable file. */
function portableContent(run: TrainedRun): Record<string, unknown> {
  const { folder, name, checkpoint, weights } = run.identity;
  const earlier = statSync(folder).isFile() ? readPortableRun(folder) : null;
  const textOf = (file: string): string | null =>
    existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : null;
  return {
    format: PORTABLE_FORMAT,
    version: PORTABLE_VERSION,
    name,
    run: basename(folder),
    checkpoint,
    weights,
    hp_resolved: earlier === null ? textOf("hp_resolved.yaml") : earlier.config,
    data_record: earlier === null ? textOf(DATA_RECORD) : earlier.record,
    ...configsOf(run),
    state_dict: run.model.stateDict(),
    scales: scalesOf(run),
    inputs: run.inputs.map((field) => ({ ...field })),
    outputs: run.outputs.map((field) => ({ ...field })),
    card: modelCard(run),
  };
}

/** Configs as the checkpoint has them, so that weights of the Python framework compute as they were trained. */
function configsOf(run: TrainedRun): Record<string, unknown> {
  const configs = modelParts(run.model).map(([key, part]) => {
    const own = run.checkpointConfigs.get(key);
    return [key, own ?? withRelativeKinds(checkpointConfig(part.modelConfig), run.stored.project)] as const;
  });
  return run.model instanceof CompositeModel
    ? { model_config: null, part_configs: Object.fromEntries(configs) }
    : { model_config: configs[0]![1] };
}

/** How the values of each sample key are scaled: steps `(log_scaled(x) + shift) · scale`, in order. */
function scalesOf(run: TrainedRun): Record<string, unknown[]> {
  const keys = [...run.inputs, ...run.outputs].map(({ name }) => name);
  return Object.fromEntries(
    keys.flatMap((key): [string, unknown[]][] => {
      const steps = run.data.normalizerOf(key)?.transforms.map(scaleOf);
      return steps === undefined ? [] : [[key, steps]];
    }),
  );
}

function scaleOf(step: PreProcessor): unknown {
  const inner = step instanceof FieldNormalizer ? step.inner : step;
  if (inner instanceof ShiftAndScaleNormalizer)
    return { shift: keep(inner.shift), scale: keep(inner.scale), logscale: inner.logscale };
  // a user's own: the class is in the config
  return { class: inner.constructor.name };
}
