import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { FileNotFoundError, KeyError, ValueError } from "../config/python-errors";
import { register } from "../config/registry";
import { bool, list, optional, str, tag } from "../config/schema";
import { CheckpointKeys } from "../core/checkpoint-keys";
import { InitializerConfig, type InitializerDependencies } from "../core/initializers";
import { TrainingIteration } from "../core/iteration/training-iteration";
import { CompositeModel, Model, type ModelBase } from "../core/models";
import { PathProvider } from "../core/providers";
import { expandUser } from "../core/providers/expand-user";
import { CheckpointFolder, readTorchFile } from "../core/writers";
import { Tensor, toMap } from "../torch";
import { InitializerBase } from "./base";

/** Config of {@link CheckpointInitializer}. */
export const CheckpointInitializerConfig = InitializerConfig.extend("CheckpointInitializerConfig", {
  fields: {
    kind: tag("noether.core.initializers.CheckpointInitializer"),
    /** Whether the optimizer's state is read, too. */
    load_optim: bool(),
    /** Accepted and never used, as in the Python framework. */
    pop_ckpt_kwargs_keys: optional(list(str())),
    /** Output root of the run to read from; null: that of the current run. */
    output_path: optional(str()),
  },
});
export type CheckpointInitializerConfig = z.output<typeof CheckpointInitializerConfig>;

// a base class: a config, but nothing to construct
register("noether.core.initializers.CheckpointInitializer", {
  schema: CheckpointInitializerConfig,
  aliases: [
    "noether.core.schemas.initializers.CheckpointInitializerConfig",
    "noether.core.initializers.CheckpointInitializerConfig",
  ],
});

/** The parts of a checkpoint that have a file for each model. */
export type ModelFileType = "model" | "optim";

/** Weights of a file with the name and path that they were found under. */
export interface LoadedState {
  readonly stateDict: Map<string, Tensor>;
  readonly modelName: string;
  readonly path: string;
  /** Config of the model that had them; null if the file has none. */
  readonly modelConfig: Readonly<Record<string, unknown>> | null;
  /** Where training was when the file was written; null if the file does not say. */
  readonly trainingIteration: TrainingIteration | null;
}

/**
 * Base of initializers that read the checkpoint of another run. Constructing one touches no file; looking for one creates
 * nothing.
 */
export abstract class CheckpointInitializer extends InitializerBase {
  readonly runId: string;
  readonly stageName: string | null;
  /** First part of the file names; null: the model's name. */
  readonly modelName: string | null;
  readonly loadOptim: boolean;
  /** Infix of the model file's name, e.g. `ema=0.9999`. */
  readonly modelInfo: string | null;
  /** Kept for readers of stored configs; never used, as in the Python framework. */
  readonly popCkptKwargsKeys: readonly string[];
  /** A tag as it is, or an iteration of which one field or all are known. */
  readonly checkpointTag: string | TrainingIteration;
  /** Paths of the run to read from. */
  readonly initRunPathProvider: PathProvider;

  constructor(config: CheckpointInitializerConfig, dependencies: InitializerDependencies) {
    super(config, dependencies);
    this.runId = config.run_id;
    this.stageName = config.stage_name;
    this.modelName = config.model_name;
    this.loadOptim = config.load_optim;
    this.modelInfo = config.model_info || null;
    this.popCkptKwargsKeys = config.pop_ckpt_kwargs_keys ?? [];
    if (this.popCkptKwargsKeys.length > 0)
      this.logger.warning("pop_ckpt_kwargs_keys has no effect, as in the Python framework: leave it out");
    this.checkpointTag = parseTag(config.checkpoint_tag);
    this.initRunPathProvider =
      config.output_path === null
        ? this.pathProvider.withRun(config.run_id, config.stage_name)
        : new PathProvider({
            outputRootPath: resolve(expandUser(config.output_path)),
            runId: config.run_id,
            stageName: config.stage_name,
          });
  }

