import { basename, dirname, join } from "node:path";
import { isMapping } from "../../config/schema";
import { plainMappings } from "../../config/schema/plain-mappings";
import { CheckpointKeys } from "../../core/checkpoint-keys";
import { CheckpointFolder } from "../../core/writers";
import { Collator } from "../../data";
import { load, scope, toMap } from "../../torch";
import { Factory } from "../../config/factory/factory";
import { ValueError } from "../../config/python-errors";
import { resolveRunOrFile } from "../../io";
import { ModelBase } from "../../core/models";
import { PathProvider } from "../../core/providers";
import { getLogger } from "../../core/logging";
import { loadWeights } from "../../initializers/load-weights";
import { modelParts, partName } from "./model-parts";
import type { PortableRun } from "./portable-run";
import { PreviousRunInitializer, PreviousRunInitializerConfig } from "../../initializers";
import { parseCheckpointSelector } from "../../training/runners/checkpoint-selector";
import { describeData, type DataOptions } from "./describe-data";
import { dataSpecsOf, fieldsOf, outputKeys, type Precision } from "../predict/run-fields";
import { locateRun, storedWeights, weightsOf, type RunLocation } from "./run-location";
import { readStoredConfig, type StoredConfig } from "./stored-config";
import { TrainedRun, withOwnRandomness } from "./trained-run";
import { tryLoadKinds, withAbsoluteKinds } from "./user-kinds";

/** Which weights are loaded, and whereto. */
export interface LoadRunOptions extends DataOptions {
  /** `latest`, a tag such as `best_model.loss.test.total` or `E10_U100_S200`, or `E10`, `U500`, `S4000`. Default `latest`. */
  readonly checkpoint?: string;
  /** Averaged weights, `ema=0.9999`. Default: the weights themselves. */
  readonly weights?: string | null;
  /** `cpu`, `cuda`, `cuda:1`. Default `cpu`. */
  readonly device?: string;
  /**
   * Precision of the weights, of inputs and of predicted fields: `float32` or `float64`. Default: the weights as they are, the rest
   * float32.
   */
  readonly dtype?: Precision;
  /** Folder that kinds such as `./model.ts#Model` are relative to. Default: the working directory, that of training, or one above the run. */
  readonly project?: string;
  /** Keys of the model's config that replace the stored ones: `{ kind: "./my-model.ts#MyModel" }` for a class that is not here. */
  readonly model?: Readonly<Record<string, unknown>>;
}

/**
 * Loads a finished run: its model in evaluation mode, with its pipeline, its normalizers and the names of its fields. Runs of this
 * framework and of both releases of the Python framework (1.1 and 2026.4) are read. Nothing is written.
 *
 * @param path folder of the run (with `checkpoints` and `hp_resolved.yaml`), the one above it, one of its model files, or a file of
 * `noether-ts export`
 * @throws FileNotFoundError, ValueError, ConfigError or KindError with what was expected and how to give it
 * @example
 * const run = await loadRun("outputs/2026-01-31_x7k2p/train", { weights: "ema=0.9999" });
 * const { surface_pressure } = await run.predict(inputs);
 */
export async function loadRun(path: string, options: LoadRunOptions = {}): Promise<TrainedRun> {
  const { dtype } = options;
  if (dtype !== undefined && dtype !== "float32" && dtype !== "float64")
    throw new ValueError(`dtype: expected float32 or float64, got ${String(dtype)}`);
  const location = locateRun(await resolveRunOrFile(path));
  const stored = await readStoredConfig(location, options.project ?? null, options.model);
  const specs = dataSpecsOf(stored.model);
  const given = await ownClasses(options, stored);
  const data = describeData(given.stored, given.options, outputKeys(specs, stored.targetProperties), location.folder);
  const chosen = chooseWeights(location, stored.model.name, options);
  const model = withOwnRandomness(() => buildModel(stored.model));
  model.to(options.device ?? "cpu");
  loadModelWeights(model, location, chosen);
  if (dtype !== undefined) model.to(dtype);
  model.eval();
  model.requiresGrad_(false);
  const { forwardProperties, targetProperties } = stored;
  const fields = fieldsOf(specs, targetProperties, data);
  const identity = { folder: location.folder, name: stored.model.name, ...chosen };
  const predictor = { model, dtype: dtype ?? ("float32" as const), fields, data, forwardProperties, targetProperties };
  return new TrainedRun(predictor, stored, identity, storedConfigsOf(location, model, chosen));
}

/** Pipeline and normalizers that were given in place of stored ones: their classes are those of the project, too. */
async function ownClasses(
  options: LoadRunOptions,
  stored: StoredConfig,
): Promise<{ readonly options: DataOptions; readonly stored: StoredConfig }> {
  const { pipeline, normalizers } = withAbsoluteKinds(
    { pipeline: options.pipeline, normalizers: options.normalizers },
    stored.project,
  );
  // a ready pipeline is no config
  const configs = [pipeline, normalizers].filter((value) => isMapping(value) && !(value instanceof Collator));
  const unloaded = await tryLoadKinds(configs, stored.project);
  return {
    options: {
      ...options,
      ...(pipeline === undefined ? {} : { pipeline }),
      ...(normalizers === undefined ? {} : { normalizers }),
    },
    stored: { ...stored, unloaded: new Map([...stored.unloaded, ...unloaded]) },
  };
}

