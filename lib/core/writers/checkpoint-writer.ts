import { join } from "node:path";

import { type nn, scope, type Tensor } from "../../torch";
import { CheckpointKeys } from "../checkpoint-keys";
import { isRank0 } from "../distributed";
import type { TrainerLike } from "../interfaces/trainer";
import { CompositeModel } from "../models/composite";
import { Model } from "../models/model";
import type { ModelBase } from "../models/base";
import type { PathProvider } from "../providers/path";
import { NotImplementedError, RuntimeError } from "../../config/python-errors";
import { getLogger } from "../logging";
import type { UpdateCounter } from "../iteration/update-counter";
import { checkpointConfig, configKindOf } from "./config-dump";
import { type TorchFile, writeTorchFiles } from "./file-set";

const LATEST = "latest";

/** What one model file holds. */
export interface SaveModelCheckpointOptions {
  /** First part of the file name. */
  readonly modelName: string;
  /** `E1_U10_S40`, `latest`, … */
  readonly checkpointTag: string;
  readonly stateDict: ReadonlyMap<string, Tensor>;
  readonly modelConfig?: object | null;
  /** Infix of the file name, e.g. `ema=0.9999`. */
  readonly modelInfo?: string | null;
  /** Further entries of the file. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What {@link CheckpointWriter.save} writes. */
export interface SaveOptions {
  readonly model: ModelBase;
  readonly checkpointTag: string;
  /** Its state goes into the trainer's file; without a trainer there is none. */
  readonly trainer?: Pick<TrainerLike, "stateDict"> | null;
  /** Weights under the tag; default true. */
  readonly saveWeights?: boolean;
  /** Optimizer under the tag; default true. */
  readonly saveOptim?: boolean;
  /** Weights under `latest`; default false. */
  readonly saveLatestWeights?: boolean;
  /** Optimizer under `latest`; default false. */
  readonly saveLatestOptim?: boolean;
  /** Names of the (sub)models to save; none: all. */
  readonly modelNamesToSave?: readonly string[] | null;
  /** Default true. */
  readonly saveFrozenWeights?: boolean;
  readonly modelInfo?: string | null;
}

/** File name of a part of a checkpoint. */
export function checkpointFileName(
  modelName: string,
  tag: string,
  part: "model" | "optim" | "trainer",
  modelInfo?: string | null,
): string {
  return `${modelName}${modelInfo ? `_${modelInfo}` : ""}_cp=${tag}_${part}.th`;
}

/**
 * Writes checkpoints: `{model}_cp={tag}_model.th` (weights), `…_optim.th` (optimizer), `…_trainer.th` (progress, callbacks).
 * All files of one call are written under temporary names before the first is put in place.
 */
export class CheckpointWriter {
  readonly pathProvider: PathProvider;
  readonly updateCounter: UpdateCounter;
  readonly #logger = getLogger("CheckpointWriter");

  constructor({ pathProvider, updateCounter }: { pathProvider: PathProvider; updateCounter: UpdateCounter }) {
    this.pathProvider = pathProvider;
    this.updateCounter = updateCounter;
  }

  /** Writes one model file. */
  saveModelCheckpoint(options: SaveModelCheckpointOptions): void {
    this.#write([this.#modelFile(options)]);
  }

  /** Writes several model files together. */
  saveModelCheckpoints(files: readonly SaveModelCheckpointOptions[]): void {
    this.#write(files.map((file) => this.#modelFile(file)));
  }

