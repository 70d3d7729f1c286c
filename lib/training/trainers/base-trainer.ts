import { distributed, nn, type Tensor } from "../../torch";
import { type CallbackBase, type CallbackDependencies, validateCheckpointKeys } from "../../core/callbacks";
import { getNumNodes, getWorldSize, isDistributed } from "../../core/distributed";
import { Factory } from "../../config/factory/factory";
import { createInitializer, type InitializerBase } from "../../initializers";
import type { DataContainerLike, DeviceBatch } from "../../core/interfaces/data";
import type { TrainerLike, TrainerResult } from "../../core/callbacks/trainer";
import type { ModelBase } from "../../core/models";
import { MetricPropertyProvider } from "../../core/providers";
import type { PathProvider } from "../../core/providers";
import { NotImplementedError, ValueError } from "../../config/python-errors";
import type { BaseTrainerConfig } from "./base-trainer-config";
import type { BaseTracker } from "../../core/trackers";
import {
  type AutocastContext,
  getGradScalerAndAutocastContext,
  getSupportedPrecision,
} from "../../core/device/precision";
import { type GradScalerLike } from "../../torch/amp/grad-scaler";
import { getLogger } from "../../core/logging";
import { TrainingIteration, UpdateCounter } from "../../core/iteration";
import { CheckpointWriter, LogWriter } from "../../core/writers";
import { BatchKeys } from "./batch-keys";
import { type BatchSizes, getBatchSizes } from "./batch-size";
import { CallbackRunner } from "./callback-runner";
import { createDefaultCallbacks } from "./default-callbacks";
import { type BackwardPass, GradientStep } from "./gradient-step";
import { NanGuard } from "./nan-guard";
import { TrainingRandomness } from "./random-state";
import { type LossResult, type LossWithOutputs, toTrainerResult } from "./result";
import { startIteration } from "./start-iteration";
import { StopCheckpoints } from "./stop-checkpoints";
import { loadTrainerStateDict, type TrainerState, trainerStateDict } from "./trainer-state";
import { TrainingLoop } from "./training-loop";
import { UpdateCapture } from "./update-capture";
import type { TrainerDependencies, UpdateResult, UpdateStep } from "./types";

/**
 * Trains a model: what is computed, callbacks, checkpoints, resumption. {@link TrainingLoop} goes through the data.
 *
 * Subclasses implement {@link lossCompute} (loss of the model's output), or override {@link trainStep} (the whole step).
 *
 * `Output` is what the model's `forward` returns, `Targets` the batch entries of `target_properties`:
 * `class DragTrainer extends BaseTrainer<Tensor, { drag: Tensor }>`.
 */
export abstract class BaseTrainer<Output = unknown, Targets extends DeviceBatch = DeviceBatch> implements TrainerLike {
  readonly config: BaseTrainerConfig;
  readonly dataContainer: DataContainerLike;
  readonly pathProvider: PathProvider;
  readonly device: string;
  readonly tracker: BaseTracker;
  readonly metricPropertyProvider: MetricPropertyProvider;
  readonly precision: "float32" | "float16" | "bfloat16";
  readonly gradScaler: GradScalerLike;
  readonly autocastContext: AutocastContext;
  readonly updatesPerEpoch: number;
  readonly startCheckpoint: TrainingIteration;
  readonly endCheckpoint: TrainingIteration;
  readonly updateCounter: UpdateCounter;
  readonly logWriter: LogWriter;
  readonly checkpointWriter: CheckpointWriter;
  readonly initializer: InitializerBase | null;
  readonly forwardProperties: readonly string[];
  readonly targetProperties: readonly string[];
  callbacks: readonly CallbackBase[] = [];

  protected readonly logger = getLogger("BaseTrainer");
  readonly #mainSamplerKwargs: { readonly shuffle?: boolean };
  readonly #randomness = new TrainingRandomness();
  readonly #nanGuard: NanGuard;
  readonly #gradientStep: GradientStep;
  /** Set while a run with `capture` trains. */
  #updateCapture: UpdateCapture | null = null;
  readonly #batchKeys: BatchKeys;
  readonly #stopCheckpoints: StopCheckpoints;

