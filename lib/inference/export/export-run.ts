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
import { withRelativeKinds } from "../run/user-kinds";
import { modelCard } from "./model-card";

/** What {@link exportRun} writes. */
export interface ExportOptions {
  /** Release of the Python framework whose keys a `.th` or `.safetensors` file has. Default `2026.4`. */
  readonly format?: CheckpointFormat;
}

/**
 * Writes a run, or its weights, to one file; which, its ending says:
 *
 * - `.pt`: the whole run (weights, config, scales, card), which `loadRun` and `torch.load` read;
 * - `.th`: a model checkpoint as both releases of the Python framework read it;
 * - `.safetensors`: the weights, with the config of the model in the metadata.
 *
 * The file appears when it is complete.
 *
 * @throws ValueError for another ending, and for a format of a file that has none
 */
export function exportRun(run: TrainedRun, path: string, { format }: ExportOptions = {}): void {
  const extension = extname(path).toLowerCase();
  if (!existsSync(dirname(path)) || !statSync(dirname(path)).isDirectory())
    throw new FileNotFoundError(`${path}: expected an existing folder, got ${dirname(path)}; create it first`);
  if (extension === ".pt") {
    if (format !== undefined)
      throw new ValueError(
        `${path}: expected no format for a whole run, got "${format}"; it is for .th and .safetensors files`,
      );
    return writeTorchFile(path, portableContent(run));
  }
  if (extension !== ".th" && extension !== ".safetensors")
    throw new ValueError(
      `${path}: expected a name with one of the endings .pt, .th, .safetensors, got ${extension || "none"}`,
    );
  scope(() => {
    const state = weightsOf(run.model, format ?? "2026.4");
    const config = modelConfigOf(run, format ?? "2026.4");
    if (extension === ".th") {
      writeTorchFile(path, {
        [CheckpointKeys.STATE_DICT]: state,
        [CheckpointKeys.MODEL_CONFIG]: config,
        [CheckpointKeys.CONFIG_KIND]: configKindOf(run.model.modelConfig),
        [CheckpointKeys.CHECKPOINT_TAG]: run.identity.checkpoint,
      });
    } else {
      const metadata = { format: "pt", model_config: JSON.stringify(config), card: modelCard(run) };
      saveSafetensors(state, path, { metadata });
    }
  });
}

/** Keys whose absence tells a model that its weights are the Python framework's (`adoptStoredConfig`). */
const TELLING_KEYS = ["untied_square_weights", "volume_channels", "perceiver_block_config"];

/** The model's config, so that whoever reads it computes as this run does. */
function modelConfigOf(run: TrainedRun, format: CheckpointFormat): Record<string, unknown> {
  const config = withRelativeKinds(checkpointConfig(run.model.modelConfig, format), run.stored.project);
  const stored = run.checkpointConfig;
  if (stored !== null) for (const key of TELLING_KEYS) if (!(key in stored)) delete config[key];
  return config;
}

function weightsOf(model: ModelBase, format: CheckpointFormat): ReadonlyMap<string, Tensor> {
  const state = model.stateDict();
  return format === "1.1" ? toRelease11State(state) : state;
}

/** The mapping of a portable file. */
function portableContent(run: TrainedRun): Record<string, unknown> {
  const { folder, name, checkpoint, weights } = run.identity;
  const earlier = statSync(folder).isFile() ? readPortableRun(folder) : null;
  const textOf = (file: string): string | null =>
    existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : null;
  const isComposite = run.model instanceof CompositeModel;
  return {
    format: PORTABLE_FORMAT,
    version: PORTABLE_VERSION,
    name,
    run: basename(folder),
    checkpoint,
    weights,
    hp_resolved: earlier === null ? textOf("hp_resolved.yaml") : earlier.config,
    data_record: earlier === null ? textOf(DATA_RECORD) : earlier.record,
    // as the checkpoint has it, so that weights of the Python framework compute as they were trained
    model_config: isComposite
      ? null
      : (earlier?.modelConfig ??
        run.checkpointConfig ??
        withRelativeKinds(checkpointConfig(run.model.modelConfig), run.stored.project)),
    state_dict: run.model.stateDict(),
    scales: scalesOf(run),
    inputs: run.inputs.map((field) => ({ ...field })),
    outputs: run.outputs.map((field) => ({ ...field })),
    card: modelCard(run),
  };
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