  /**
   * Writes a checkpoint of a model, its submodels, their optimizers and the trainer. The trainer's state is asked for in
   * every process, files are written by the first.
   */
  save({
    trainer = null,
    saveWeights = true,
    saveOptim = true,
    saveLatestWeights = false,
    saveLatestOptim = false,
    ...rest
  }: SaveOptions): void {
    scope(() => this.#save({ trainer, saveWeights, saveOptim, saveLatestWeights, saveLatestOptim, ...rest }));
  }

  #save({
    trainer,
    saveWeights,
    saveOptim,
    saveLatestWeights,
    saveLatestOptim,
    ...rest
  }: Required<Pick<SaveOptions, "trainer" | "saveWeights" | "saveOptim" | "saveLatestWeights" | "saveLatestOptim">> &
    SaveOptions): void {
    const trainerState = trainer?.stateDict() ?? null;
    if (!isRank0()) {
      return;
    }
    const tag = rest.checkpointTag;
    const tags = (tagged: boolean, latest: boolean): string[] => [
      ...(tagged ? [tag] : []),
      ...(latest ? [LATEST] : []),
    ];
    const files = this.#filesOf(
      rest.model,
      null,
      rest,
      tags(saveWeights, saveLatestWeights),
      tags(saveOptim, saveLatestOptim),
    );
    if (trainerState !== null) {
      for (const trainerTag of tags(saveWeights || saveOptim, saveLatestWeights || saveLatestOptim)) {
        files.push({
          path: this.#path(checkpointFileName(rest.model.name, trainerTag, "trainer")),
          content: trainerState,
        });
      }
    }
    this.#write(files);
  }

  #filesOf(
    model: nn.Module | null,
    compositeName: string | null,
    options: Pick<SaveOptions, "modelNamesToSave" | "saveFrozenWeights" | "modelInfo">,
    weightTags: readonly string[],
    optimTags: readonly string[],
  ): TorchFile[] {
    if (model === null) {
      return [];
    }
    if (model instanceof CompositeModel) {
      const name = compositeName ?? model.name;
      return Object.entries(model.submodels).flatMap(([key, submodel]) =>
        this.#filesOf(submodel, `${name}.${key}`, options, weightTags, optimTags),
      );
    }
    if (!(model instanceof Model)) {
      throw new NotImplementedError(
        `a checkpoint holds models of class Model and CompositeModel, but got ${model.constructor.name}`,
      );
    }
    const { modelNamesToSave, saveFrozenWeights = true, modelInfo = null } = options;
    if (
      (model.isFrozen && !saveFrozenWeights) ||
      (modelNamesToSave && modelNamesToSave.length > 0 && !modelNamesToSave.includes(model.name))
    ) {
      return [];
    }
    const modelName = compositeName ?? model.name;
    const { optimizer, modelConfig } = model;
    return [
      ...weightTags.map((checkpointTag) =>
        this.#modelFile({ modelName, checkpointTag, stateDict: model.stateDict(), modelConfig, modelInfo }),
      ),
      ...optimTags.flatMap((tag) =>
        optimizer === null
          ? []
          : [{ path: this.#path(checkpointFileName(modelName, tag, "optim")), content: optimizer.stateDict() }],
      ),
    ];
  }

  #modelFile({
    modelName,
    checkpointTag,
    stateDict,
    modelConfig = null,
    modelInfo = null,
    extra = {},
  }: SaveModelCheckpointOptions): TorchFile {
    const { epoch, update, sample } = this.updateCounter;
    const content: Record<string, unknown> = {
      [CheckpointKeys.STATE_DICT]: stateDict,
      [CheckpointKeys.CHECKPOINT_TAG]: checkpointTag,
      [CheckpointKeys.TRAINING_ITERATION]: { epoch, update, sample },
      [CheckpointKeys.RUN_ID]: this.pathProvider.runId,
      ...extra,
    };
    if (modelConfig !== null) {
      try {
        content[CheckpointKeys.MODEL_CONFIG] = checkpointConfig(modelConfig);
        content[CheckpointKeys.CONFIG_KIND] = configKindOf(modelConfig);
      } catch (cause) {
        throw new RuntimeError(`cannot store the configuration of model '${modelName}': ${String(cause)}`, { cause });
      }
    }
    return { path: this.#path(checkpointFileName(modelName, checkpointTag, "model", modelInfo)), content };
  }

  #path(fileName: string): string {
    return join(this.pathProvider.checkpointPath, fileName);
  }

  #write(files: readonly TorchFile[]): void {
    writeTorchFiles(files);
    for (const { path } of files) {
      this.#logger.info(`saved ${path}`);
    }
  }
}
