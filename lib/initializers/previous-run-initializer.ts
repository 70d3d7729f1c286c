import type { z } from "zod";
import { FileNotFoundError, KeyError } from "../config/python-errors";
import { register } from "../config/registry";
import { bool, list, mapping, optional, str, tag, type FieldType } from "../config/schema";
import type { CallbackBase } from "../core/callbacks";
import type { InitializerDependencies } from "../core/initializers";
import { CompositeModel, Model, type ModelBase } from "../core/models";
import { type Tensor } from "../torch";
import { CheckpointInitializer, CheckpointInitializerConfig } from "./checkpoint-initializer";
import { loadWeights } from "./load-weights";

/** Config of {@link PreviousRunInitializer}. */
export const PreviousRunInitializerConfig = CheckpointInitializerConfig.extend("PreviousRunInitializerConfig", {
  fields: {
    kind: tag("noether.core.initializers.PreviousRunInitializer"),
    /** Also loads the optimizer's state. */
    load_optim: bool().default(false),
    /** State-dict keys to drop; each must be there. */
    keys_to_remove: optional(list(str())),
    /** Substrings: every key that contains one is dropped. */
    patterns_to_remove: optional(list(str())),
    /** `{ src, dst }`: every occurrence of `src` in a key becomes `dst`. */
    patterns_to_rename: optional(list(mapping(str()))),
    /** Substrings: matching keys keep the model's freshly initialised values. */
    patterns_to_instantiate: optional(list(str())),
  },
});
export type PreviousRunInitializerConfig = z.output<typeof PreviousRunInitializerConfig>;
register("noether.core.schemas.initializers.PreviousRunInitializerConfig", {
  schema: PreviousRunInitializerConfig,
  aliases: ["noether.core.initializers.PreviousRunInitializerConfig"],
});

/**
 * Starts from the weights of another run. Keys of the checkpoint can be removed, renamed, or replaced by the model's own
 * fresh values on the way.
 */
export class PreviousRunInitializer extends CheckpointInitializer {
  static readonly schema: FieldType = PreviousRunInitializerConfig;
  readonly keysToRemove: readonly string[];
  readonly patternsToRemove: readonly string[];
  readonly patternsToRename: readonly Readonly<Record<string, string>>[];
  readonly patternsToInstantiate: readonly string[];

  constructor(config: PreviousRunInitializerConfig, dependencies: InitializerDependencies) {
    super(config, dependencies);
    this.keysToRemove = config.keys_to_remove ?? [];
    this.patternsToRemove = config.patterns_to_remove ?? [];
    this.patternsToRename = config.patterns_to_rename ?? [];
    this.patternsToInstantiate = config.patterns_to_instantiate ?? [];
  }

  /**
   * @param modelName First part of the file name; by default that of the configuration, else the model's name. Of a composite
   * `{name}.{key}` is read for each submodel, unless there is one file for all, as averages of the whole composite have it.
   */
  override initWeights(model: ModelBase, modelName: string | null = null): void {
    if (model instanceof CompositeModel) {
      const name = modelName ?? this.modelName ?? model.name;
      if (this.hasModelFile(name)) return this.#load(model, name);
      for (const [key, submodel] of Object.entries(model.submodels)) {
        if (submodel !== null) this.initWeights(submodel, `${name}.${key}`);
      }
      return;
    }
    if (!(model instanceof Model)) {
      throw new TypeError(
        `expected a Model or a CompositeModel to load weights into, but got ${(model as object | null)?.constructor?.name ?? String(model)}`,
      );
    }
    this.#load(model, modelName);
  }

  #load(model: ModelBase, modelName: string | null): void {
    const { stateDict, path, modelConfig } = this.getModelStateDict(model, modelName);
    this.#removeKeys(stateDict, path);
    this.#removePatterns(stateDict);
    this.#renamePatterns(stateDict);
    this.#instantiatePatterns(stateDict, model);
    loadWeights(model, stateDict, `the weights of '${path}'`, this.logger, modelConfig);
    this.logger.info(`loaded weights of ${model.name} from ${path}`);
  }

  #removeKeys(state: Map<string, Tensor>, path: string): void {
    for (const key of this.keysToRemove) {
      if (!state.delete(key)) {
        throw new KeyError(
          `keys_to_remove: '${key}' is not in '${path}'; use patterns_to_remove for keys that may be missing`,
        );
      }
    }
  }

  #removePatterns(state: Map<string, Tensor>): void {
    for (const pattern of this.patternsToRemove) {
      for (const key of [...state.keys()]) if (key.includes(pattern)) state.delete(key);
    }
  }

  /** Renamed keys move to the end; a key that exists already is replaced. */
  #renamePatterns(state: Map<string, Tensor>): void {
    for (const { src, dst = "" } of this.patternsToRename) {
      if (src === undefined) {
        throw new KeyError("patterns_to_rename: every entry needs src");
      }
      for (const key of [...state.keys()]) {
        const value = state.get(key);
        if (value === undefined || !key.includes(src)) continue;
        const renamed = key.replaceAll(src, dst);
        state.delete(key);
        if (state.has(renamed)) this.logger.info(`patterns_to_rename: '${key}' replaces '${renamed}'`);
        state.set(renamed, value);
      }
    }
  }

  /** Keys of the model that match keep the values that the model was built with. */
  #instantiatePatterns(state: Map<string, Tensor>, model: ModelBase): void {
    const own = model.stateDict();
    for (const pattern of this.patternsToInstantiate) {
      for (const [key, value] of own) if (key.includes(pattern)) state.set(key, value.clone());
    }
  }

  /** Lets callbacks read their own files of the other run; one without a file is left as it is, with a warning. */
  override initCallbacks(callbacks: readonly CallbackBase[], model: ModelBase): void {
    for (const callback of callbacks) {
      try {
        callback.resumeFromCheckpoint(
          this.initRunPathProvider,
          model,
          this.getCheckpointTag(`${this.modelName ?? model.name}_cp=`, "_model.th"),
        );
      } catch (error) {
        if (!(error instanceof FileNotFoundError)) throw error;
        this.logger.warning(`${callback} starts fresh: ${error.message}`);
      }
    }
  }
}

register("noether.core.initializers.PreviousRunInitializer", {
  class: PreviousRunInitializer,
  aliases: ["noether.core.initializers.previous_run.PreviousRunInitializer"],
});