function buildModel(config: ModelBase["modelConfig"]): ModelBase {
  const model = new Factory().instantiate(config, {});
  if (model instanceof ModelBase) return model;
  throw new TypeError(`expected kind "${config.kind}" to be a model (a subclass of Model or CompositeModel)`);
}

interface ChosenWeights {
  readonly checkpoint: string;
  readonly weights: string | null;
}

/** The weights that were asked for. @throws ValueError with what there is instead */
function chooseWeights(
  { folder, modelFile, portable }: RunLocation,
  model: string,
  options: LoadRunOptions,
): ChosenWeights {
  if (portable !== null) return exportedWeights(portable, options);
  const own = modelFile === null ? null : weightsOf(modelFile);
  if (own !== null && own.model !== model)
    throw new ValueError(`${modelFile}: expected weights of the model "${model}", got those of "${own.model}"`);
  const checkpoint = options.checkpoint ?? own?.checkpoint ?? "latest";
  const weights = options.weights === undefined ? (own?.weights ?? null) : options.weights || null;
  const selector = parseCheckpointSelector(checkpoint);
  const there = storedWeights(folder).filter((entry) => entry.model === model || entry.model.startsWith(`${model}.`));
  const matches = (tag: string): boolean =>
    typeof selector === "string" ? tag === selector : tag.split("_").includes(checkpoint);
  if (there.some((entry) => entry.weights === weights && matches(entry.checkpoint))) return { checkpoint, weights };
  const list = there.map(
    (entry) => `${entry.checkpoint}${entry.weights === null ? "" : ` with weights "${entry.weights}"`}`,
  );
  throw new ValueError(
    `${folder}: expected weights of "${model}" under the checkpoint "${checkpoint}"${weights === null ? "" : ` and weights "${weights}"`}; there are ${[...new Set(list)].join(", ") || "none (a CheckpointCallback writes them)"}`,
  );
}

/** An exported run has one set of weights. @throws ValueError when another is asked for */
function exportedWeights({ path, checkpoint, average }: PortableRun, options: LoadRunOptions): ChosenWeights {
  const isOther =
    (options.checkpoint !== undefined && options.checkpoint !== checkpoint) ||
    (options.weights !== undefined && (options.weights || null) !== average);
  if (isOther)
    throw new ValueError(
      `${path}: expected the weights that were exported, "${checkpoint}"${average === null ? "" : ` with "${average}"`}; others are in the folder of the run`,
    );
  return { checkpoint, weights: average };
}

function loadModelWeights(model: ModelBase, location: RunLocation, { checkpoint, weights }: ChosenWeights): void {
  const { folder, portable } = location;
  if (portable !== null) {
    loadWeights(model, portable.weights, `the weights of '${folder}'`, getLogger("loadRun"), portable.modelConfig);
    for (const [key, part] of modelParts(model)) {
      const config = portable.partConfigs.get(key);
      if (config !== undefined) part.adoptStoredConfig(config);
    }
    return;
  }
  const source = { outputRootPath: dirname(folder), runId: basename(folder) };
  const config = PreviousRunInitializerConfig.create({
    run_id: source.runId,
    checkpoint_tag: parseCheckpointSelector(checkpoint),
    model_name: model.name,
    output_path: source.outputRootPath,
    ...(weights === null ? {} : { model_info: weights }),
  });
  new PreviousRunInitializer(config, { pathProvider: new PathProvider(source) }).initWeights(model);
}

/** The configs in the model files that were loaded, by key of the part. */
function storedConfigsOf(
  { folder, portable }: RunLocation,
  model: ModelBase,
  { checkpoint, weights }: ChosenWeights,
): Map<string, Readonly<Record<string, unknown>>> {
  if (portable !== null)
    return new Map([
      ...(portable.modelConfig === null ? [] : [["", portable.modelConfig] as const]),
      ...portable.partConfigs,
    ]);
  const stored = storedWeights(folder);
  const configs = modelParts(model).flatMap(([key]) => {
    const name = partName(model.name, key);
    const entry = stored.find(
      (each) =>
        each.model === name &&
        each.weights === weights &&
        (each.checkpoint === checkpoint || each.checkpoint.split("_").includes(checkpoint)),
    );
    if (entry === undefined) return [];
    const file = `${name}${weights === null ? "" : `_${weights}`}_cp=${entry.checkpoint}_model.th`;
    const path = new CheckpointFolder(join(folder, "checkpoints")).fileOf(file);
    return scope(() => {
      const config = plainMappings(toMap(load(path, { mmap: true })).get(CheckpointKeys.MODEL_CONFIG) ?? null);
      return isMapping(config) ? [[key, config] as const] : [];
    });
  });
  return new Map(configs);
}
