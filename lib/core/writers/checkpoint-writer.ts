import { join } from "node:path";

import { type nn, scope, type Tensor } from "../../torch";
import type { CheckpointFormat } from "../checkpoint-format";
import { CheckpointKeys } from "../checkpoint-keys";
import { tryRemove } from "../../io/files/temporary";
import { isRank0 } from "../distributed";
import { CompositeModel } from "../models/composite";
import { Model } from "../models/model";
import type { ModelBase } from "../models/base";
import type { PathProvider } from "../providers/path";
import { toRelease11OptimizerState, toRelease11State } from "../release-1.1";
import { NotImplementedError, RuntimeError } from "../../config/python-errors";
import { getLogger } from "../logging";
import type { UpdateCounter } from "../iteration/update-counter";
import { CheckpointFolder, type CheckpointStep } from "./checkpoint-folder";
import { checkpointConfig, configKindOf } from "./config-dump";

const LATEST = "latest";

/** What a checkpoint holds besides the models: the trainer's state, and the callbacks whose files belong to it. */
interface CheckpointTrainer {
  /** What the trainer's checkpoint file holds. */
  stateDict(): Map<string, unknown>;
  readonly callbacks?: readonly CheckpointParticipant[];
}

/** What the writer asks of a callback. */
export interface CheckpointParticipant {
  /**
   * Called before a checkpoint becomes visible. A callback that keeps files under its tag, or without whose files training
   * could not continue from it, writes them now: they become visible in the same step.
   *
   * @param checkpoint `resumable`: it holds weights, optimizer and trainer.
   */
  completeCheckpoint(tag: string, checkpoint: { readonly resumable: boolean }): void;
}

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
  readonly trainer?: CheckpointTrainer | null;
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

/** What one step of the checkpoint folder holds under a tag. */
interface Contents {
  weights: boolean;
  optimizer: boolean;
  trainer: boolean;
}

/** Checkpoints that will become visible together. */
interface Collection {
  readonly step: CheckpointStep;
  readonly tags: Map<string, Contents>;
  /** Model and trainer whose state belongs to the tags with `trainer`. */
  trained: { readonly model: ModelBase; readonly trainer: CheckpointTrainer } | null;
}

/**
 * Writes checkpoints: `{model}_cp={tag}_model.th` (weights), `…_optim.th` (optimizer), `…_trainer.th` (progress, callbacks).
 *
 * All files of one call become visible in one step, and between {@link hold} and {@link commit} those of all calls: then a
 * kill at any point leaves all of them or none. What has to be of the same update is completed by the callbacks
 * ({@link CheckpointParticipant.completeCheckpoint}).
 */
export class CheckpointWriter {
  readonly pathProvider: PathProvider;
  readonly updateCounter: UpdateCounter;
  readonly format: CheckpointFormat;
  readonly #logger = getLogger("CheckpointWriter");
  readonly #folder: CheckpointFolder;
  #collection: Collection | null = null;
  /** Tags whose files go when what is collected is visible. */
  readonly #removed = new Set<string>();
  /** The callbacks of the pass that is held; null: nothing is held. */
  #held: readonly CheckpointParticipant[] | null = null;
  #isCompleting = false;

  /** @param options.format - release of the Python framework that the files are for. Default: `2026.4`. */
  constructor({
    pathProvider,
    updateCounter,
    format = "2026.4",
  }: {
    pathProvider: PathProvider;
    updateCounter: UpdateCounter;
    format?: CheckpointFormat;
  }) {
    this.pathProvider = pathProvider;
    this.updateCounter = updateCounter;
    this.format = format;
    this.#folder = new CheckpointFolder(pathProvider.checkpointPath);
  }

  /**
   * Keeps back what is saved from now on until {@link commit}. The trainer's state is that of the commit: it has what
   * callbacks did after the one that saved.
   *
   * @param callbacks All callbacks of the run.
   */
  hold(callbacks: readonly CheckpointParticipant[]): void {
    this.#held = callbacks;
  }

  /** Makes everything visible that was saved since {@link hold}. */
  commit(): void {
    const callbacks = this.#held ?? [];
    this.#held = null;
    this.#commit(callbacks);
  }

  /** Drops what was saved since {@link hold}. */
  drop(): void {
    this.#held = null;
    this.#drop();
  }