  constructor(config: BaseTrainerConfig, dependencies: TrainerDependencies) {
    this.#refuseOverrides();
    this.config = config;
    this.dataContainer = dependencies.dataContainer;
    this.pathProvider = dependencies.pathProvider;
    this.device = dependencies.device;
    this.tracker = dependencies.tracker;
    this.metricPropertyProvider = dependencies.metricPropertyProvider ?? new MetricPropertyProvider();
    this.#mainSamplerKwargs = dependencies.mainSamplerKwargs ?? {};
    this.endCheckpoint = new TrainingIteration(config.max_epochs, config.max_updates, config.max_samples);

    this.precision = getSupportedPrecision(config.precision, this.device);
    this.logger.debug(`using precision ${this.precision}`);
    ({ gradScaler: this.gradScaler, autocastContext: this.autocastContext } = getGradScalerAndAutocastContext(
      this.precision,
      this.device,
    ));

    const { effective_batch_size: effectiveBatchSize } = config;
    const samples = this.dataContainer.getDataset("train").length;
    if (samples < effectiveBatchSize) {
      throw new ValueError(
        `the training set has ${samples} samples, fewer than effective_batch_size ${effectiveBatchSize}`,
      );
    }
    const updatesPerEpoch = Math.floor(samples / effectiveBatchSize);
    this.updatesPerEpoch = updatesPerEpoch;
    this.initializer =
      config.initializer === null ? null : createInitializer(config.initializer, { pathProvider: this.pathProvider });
    const startAtEpoch = config.start_at_epoch;
    const { initializer, endCheckpoint: endIteration } = this;
    this.startCheckpoint = startIteration({ startAtEpoch, initializer, updatesPerEpoch, effectiveBatchSize });
    this.updateCounter = new UpdateCounter({
      startIteration: this.startCheckpoint,
      endIteration,
      updatesPerEpoch,
      effectiveBatchSize,
    });
    const { pathProvider, updateCounter, tracker } = this;
    this.logWriter = new LogWriter({ pathProvider, updateCounter, tracker });
    this.checkpointWriter = new CheckpointWriter({ pathProvider, updateCounter, format: config.checkpoint_format });
    this.#nanGuard = new NanGuard({ skip: config.skip_nan_loss, maxCount: config.skip_nan_loss_max_count });
    this.#gradientStep = new GradientStep({ gradScaler: this.gradScaler, nanGuard: this.#nanGuard });
    this.forwardProperties = config.forward_properties ?? [];
    this.targetProperties = config.target_properties ?? [];
    this.#batchKeys = new BatchKeys(
      this.forwardProperties,
      this.targetProperties,
      this.forwardProperties.filter((key) => this.isOptionalProperty(key)),
    );
    this.#stopCheckpoints = new StopCheckpoints(this, this.checkpointWriter, () => this.#randomness.stopGathering());
  }

  #refuseOverrides(): void {
    for (const method of ["train", "wrapModel"] as const) {
      if (this[method] !== BaseTrainer.prototype[method]) {
        throw new ValueError(
          `${this.constructor.name} overrides ${method}, which holds the run together; override trainStep, lossCompute or getTrainerCallbacks instead`,
        );
      }
    }
  }

  /** Steps in a row that were skipped because of a NaN loss. */
  get skipNanLossCounter(): number {
    return this.#nanGuard.count;
  }

  /** Updates of the whole run, not of what is left of it. */
  get totalTrainingUpdates(): number {
    const { epoch, update, sample } = this.endCheckpoint;
    return (
      update ??
      (epoch === null
        ? Math.floor((sample as number) / this.config.effective_batch_size)
        : epoch * this.updatesPerEpoch)
    );
  }

  // ---- what a trainer computes

  /**
   * Loss of a batch.
   *
   * @param _forwardOutput What the model returned.
   * @param _targets The batch's {@link targetProperties}.
   */
  lossCompute(_forwardOutput: Output, _targets: Targets): LossResult | LossWithOutputs {
    throw new NotImplementedError(`${this.constructor.name} has to implement lossCompute, or to override trainStep`);
  }

  /** Runs the model on the batch's forward properties (one object, by batch key) and computes the loss. */
  trainStep(batch: DeviceBatch, model: ModelBase): TrainerResult | Promise<TrainerResult> {
    const { forward, targets } = this.splitBatch(batch);
    const output = model.forward(forward) as Output;
    return toTrainerResult(this.lossCompute(output, targets as Targets));
  }

  /** Whether batches may lack one of the {@link forwardProperties}, because the model does without it. Default: no. */
  protected isOptionalProperty(_key: string): boolean {
    return false;
  }

  /**
   * The parts of a batch for the model and for the loss.
   *
   * @throws ValueError when the batch lacks one of them
   */
  protected splitBatch(batch: DeviceBatch): { forward: DeviceBatch; targets: DeviceBatch } {
    return this.#batchKeys.split(batch);
  }

  /** Callbacks of this trainer besides those of the configuration and the default ones. */
  getTrainerCallbacks(_dependencies: CallbackDependencies): CallbackBase[] {
    return [];
  }

  // ---- callbacks

  #dependencies(model: ModelBase): CallbackDependencies {
    return {
      trainer: this,
      model,
      dataContainer: this.dataContainer,
      tracker: this.tracker,
      logWriter: this.logWriter,
      checkpointWriter: this.checkpointWriter,
      metricPropertyProvider: this.metricPropertyProvider,
    };
  }

  /** Callbacks of the configuration, in its order. */
  getUserCallbacks(model: ModelBase): CallbackBase[] {
    return (this.config.callbacks ?? []).map((config) => {
      if (config.kind === null || config.kind === undefined) {
        throw new ValueError("a callback needs a kind, e.g. noether.core.callbacks.CheckpointCallback");
      }
      return new Factory().instantiate(config, { ...this.#dependencies(model) }) as CallbackBase;
    });
  }

  /** All callbacks of a training run: those of the configuration, the default ones, those of the trainer. */
  getAllCallbacks(model: ModelBase): CallbackBase[] {
    const dependencies = this.#dependencies(model);
    const user = this.getUserCallbacks(model);
    const callbacks = [
      ...user,
      ...(this.config.add_default_callbacks ? createDefaultCallbacks(this.config, dependencies, user) : []),
      ...(this.config.add_trainer_callbacks ? this.getTrainerCallbacks(dependencies) : []),
    ];
    validateCheckpointKeys(callbacks);
    return callbacks;
  }

  // ---- state

  get #state(): TrainerState {
    const { callbacks, updateCounter, gradScaler } = this;
    return { callbacks, updateCounter, gradScaler, randomness: this.#randomness };
  }

  /** What the trainer's checkpoint file holds. */
  stateDict(): Map<string, unknown> {
    return trainerStateDict(this.#state);
  }

  /** Restores callbacks, gradient scale and random numbers; the counter starts where {@link startCheckpoint} says. */
  loadStateDict(state: ReadonlyMap<string, unknown>): void {
    loadTrainerStateDict(this.#state, state);
  }

  // ---- runs

  #prepareModel(model: ModelBase, callbacks: readonly CallbackBase[], evaluation: boolean): void {
    model.to(this.device);
    model.initialize({ evaluation });
    if (this.initializer !== null) {
      this.initializer.initTrainer(this);
      this.initializer.initWeights(model);
      this.initializer.initOptimizer(model);
      this.initializer.initCallbacks(callbacks, model);
    }
  }

  /** The model as it is run. */
  wrapModel(model: ModelBase): ModelBase {
    if (!model.isInitialized) {
      throw new ValueError(`model '${model.name}' has to be initialized before training: call initialize()`);
    }
    if (isDistributed() && this.config.capture) {
      throw new NotImplementedError("capture: updates of several processes cannot be recorded yet: set capture: false");
    }
    if (this.config.use_torch_compile) {
      if (isDistributed()) this.logger.warning("use_torch_compile has no effect in several processes");
      else
        this.logger.info(
          "use_torch_compile: there is no compiler; updates are captured instead, as with capture: true",
        );
    }
    return model;
  }

  #callbackRunner(callbacks: readonly CallbackBase[]): CallbackRunner {
    return new CallbackRunner({
      callbacks,
      updateCounter: this.updateCounter,
      logWriter: this.logWriter,
      checkpointWriter: this.checkpointWriter,
      randomness: this.#randomness,
      onFailure: (model) => this.#stopCheckpoints.saveAfterError(model),
    });
  }

  #batchSizes(): BatchSizes {
    return getBatchSizes({
      effectiveBatchSize: this.config.effective_batch_size,
      maxBatchSize: this.config.max_batch_size,
      worldSize: getWorldSize(),
      numNodes: getNumNodes(),
      disableGradientAccumulation: this.config.disable_gradient_accumulation,
    });
  }

  /** Runs with metrics that are written, and without threads that load afterwards, however it ends. */
  async #loading(run: () => Promise<void>): Promise<void> {
    try {
      await this.logWriter.scope(run);
    } finally {
      await this.dataContainer.close?.();
    }
  }

  /** Trains the model from the start to the end of the run, or until a signal or a callback ends it. */
  async train(model: ModelBase): Promise<void> {
    await this.#loading(async () => this.#train(model));
  }

  async #train(model: ModelBase): Promise<void> {
    // an update is then the same for any number of processes
    if (isDistributed()) nn.SyncBatchNorm.convertSyncBatchnorm(model);
    this.callbacks = this.getAllCallbacks(model);
    this.#prepareModel(model, this.callbacks, false);
    if (this.config.activation_checkpointing) this.#checkpointActivations(model);
    const trained = this.wrapModel(model);
    const callbacks = this.#callbackRunner(this.callbacks);
    const sizes = this.#batchSizes();
    if (isDistributed()) this.#gradientStep.reducer = await this.#newReducer(trained);
    try {
      await this.#runTraining(trained, sizes, callbacks);
    } finally {
      this.#gradientStep.reducer?.close();
      this.#gradientStep.reducer = null;
    }
  }

  /** Gives all processes the weights of the first one, and averages gradients from then on. */
  async #newReducer(model: ModelBase): Promise<distributed.GradientReducer> {
    const { find_unused_params: findUnusedParameters, static_graph: staticGraph } = this.config;
    if (this.config.shard_optimizer_state) {
      for (const { optimizer } of Object.values(model.getNamedModels())) optimizer?.shardState();
    }
    // without a second copy of the gradients
    return distributed.GradientReducer.create(model, { findUnusedParameters, staticGraph, gradientAsBucketView: true });
  }

  async #runTraining(trained: ModelBase, sizes: BatchSizes, callbacks: CallbackRunner): Promise<void> {
    trained.eval();
    await callbacks.runHooks((callback) => callback.beforeTraining(this.updateCounter));
    await this.logWriter.flush();
    if (!this.updateCounter.isFinished) await this.#trainLoop(trained, sizes, callbacks);
    else if (this.totalTrainingUpdates === 0) await callbacks.evaluate(trained, sizes.batchSize);
    else {
      this.#randomness.resumeNow(); // what is saved at the end is what a longer run continues from
      this.logger.warning(
        `the run is already finished (${this.updateCounter.curIteration}): raise max_epochs, max_updates or max_samples to continue training`,
      );
    }
    trained.eval();
    await callbacks.runHooks((callback) => callback.afterTraining(this.updateCounter));
  }

  #checkpointActivations(model: ModelBase): void {
    const blocks = nn.checkpointBlocks(model);
    if (blocks.length === 0)
      throw new ValueError(
        `activation_checkpointing: expected a model with blocks in an nn.ModuleList, but '${model.name}' has none: leave it false, or call nn.checkpointModule for its parts`,
      );
    this.logger.info(`activation checkpointing of ${blocks.length} blocks`);
    this.logger.debug(`checkpointed: ${blocks.join(", ")}`);
  }

  async #trainLoop(model: ModelBase, sizes: BatchSizes, callbacks: CallbackRunner): Promise<void> {
    const captures = this.config.capture || (this.config.use_torch_compile && !isDistributed());
    this.#updateCapture = captures ? this.#newUpdateCapture() : null;
    const loop = new TrainingLoop({
      model,
      sizes,
      callbacks,
      dataContainer: this.dataContainer,
      shuffle: this.#mainSamplerKwargs.shuffle ?? true,
      updateCounter: this.updateCounter,
      randomness: this.#randomness,
      stopsOnInterrupt: this.config.save_on_sigint,
      update: async (step) => this.update(step),
      checkpoints: this.#stopCheckpoints,
    });
    try {
      await loop.run();
    } finally {
      this.#updateCapture?.close();
      this.#updateCapture = null;
    }
  }

  #newUpdateCapture(): UpdateCapture {
    const { device, gradScaler } = this;
    const { name } = this.constructor;
    const ownStep = this.gradientStep !== BaseTrainer.prototype.gradientStep;
    const asynchronous = this.trainStep.constructor.name === "AsyncFunction";
    return new UpdateCapture({
      device,
      gradScaler,
      gradientStep: this.#gradientStep,
      skipsNanLoss: this.config.skip_nan_loss,
      hindrance: ownStep
        ? `${name} overrides gradientStep`
        : asynchronous
          ? `${name}.trainStep is asynchronous, and other code could run in the middle of a recording`
          : this.config.activation_checkpointing
            ? "activation_checkpointing computes blocks again with earlier random numbers, which the host keeps"
            : null,
      forward: (batch, model) =>
        this.precision === "float32"
          ? this.trainStep(batch, model)
          : this.autocastContext(() => this.trainStep(batch, model)),
    });
  }

  /** Runs the callbacks of the configuration once, without training. */
  async eval(model: ModelBase): Promise<void> {
    await this.#loading(async () => this.#eval(model));
  }

  async #eval(model: ModelBase): Promise<void> {
    const callbacks = this.getUserCallbacks(model);
    this.#prepareModel(model, callbacks, true);
    const evaluated = this.wrapModel(model);
    evaluated.eval();
    await this.#callbackRunner(callbacks).evaluate(evaluated, this.#batchSizes().batchSize);
  }

  // ---- an update

  /** Forward and backward pass of a batch, and with the last pass of an update the optimizer's step. */
  async update({ batch, model, ...pass }: UpdateStep): Promise<UpdateResult> {
    if (!model.training && !model.isFrozen) {
      throw new ValueError(`model '${model.name}' has to be in training mode for an update: call train()`);
    }
    const captured = await this.#updateCapture?.run({ batch, model, ...pass });
    if (captured != null) return captured;
    const start = performance.now();
    this.#gradientStep.reducer?.beforeForward();
    const result =
      this.precision === "float32"
        ? await this.trainStep(batch, model)
        : await this.autocastContext(async () => this.trainStep(batch, model));
    const afterForward = performance.now();
    if (typeof result !== "object" || result === null || result.totalLoss === undefined) {
      throw new TypeError(
        `${this.constructor.name}.trainStep has to return a TrainerResult { totalLoss, lossesToLog?, additionalOutputs? }`,
      );
    }
    this.#nanGuard.refuse(result.totalLoss, this.updateCounter.curIteration);
    await this.gradientStep({ totalLoss: result.totalLoss, model, ...pass });
    const losses: Record<string, Tensor> = { total: result.totalLoss.detach() };
    for (const [name, loss] of Object.entries(result.lossesToLog ?? {})) losses[name] = loss.detach();
    return {
      losses,
      updateOutputs: result.additionalOutputs ?? null,
      skipped: this.#gradientStep.skipsUpdate,
      times: { forward: (afterForward - start) / 1000, backward: (performance.now() - afterForward) / 1000 },
    };
  }

  /** Backward pass; with the last pass of an update clipping, the optimizer's step and the end of the gradients. */
  protected gradientStep(pass: BackwardPass): Promise<void> | void {
    return this.#gradientStep.run(pass);
  }
}