  /** The run's checkpoints. */
  protected get checkpoints(): CheckpointFolder {
    this.initRunPathProvider.refuseEscape();
    return new CheckpointFolder(this.initRunPathProvider.checkpointPath);
  }

  /** Path of a checkpoint file `{prefix}{tag}{suffix}`; a tag that is known in part is completed from the files that are there. */
  protected getCheckpointPath(prefix: string, suffix: string): string {
    return this.checkpoints.fileOf(`${prefix}${this.getCheckpointTag(prefix, suffix)}${suffix}`);
  }

  /** The whole tag of the checkpoint files `{prefix}{tag}{suffix}`. */
  protected getCheckpointTag(prefix: string, suffix: string): string {
    if (typeof this.checkpointTag === "string" || this.checkpointTag.isFullySpecified) {
      return String(this.checkpointTag);
    }
    return String(
      TrainingIteration.toFullySpecifiedFromFilenames(
        this.initRunPathProvider.checkpointPath,
        this.checkpointTag,
        prefix,
        suffix,
        this.checkpoints.names(),
      ),
    );
  }

  /** Name and path of a model's file. */
  protected getModelPath(
    fileType: ModelFileType,
    { model = null, modelName = null }: { model?: ModelBase | null; modelName?: string | null },
  ): {
    modelName: string;
    path: string;
  } {
    if (fileType !== "model" && fileType !== "optim") {
      throw new ValueError(`a checkpoint has files of the types 'model' and 'optim', not '${String(fileType)}'`);
    }
    const name = modelName ?? this.modelName ?? model?.name ?? null;
    if (name === null) {
      throw new ValueError("a model or a model name is needed to find a checkpoint");
    }
    // No optimizer file has an infix: averaged weights have no optimizer of their own.
    const info = this.modelInfo === null || fileType === "optim" ? "" : `_${this.modelInfo}`;
    return { modelName: name, path: this.getCheckpointPath(`${name}${info}_cp=`, `_${fileType}.th`) };
  }

  /** Whether there is a file with the weights of a model, under this very name. */
  protected hasModelFile(modelName: string): boolean {
    const info = this.modelInfo === null ? "" : `_${this.modelInfo}`;
    const [prefix, suffix] = [`${modelName}${info}_cp=`, "_model.th"];
    const names = this.checkpoints.names().filter((name) => name.startsWith(prefix) && name.endsWith(suffix));
    return names.length > 0 && names.includes(`${prefix}${this.getCheckpointTag(prefix, suffix)}${suffix}`);
  }

  /**
   * Weights from the model file.
   *
   * @throws FileNotFoundError when there is no such file, KeyError when it holds no weights.
   */
  protected getModelStateDict(model: ModelBase, modelName: string | null = null): LoadedState {
    const found = this.getModelPath("model", { model, modelName });
    const content = toMap(
      readTorchFile(found.path, {
        device: model.device,
        purpose: `weights of model '${found.modelName}'`,
        hint: this.#whatIsThere(),
      }),
    );
    if (!content.has(CheckpointKeys.STATE_DICT)) {
      throw new KeyError(
        `'${found.path}' is not a model checkpoint: it has no '${CheckpointKeys.STATE_DICT}' (its keys: ${[...content.keys()].map(String).join(", ")})`,
      );
    }
    const iteration = content.get(CheckpointKeys.TRAINING_ITERATION);
    const config = content.get(CheckpointKeys.MODEL_CONFIG) ?? null;
    return {
      ...found,
      modelConfig: config === null ? null : Object.fromEntries(toMap(config) as Map<string, unknown>),
      stateDict: stateDictOf(content.get(CheckpointKeys.STATE_DICT), found.path),
      trainingIteration:
        iteration === undefined
          ? null
          : TrainingIteration.fromDict(Object.fromEntries(toMap<number>(iteration) as Map<string, number>)),
    };
  }

  /** State of the optimizer, with `load_optim`; of a composite that of every submodel's. */
  override initOptimizer(model: ModelBase): void {
    if (!this.loadOptim) return;
    if (model instanceof Model) this.loadOptimizer(model, this.getModelPath("optim", { model }).path);
    else this.loadOptimizers(model, this.modelName ?? model.name);
  }