  /** Writes one model file. */
  saveModelCheckpoint(options: SaveModelCheckpointOptions): void {
    this.saveModelCheckpoints([options]);
  }

  /** Writes several model files together. */
  saveModelCheckpoints(files: readonly SaveModelCheckpointOptions[]): void {
    this.#collect([], (collection) => {
      for (const file of files) this.#writeModel(collection, file);
    });
  }

  /**
   * Writes a checkpoint of a model, its submodels, their optimizers and the trainer. The trainer's state is asked for in
   * every process, files are written by the first.
   */
  save({ trainer = null, saveWeights = true, saveOptim = true, ...rest }: SaveOptions): void {
    const { saveLatestWeights = false, saveLatestOptim = false, model, checkpointTag } = rest;
    this.#collect(trainer?.callbacks ?? [], (collection) => {
      const weightTags = [...(saveWeights ? [checkpointTag] : []), ...(saveLatestWeights ? [LATEST] : [])];
      const optimTags = [...(saveOptim ? [checkpointTag] : []), ...(saveLatestOptim ? [LATEST] : [])];
      const write = (): void => {
        if (isRank0()) this.#writeModels(collection, model, null, rest, weightTags, optimTags);
      };
      if (optimTags.length === 0) write();
      else withWholeOptimizers(model, write);
      if (trainer !== null) {
        collection.trained = { model, trainer };
        for (const tag of new Set([...weightTags, ...optimTags])) contentsOf(collection, tag).trainer = true;
      }
    });
  }

  /**
   * Removes all files of a checkpoint, when what was saved before is visible: a kill leaves one too many at most. A tag that
   * is written at the same time stays.
   */
  remove(checkpointTag: string): void {
    if (!isRank0()) return;
    this.#removed.add(checkpointTag);
    if (this.#collection === null && this.#held === null) this.#removeOld(new Set());
  }

  #removeOld(written: ReadonlySet<string>): void {
    const tags = [...this.#removed].filter((tag) => !written.has(tag));
    this.#removed.clear();
    if (tags.length === 0) return;
    const names = this.#folder.names();
    // the trainer's file first: what is left of a checkpoint is none to go on from
    for (const part of ["trainer", "optim", "model"]) {
      for (const name of names.filter((each) => tags.some((tag) => each.endsWith(`_cp=${tag}_${part}.th`)))) {
        tryRemove(join(this.#folder.path, name));
        this.#logger.debug(`removed ${name}`);
      }
    }
  }

  /** Runs what adds to the checkpoints that are held, or makes what it adds visible at once. */
  #collect(callbacks: readonly CheckpointParticipant[], add: (collection: Collection) => void): void {
    this.#collection ??= { step: this.#folder.begin(), tags: new Map(), trained: null };
    try {
      scope(() => add(this.#collection as Collection));
    } catch (error) {
      this.#drop();
      throw error;
    }
    if (this.#held === null && !this.#isCompleting) this.#commit(callbacks);
  }

  #commit(callbacks: readonly CheckpointParticipant[]): void {
    if (this.#collection === null) return;
    try {
      scope(() => {
        this.#complete(this.#collection as Collection, callbacks);
        this.#writeTrainer(this.#collection as Collection);
      });
      const paths = [...this.#collection.step.names].map((name) => join(this.#folder.path, name));
      const written = new Set(this.#collection.tags.keys());
      this.#collection.step.commit();
      this.#collection = null;
      for (const path of paths) this.#logger.debug(`saved ${path}`);
      this.#removeOld(written);
    } finally {
      this.#drop();
    }
  }

  #drop(): void {
    this.#collection?.step.drop();
    this.#collection = null;
    this.#removed.clear();
  }

  /** Asks every callback for what it keeps under the tags that are written, until nothing more comes. */
  #complete(collection: Collection, callbacks: readonly CheckpointParticipant[]): void {
    const asked = new Set<string>();
    this.#isCompleting = true;
    try {
      for (let isNew = true; isNew;) {
        isNew = false;
        for (const tag of collection.tags.keys()) {
          const resumable = isResumable(collection, tag);
          if (asked.has(`${resumable} ${tag}`)) continue;
          asked.add(`${resumable} ${tag}`);
          isNew = true;
          for (const callback of callbacks) callback.completeCheckpoint(tag, { resumable });
        }
      }
    } finally {
      this.#isCompleting = false;
    }
  }

  #writeTrainer({ step, tags, trained }: Collection): void {
    if (trained === null) return;
    const state = trained.trainer.stateDict();
    if (!isRank0()) return;
    for (const [tag, { trainer }] of tags) {
      if (trainer) step.write(checkpointFileName(trained.model.name, tag, "trainer"), state);
    }
  }

  #writeModels(
    collection: Collection,
    model: nn.Module | null,
    compositeName: string | null,
    options: Pick<SaveOptions, "modelNamesToSave" | "saveFrozenWeights" | "modelInfo">,
    weightTags: readonly string[],
    optimTags: readonly string[],
  ): void {
    if (model === null) {
      return;
    }
    if (model instanceof CompositeModel) {
      const name = compositeName ?? model.name;
      for (const [key, submodel] of Object.entries(model.submodels)) {
        this.#writeModels(collection, submodel, `${name}.${key}`, options, weightTags, optimTags);
      }
      return;
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
      return;
    }
    const modelName = compositeName ?? model.name;
    const { optimizer, modelConfig } = model;
    for (const checkpointTag of weightTags) {
      this.#writeModel(collection, {
        modelName,
        checkpointTag,
        stateDict: model.stateDict(),
        modelConfig,
        modelInfo,
      });
    }
    for (const tag of optimTags) {
      if (optimizer === null) continue;
      contentsOf(collection, tag).optimizer = true;
      this.#write(collection, checkpointFileName(modelName, tag, "optim"), () => {
        const state = optimizer.stateDict();
        return this.format === "1.1" ? toRelease11OptimizerState(state, [...model.stateDict().keys()]) : state;
      });
    }
  }

  #writeModel(
    collection: Collection,
    {
      modelName,
      checkpointTag,
      stateDict,
      modelConfig = null,
      modelInfo = null,
      extra = {},
    }: SaveModelCheckpointOptions,
  ): void {
    contentsOf(collection, checkpointTag).weights ||= modelInfo === null || modelInfo === "";
    this.#write(collection, checkpointFileName(modelName, checkpointTag, "model", modelInfo), () => {
      const { epoch, update, sample } = this.updateCounter;
      const content: Record<string, unknown> = {
        [CheckpointKeys.STATE_DICT]: this.format === "1.1" ? toRelease11State(stateDict) : stateDict,
        [CheckpointKeys.CHECKPOINT_TAG]: checkpointTag,
        [CheckpointKeys.TRAINING_ITERATION]: { epoch, update, sample },
        [CheckpointKeys.RUN_ID]: this.pathProvider.runId,
        ...extra,
      };
      if (modelConfig !== null) {
        try {
          content[CheckpointKeys.MODEL_CONFIG] = checkpointConfig(modelConfig, this.format);
          content[CheckpointKeys.CONFIG_KIND] = configKindOf(modelConfig);
        } catch (cause) {
          throw new RuntimeError(`cannot store the configuration of model '${modelName}': ${String(cause)}`, { cause });
        }
      }
      return content;
    });
  }

  /** What callbacks add to complete a checkpoint never replaces what was saved on purpose. */
  #write({ step }: Collection, name: string, content: () => unknown): void {
    if (!this.#isCompleting || !step.names.has(name)) step.write(name, content());
  }
}

/** Runs with the whole state of every optimizer in the first process; of several processes all take part. */
function withWholeOptimizers(model: ModelBase, body: () => void): void {
  const optimizers = Object.values(model.getNamedModels()).flatMap(({ optimizer }) => optimizer ?? []);
  optimizers.reduceRight<() => void>((next, optimizer) => () => optimizer.withWholeState(next), body)();
}

function contentsOf({ tags }: Collection, tag: string): Contents {
  const contents = tags.get(tag) ?? { weights: false, optimizer: false, trainer: false };
  tags.set(tag, contents);
  return contents;
}

/** Whether training can continue from what is collected under a tag. */
function isResumable({ tags, trained }: Collection, tag: string): boolean {
  const { weights, optimizer, trainer } = tags.get(tag) as Contents;
  return trainer && weights && trained !== null && (optimizer || !hasOptimizer(trained.model));
}

function hasOptimizer(model: ModelBase | null): boolean {
  if (model instanceof CompositeModel) return Object.values(model.submodels).some(hasOptimizer);
  return model instanceof Model && model.optimizer !== null;
}
