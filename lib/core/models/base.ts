import { nn, type Tensor } from "../../torch";
import { createModelInitializer, type ModelInitializer } from "../initializers/create-initializer";
import type { DataContainerLike } from "../interfaces/data";
import { NotImplementedError, ValueError } from "../../config/python-errors";
import type { OptimizerWrapper } from "../optimizer/optimizer-wrapper";
import type { PathProvider } from "../providers/path";
import type { ModelBaseConfig } from "./model-base-config";
import { loadEitherRelease } from "../release-1.1";
import { getLogger, type Logger } from "../logging";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import type { UpdateCounter } from "../iteration/update-counter";

/** What a model gets from the run that builds it. All of it may be missing outside of a run. */
export interface ModelDependencies {
  /** Progress of training, for schedules. */
  readonly updateCounter?: UpdateCounter | null;
  /** Paths of the run, for initializers. */
  readonly pathProvider?: PathProvider | null;
  readonly dataContainer?: DataContainerLike | null;
}

/** How a model is initialised. */
export interface InitializeOptions {
  /** The model is not going to be trained: an optimizer is not required. */
  readonly evaluation?: boolean;
}

/** Base of {@link Model} (one network, one optimizer) and {@link CompositeModel} (several of them). */
export abstract class ModelBase extends nn.Module {
  /** Unique name; part of checkpoint file names. */
  name: string;
  readonly modelConfig: ModelBaseConfig;
  readonly updateCounter: UpdateCounter | null;
  readonly pathProvider: PathProvider | null;
  readonly dataContainer: DataContainerLike | null;
  /** Applied in order by {@link applyInitializers}. */
  readonly initializers: readonly ModelInitializer[];
  isInitialized = false;
  protected readonly logger: Logger;

  constructor(
    modelConfig: ModelBaseConfig,
    { updateCounter = null, pathProvider = null, dataContainer = null }: ModelDependencies = {},
  ) {
    super();
    this.name = modelConfig.name;
    this.modelConfig = modelConfig;
    this.updateCounter = updateCounter;
    this.pathProvider = pathProvider;
    this.dataContainer = dataContainer;
    this.logger = getLogger(this.constructor.name);
    this.initializers = (modelConfig.initializers ?? []).map((config) => {
      if (pathProvider === null) {
        throw new ValueError(`model '${this.name}' has initializers, so it needs a path provider to find other runs`);
      }
      return createModelInitializer(config, { pathProvider });
    });
  }

  /** The optimizer of a {@link Model}, null before {@link initialize} and for models without one. */
  get optimizer(): OptimizerWrapper | null {
    return null;
  }

  /** Device of the weights, e.g. `cpu` or `cuda:0`. */
  get device(): string {
    throw new NotImplementedError(`${this.constructor.name} has to provide device`);
  }

  /** True if no weight is to be trained. */
  get isFrozen(): boolean {
    throw new NotImplementedError(`${this.constructor.name} has to provide isFrozen`);
  }

  /** Number of weights; shared ones count once. */
  get paramCount(): number {
    return count(this.parameters());
  }

  /** Number of weights that are trained. */
  get trainableParamCount(): number {
    return count(this.parameters().filter((parameter) => parameter.requiresGrad));
  }

  /** Number of weights that are not trained. */
  get frozenParamCount(): number {
    return count(this.parameters().filter((parameter) => !parameter.requiresGrad));
  }

  /** Names of parameters that should have a gradient but have none. */
  get nogradParamnames(): string[] {
    return this.namedParameters()
      .filter(([, parameter]) => parameter.requiresGrad && parameter.grad === null)
      .map(([name]) => name);
  }

  /** Takes weights of release 1.1 of the Python framework, too. */
  override loadStateDict(state: nn.StateDict, options: { strict?: boolean } = {}): nn.LoadResult {
    return loadEitherRelease(this, state, (current) => super.loadStateDict(current, options));
  }

  /**
   * Called when weights were loaded from a file that holds this config of their model. A model overrides it that predicts something else
   * with weights that the Python framework trained: its configs lack a key that ours have.
   */
  adoptStoredConfig(_stored: Readonly<Record<string, unknown>>): void {}

  /** Sets up weights, then the optimizer, then what the initializers load. */
  initialize(options: InitializeOptions = {}): this {
    this.initializeWeights();
    this.initializeOptimizer(options);
    this.applyInitializers();
    this.isInitialized = true;
    return this;
  }

  /** Models by the name under which metrics list them. */
  abstract getNamedModels(): Record<string, ModelBase>;
  abstract initializeWeights(): void;
  abstract initializeOptimizer(options?: InitializeOptions): void;
  abstract applyInitializers(): void;
  /** Clips and applies the gradients. `updateScaler` false: the caller updates the gradient scaler. */
  abstract optimizerStep(gradScaler: GradScalerLike | null, options?: { updateScaler?: boolean }): void;
  /** Sets learning rate and weight decay of the update that comes next. */
  abstract optimizerScheduleStep(): void;
  /** Drops the gradients. */
  abstract optimizerZeroGrad(setToNone?: boolean): void;
}

function count(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.numel(), 0);
}