  /** State of the optimizer, or of every submodel's; models without an optimizer and frozen ones are left out. */
  protected loadOptimizers(model: ModelBase | null, name: string): void {
    if (model instanceof CompositeModel) {
      for (const [key, submodel] of Object.entries(model.submodels)) this.loadOptimizers(submodel, `${name}.${key}`);
    } else if (model instanceof Model) {
      if (model.optimizer === null || model.isFrozen) {
        this.logger.info(`${name} has no optimizer to load a state into`);
        return;
      }
      this.loadOptimizer(model, this.getModelPath("optim", { modelName: name }).path);
    }
  }

  /** State of the optimizer from its file. */
  protected loadOptimizer(model: ModelBase, path: string): void {
    if (model.optimizer === null) {
      throw new ValueError(
        `model '${model.name}' has no optimizer that a state could be loaded into; set load_optim: false, or give it an optimizer_config`,
      );
    }
    // Step counts belong on the processor whatever the device; the optimizer moves the rest to its parameters.
    const content = toMap(
      readTorchFile(path, {
        purpose: `optimizer of model '${model.name}'`,
        hint: "a CheckpointCallback writes it with save_optim: true (under the tags E…_U…_S…) or save_latest_optim: true (under latest)",
      }),
    );
    model.optimizer.loadStateDict(content as Map<string, unknown>);
    this.logger.info(`loaded optimizer of ${model.name} from ${path}`);
  }

  /** What the run offers, for messages. */
  #whatIsThere(): string {
    const { runOutputPath, checkpointPath } = this.initRunPathProvider;
    if (!existsSync(runOutputPath)) {
      return `there is no run '${this.runId}'${this.stageName ? ` with stage '${this.stageName}'` : ""} in '${this.initRunPathProvider.outputRoot}'`;
    }
    return existsSync(checkpointPath)
      ? "check checkpoint_tag, model_name and model_info"
      : "the run has no checkpoints";
  }
}

/** A string as it is; a mapping with one or all of epoch, update, sample. */
function parseTag(tag: CheckpointInitializerConfig["checkpoint_tag"]): string | TrainingIteration {
  if (typeof tag === "string") {
    return tag;
  }
  if (tag === null || typeof tag !== "object") {
    throw new ValueError("checkpoint_tag has to be given: a tag such as 'latest', or a mapping such as {epoch: 10}");
  }
  const unknown = Object.keys(tag).filter((key) => !["epoch", "update", "sample"].includes(key));
  if (unknown.length > 0) {
    throw new TypeError(`checkpoint_tag: expected the keys epoch, update and sample, but got ${unknown.join(", ")}`);
  }
  const iteration = TrainingIteration.fromDict(tag);
  if (!iteration.isMinimallySpecified && !iteration.isFullySpecified) {
    throw new ValueError(
      `checkpoint_tag: expected one of epoch, update and sample, or all of them, but got ${JSON.stringify(tag)}`,
    );
  }
  return iteration;
}

/** Tensors by name. */
function stateDictOf(value: unknown, path: string): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  for (const [name, tensor] of toMap(value)) {
    if (!(tensor instanceof Tensor)) {
      throw new ValueError(
        `'${path}': expected a tensor for '${String(name)}' of the weights, but got ${typeof tensor}`,
      );
    }
    state.set(String(name), tensor);
  }
  return state;
}

/**
 * Reads a trainer file.
 *
 * @throws FileNotFoundError when there is none.
 */
export function readTrainerFile(path: string): Map<string, unknown> {
  if (!existsSync(path)) {
    throw new FileNotFoundError(
      `trainer state: file '${path}' does not exist; a run can be resumed from checkpoints that a CheckpointCallback or an interruption wrote, ` +
        "not from those of a BestCheckpointCallback or EmaCallback (use a PreviousRunInitializer for these)",
    );
  }
  return toMap(readTorchFile(path)) as Map<string, unknown>;
}
