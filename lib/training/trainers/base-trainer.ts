import { noGrad, scope, type Tensor } from "../../torch";
import {
  buildCallbackStateDict,
  type CallbackBase,
  type CallbackDependencies,
  EarlyStopIteration,
  loadCallbackStateDicts,
  PeriodicCallback,
  validateCheckpointKeys,
} from "../../core/callbacks";
import { CheckpointKeys, TRAINING_DATA_WAIT_TIME, TRAINING_UPDATE_TIME } from "../../core/checkpoint-keys";
import { getNumNodes, getWorldSize } from "../../core/distributed";
import { Factory } from "../../core/factory";
import { createInitializer, type InitializerBase } from "../../core/initializers";
import type { Batch, DataContainerLike, DeviceBatch } from "../../core/interfaces/data";
import type { TrainerLike, TrainerResult } from "../../core/interfaces/trainer";
import type { ModelBase } from "../../core/models";
import { MetricPropertyProvider } from "../../core/providers";
import type { PathProvider } from "../../core/providers";
import { NotImplementedError, RuntimeError, ValueError } from "../../core/python-errors";
import type { BaseTrainerConfig } from "../../core/schemas/trainers";
import type { BaseTracker } from "../../core/trackers";
import {
  type AutocastContext,
  getGradScalerAndAutocastContext,
  getSupportedPrecision,
  type GradScalerLike,
  moveItemsToDevice,
} from "../../core/utils/torch";
import { getLogger, withLogContext } from "../../core/utils/logging";
import { TrainingIteration, UpdateCounter } from "../../core/utils/training";
import { fullySpecified } from "../../core/utils/training/training-iteration";
import { CheckpointWriter, LogWriter } from "../../core/writers";
import { type BatchSizes, getBatchSizes } from "./batch-size";
import { createDefaultCallbacks } from "./default-callbacks";
import { TrainingRandomness } from "./random-state";
import { type LossResult, type LossWithOutputs, toTrainerResult } from "./result";
import { StopSignals } from "./signals";

/** What a trainer is built with. */
export interface TrainerDependencies {
  readonly dataContainer: DataContainerLike;
  /** `cpu`, `cuda`, `cuda:0`. */
  readonly device: string;
  readonly tracker: BaseTracker;
  readonly pathProvider: PathProvider;
  /** `shuffle` false: training samples in the order of the data set. */
  readonly mainSamplerKwargs?: { readonly shuffle?: boolean };
  readonly metricPropertyProvider?: MetricPropertyProvider;
}

/** One forward and backward pass. */
export interface UpdateStep {
  readonly batch: DeviceBatch;
  readonly model: ModelBase;
  /** Passes per update. */
  readonly accumulationSteps: number;
  /** Index of this pass within the epoch. */
  readonly accumulationStep: number;
  readonly retainGraph?: boolean;
}

/** What a pass gives: detached losses, further outputs, and seconds by what they were spent on. */
export interface UpdateResult {
  readonly losses: Readonly<Record<string, Tensor>>;
  readonly updateOutputs: Readonly<Record<string, unknown>> | null;
  readonly times: { readonly forward: number; readonly backward: number };
}

/** Why the training loop ended. */
type Outcome = "continue" | "stop";

/**
 * Trains a model: data, updates, callbacks, checkpoints, interruption and resumption.
 *
 * Subclasses implement {@link lossCompute} (loss of the model's output), or override {@link trainStep} (the whole step).
 * Each update runs in a scope, and the event loop gets a turn after each.
 */
export abstract class BaseTrainer implements TrainerLike {
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
  /** Steps in a row that were skipped because of a NaN loss. */
  skipNanLossCounter = 0;

  protected readonly logger = getLogger("BaseTrainer");
  readonly #mainSamplerKwargs: { readonly shuffle?: boolean };
  readonly #randomness = new TrainingRandomness();
  #skipStep = false;
  #unusedParametersReported = false;
  #batchKeysReported = false;

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
    this.logger.info(`using precision ${this.precision}`);
    ({ gradScaler: this.gradScaler, autocastContext: this.autocastContext } = getGradScalerAndAutocastContext(
      this.precision,
      this.device,
    ));

    const samples = this.dataContainer.getDataset("train").length;
    if (samples < config.effective_batch_size) {
      throw new ValueError(
        `the training set has ${samples} samples, fewer than effective_batch_size ${config.effective_batch_size}`,
      );
    }
    this.updatesPerEpoch = Math.floor(samples / config.effective_batch_size);
    this.initializer =
      config.initializer === null ? null : createInitializer(config.initializer, { pathProvider: this.pathProvider });
    this.startCheckpoint = this.#start();
    this.updateCounter = new UpdateCounter({
      startIteration: this.startCheckpoint,
      endIteration: this.endCheckpoint,
      updatesPerEpoch: this.updatesPerEpoch,
      effectiveBatchSize: config.effective_batch_size,
    });
    this.logWriter = new LogWriter({
      pathProvider: this.pathProvider,
      updateCounter: this.updateCounter,
      tracker: this.tracker,
    });
    this.checkpointWriter = new CheckpointWriter({
      pathProvider: this.pathProvider,
      updateCounter: this.updateCounter,
    });
    this.forwardProperties = config.forward_properties ?? [];
    this.targetProperties = config.target_properties ?? [];
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

  #start(): TrainingIteration {
    const { start_at_epoch: startAtEpoch, effective_batch_size: effectiveBatchSize } = this.config;
    if (this.initializer === null) {
      return new TrainingIteration(startAtEpoch ?? 0).toFullySpecified(this.updatesPerEpoch, effectiveBatchSize);
    }
    if (startAtEpoch !== null) {
      throw new ValueError(
        "start_at_epoch cannot be used together with an initializer: the checkpoint says where training starts",
      );
    }
    const start = this.initializer.startCheckpoint();
    const derived = new TrainingIteration(null, fullySpecified(start, "the start of training").update).toFullySpecified(
      this.updatesPerEpoch,
      effectiveBatchSize,
    );
    if (!start.equals(derived)) {
      throw new ValueError(
        `the checkpoint stands at ${start}, but with this training set and effective_batch_size ${effectiveBatchSize} that update is ${derived}: ` +
          "resume with the data and batch size that the run was started with",
      );
    }
    return start;
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
  lossCompute(_forwardOutput: unknown, _targets: DeviceBatch): LossResult | LossWithOutputs {
    throw new NotImplementedError(`${this.constructor.name} has to implement lossCompute, or to override trainStep`);
  }

  /** Runs the model on the batch's forward properties (one object, by batch key) and computes the loss. */
  trainStep(batch: DeviceBatch, model: ModelBase): TrainerResult | Promise<TrainerResult> {
    const { forward, targets } = this.splitBatch(batch);
    return toTrainerResult(this.lossCompute(model.forward(forward), targets));
  }

  /** The parts of a batch for the model and for the loss. Keys that are missing, and keys that are not used, are reported once. */
  protected splitBatch(batch: DeviceBatch): { forward: DeviceBatch; targets: DeviceBatch } {
    const used = new Set([...this.forwardProperties, ...this.targetProperties]);
    const missing = [...used].filter((key) => !Object.hasOwn(batch, key));
    // Every batch tells which samples it is made of.
    const unused = Object.keys(batch).filter((key) => !used.has(key) && key !== "index");
    if (missing.length + unused.length > 0 && !this.#batchKeysReported) {
      this.#batchKeysReported = true;
      this.logger.warning(
        `batches differ from forward_properties and target_properties: missing ${missing.join(", ") || "nothing"}, not used ${unused.join(", ") || "nothing"}`,
      );
    }
    const pick = (keys: readonly string[]): DeviceBatch =>
      Object.fromEntries(keys.filter((key) => Object.hasOwn(batch, key)).map((key) => [key, batch[key] ?? null]));
    return { forward: pick(this.forwardProperties), targets: pick(this.targetProperties) };
  }

  /** Callbacks of this trainer beside those of the configuration and the default ones. */
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

  /** What the trainer's checkpoint file holds. */
  stateDict(): Map<string, unknown> {
    const { epoch, update, sample } = this.updateCounter;
    return new Map<string, unknown>([
      [CheckpointKeys.CALLBACK_STATE_DICT, buildCallbackStateDict(this.callbacks)],
      [CheckpointKeys.TRAINING_ITERATION, { epoch, update, sample }],
      [CheckpointKeys.GRAD_SCALER, this.gradScaler.stateDict()],
      [CheckpointKeys.RANDOM_STATE, this.#randomness.stateDict()],
    ]);
  }

  /** Takes up callbacks, gradient scale and random numbers of a checkpoint; the counter starts where {@link startCheckpoint} says. */
  loadStateDict(state: ReadonlyMap<string, unknown>): void {
    loadCallbackStateDicts(this.callbacks, state.get(CheckpointKeys.CALLBACK_STATE_DICT) ?? {}, this.logger);
    const scaler = state.get(CheckpointKeys.GRAD_SCALER);
    if (scaler === undefined) {
      this.logger.warning("the checkpoint has no state of the gradient scaler");
    } else {
      this.gradScaler.loadStateDict(
        scaler instanceof Map ? (scaler as Map<string, unknown>) : new Map(Object.entries(scaler as object)),
      );
    }
    this.#randomness.loadStateDict(state.get(CheckpointKeys.RANDOM_STATE));
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
    if (this.config.use_torch_compile) {
      this.logger.warning("use_torch_compile has no effect: the model runs eagerly");
    }
    return model;
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

  /** Trains the model from the start to the end of the run, or until a signal or a callback ends it. */
  async train(model: ModelBase): Promise<void> {
    this.callbacks = this.getAllCallbacks(model);
    this.#prepareModel(model, this.callbacks, false);
    const trained = this.wrapModel(model);
    const sizes = this.#batchSizes();

    trained.eval();
    await this.#runHooks((callback) => callback.beforeTraining(this.updateCounter));
    await this.logWriter.flush();
    if (this.updateCounter.isFinished) {
      await this.#withoutTraining(trained, sizes.batchSize);
    } else {
      const { curIteration, endIteration } = this.updateCounter;
      const end = fullySpecified(endIteration, "the end of training");
      const context = () => ({
        epoch: curIteration.epoch ?? 0,
        maxEpoch: end.epoch,
        update: curIteration.update ?? 0,
        maxUpdate: end.update,
      });
      try {
        await withLogContext(context, () => this.#train(trained, sizes));
      } catch (error) {
        await this.#tryFinishLog();
        throw error;
      }
    }
    trained.eval();
    await this.#runHooks((callback) => callback.afterTraining(this.updateCounter));
    await this.logWriter.flush();
    this.logWriter.finish();
  }

  /** A run of length zero only evaluates; one that was finished before has nothing to do. */
  async #withoutTraining(model: ModelBase, batchSize: number): Promise<void> {
    if (this.totalTrainingUpdates === 0) {
      await this.#runEvaluation(this.callbacks, model, batchSize);
    } else {
      this.logger.warning(
        `the run is finished already (${this.updateCounter.curIteration}): raise max_epochs, max_updates or max_samples to train on`,
      );
    }
  }

  /** Runs the callbacks of the configuration once, without training. */
  async eval(model: ModelBase): Promise<void> {
    const callbacks = this.getUserCallbacks(model);
    this.#prepareModel(model, callbacks, true);
    const evaluated = this.wrapModel(model);
    evaluated.eval();
    await this.#runEvaluation(callbacks, evaluated, this.#batchSizes().batchSize);
    await this.logWriter.flush();
    this.logWriter.finish();
  }

  async #runEvaluation(callbacks: readonly CallbackBase[], trainerModel: ModelBase, batchSize: number): Promise<void> {
    for (const callback of callbacks) {
      if (!(callback instanceof PeriodicCallback)) continue;
      await noGrad(async () =>
        scope(async () => callback.atEval({ updateCounter: this.updateCounter, trainerModel, batchSize })),
      );
    }
  }

  /** Runs a hook of all callbacks in order, without gradients, apart from the random numbers of training. */
  async #runHooks(hook: (callback: CallbackBase) => Promise<void> | void): Promise<void> {
    await this.#randomness.isolate(() =>
      noGrad(async () =>
        scope(async () => {
          for (const callback of this.callbacks) await hook(callback);
        }),
      ),
    );
  }

  get #periodicCallbacks(): PeriodicCallback[] {
    return this.callbacks.filter((callback) => callback instanceof PeriodicCallback);
  }

  // ---- the training loop

  async #train(model: ModelBase, sizes: BatchSizes): Promise<void> {
    const signals = new StopSignals({ interrupt: this.config.save_on_sigint });
    const batches = this.#openTrainingData(sizes.batchSize)[Symbol.asyncIterator]();
    try {
      await this.#resumeRandomness(batches, sizes.accumulationSteps);
      let outcome: Outcome = "continue";
      while (outcome === "continue" && !this.updateCounter.isFinished) {
        outcome = await this.#runEpoch(model, batches, sizes, signals);
      }
    } finally {
      signals.close();
      await batches.return?.();
    }
  }

  #openTrainingData(batchSize: number): AsyncIterable<Batch> {
    const dataset = this.dataContainer.getDataset("train");
    if (dataset.pipeline === null || dataset.pipeline === undefined) {
      throw new ValueError("the training set has no pipeline that collates its samples");
    }
    const { update: lastUpdate } = fullySpecified(this.updateCounter.endIteration, "the end of training");
    const { epoch: startEpoch } = fullySpecified(this.startCheckpoint, "the start of training");
    return this.dataContainer.getDataLoader({
      trainSampler: this.dataContainer.getMainSampler(dataset, this.#mainSamplerKwargs.shuffle ?? true),
      trainCollator: dataset.pipeline,
      batchSize,
      // The loop below decides when training ends; the loader only has to have enough.
      epochs: Math.ceil(lastUpdate / this.updatesPerEpoch),
      callbackSamplers: [],
      startEpoch: startEpoch === 0 ? null : startEpoch,
    });
  }

  /** Brings random numbers and data to where the interrupted run was: inside an epoch, batches that it has seen are left out. */
  async #resumeRandomness(batches: AsyncIterator<Batch>, accumulationSteps: number): Promise<void> {
    const seen = (this.updateCounter.update % this.updatesPerEpoch) * accumulationSteps;
    if (seen > 0) {
      if (!this.#randomness.isResumed) {
        this.logger.warning(
          "the checkpoint lies inside an epoch and holds no random state: the rest of the epoch comes in a new random order",
        );
      }
      this.#randomness.resumeEpochStart();
      this.#randomness.markEpochStart();
      for (let i = 0; i < seen; i++) await scope(async () => void (await this.#next(batches)));
    }
    this.#randomness.resumeNow();
  }

  async #next(batches: AsyncIterator<Batch>): Promise<Batch> {
    const next = await batches.next();
    if (next.done === true) {
      throw new RuntimeError(
        `the data loader ended at ${this.updateCounter.curIteration}, before the end of training at ${this.updateCounter.endIteration}`,
      );
    }
    return next.value;
  }

  async #runEpoch(
    model: ModelBase,
    batches: AsyncIterator<Batch>,
    sizes: BatchSizes,
    signals: StopSignals,
  ): Promise<Outcome> {
    const counter = this.updateCounter;
    const { accumulationSteps, batchSize } = sizes;
    if (counter.isFullEpoch) this.#randomness.markEpochStart();
    let stop = false;
    do {
      const isEpochEnd = (counter.update + 1) % this.updatesPerEpoch === 0;
      try {
        await scope(async () => this.#runUpdate(model, batches, accumulationSteps));
      } catch (error) {
        // Nothing that the update computed has reached the weights, so they are worth keeping.
        this.#trySaveCheckpoint(model, "error");
        throw error;
      }
      if (isEpochEnd && !(counter.update >= this.#lastUpdate)) await this.#dropIncompleteUpdate(batches, sizes);
      stop = (await this.#runPeriodicCallbacks("afterUpdate", model, batchSize)) || stop;
      // Other code (signals, timers, streams) gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    } while (!counter.isFullEpoch && !counter.isFinished && !stop && signals.received === null);

    if (counter.isFullEpoch) {
      stop = (await this.#runPeriodicCallbacks("afterEpoch", model, batchSize)) || stop;
    }
    if (stop) {
      this.#saveCheckpoint(model, "early_exit");
    } else if (signals.received !== null) {
      this.#saveCheckpoint(model, "signal_interrupt");
    }
    return stop || signals.received !== null ? "stop" : "continue";
  }

  get #lastUpdate(): number {
    return fullySpecified(this.updateCounter.endIteration, "the end of training").update;
  }

  /** Full batches at the end of an epoch that are too few for an update. */
  async #dropIncompleteUpdate(
    batches: AsyncIterator<Batch>,
    { batchSize, accumulationSteps }: BatchSizes,
  ): Promise<void> {
    const samples = this.dataContainer.getDataset("train").length;
    const perEpoch = Math.floor(samples / (batchSize * getWorldSize()));
    for (let i = this.updatesPerEpoch * accumulationSteps; i < perEpoch; i++)
      await scope(async () => void (await this.#next(batches)));
  }

  async #runUpdate(model: ModelBase, batches: AsyncIterator<Batch>, accumulationSteps: number): Promise<void> {
    const counter = this.updateCounter;
    const times: Record<string, number> = {};
    const addTime = (name: string, seconds: number): void => {
      times[name] = (times[name] ?? 0) + seconds;
    };
    model.optimizerScheduleStep();
    const first = (counter.update % this.updatesPerEpoch) * accumulationSteps;
    for (let accumulationStep = first; accumulationStep < first + accumulationSteps; accumulationStep++) {
      const start = performance.now();
      const loaded = await this.#next(batches);
      addTime(TRAINING_DATA_WAIT_TIME, (performance.now() - start) / 1000);
      for (const [key, value] of Object.entries(loaded)) {
        if (key.startsWith("__meta_time_")) addTime(key.slice("__meta_time_".length), Number(value));
      }
      const batch = moveItemsToDevice(model.device, loaded);
      model.train();
      const result = await this.update({ batch, model, accumulationSteps, accumulationStep });
      await noGrad(async () => {
        for (const callback of this.#periodicCallbacks) {
          await callback.trackAfterAccumulationStep({
            updateCounter: counter,
            batch,
            losses: result.losses,
            updateOutputs: result.updateOutputs,
            accumulationSteps,
            accumulationStep,
          });
        }
      });
      addTime("forward", result.times.forward);
      addTime("backward", result.times.backward);
      addTime(TRAINING_UPDATE_TIME, result.times.forward + result.times.backward);
    }
    counter.addSamples(this.config.effective_batch_size);
    counter.nextUpdate();
    if (counter.isFullEpoch) counter.nextEpoch();
    model.eval();
    await noGrad(async () => {
      for (const callback of this.#periodicCallbacks) await callback.trackAfterUpdateStep(counter, times);
    });
  }

  /** Forward and backward pass of a batch, and with the last pass of an update the optimizer's step. */
  async update({
    batch,
    model,
    accumulationSteps,
    accumulationStep,
    retainGraph = false,
  }: UpdateStep): Promise<UpdateResult> {
    if (!model.training && !model.isFrozen) {
      throw new ValueError(`model '${model.name}' has to be in training mode for an update: call train()`);
    }
    const start = performance.now();
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
    this.#refuseNan(result.totalLoss);
    this.gradientStep({ totalLoss: result.totalLoss, model, accumulationSteps, accumulationStep, retainGraph });
    const losses: Record<string, Tensor> = { total: result.totalLoss.detach() };
    for (const [name, loss] of Object.entries(result.lossesToLog ?? {})) losses[name] = loss.detach();
    return {
      losses,
      updateOutputs: result.additionalOutputs ?? null,
      times: { forward: (afterForward - start) / 1000, backward: (performance.now() - afterForward) / 1000 },
    };
  }

  /**
   * Stops at a NaN loss before it reaches the weights. Reading a loss of another device would make the processor wait for it
   * in every update; there the OnlineLossCallback looks at it when it logs.
   */
  #refuseNan(totalLoss: Tensor): void {
    if (this.config.skip_nan_loss || totalLoss.device !== "cpu" || !Number.isNaN(Number(totalLoss.item()))) {
      return;
    }
    throw new RuntimeError(
      `encountered nan loss in the update after ${this.updateCounter.curIteration}: the weights are those from before it. ` +
        "Lower the learning rate, clip gradients (clip_grad_norm), check the data for NaN, or set skip_nan_loss: true",
    );
  }

  /** Backward pass; with the last pass of an update clipping, the optimizer's step and the end of the gradients. */
  protected gradientStep({
    totalLoss,
    model,
    accumulationSteps,
    accumulationStep,
    retainGraph = false,
  }: {
    totalLoss: Tensor;
    model: ModelBase;
    accumulationSteps: number;
    accumulationStep: number;
    retainGraph?: boolean;
  }): void {
    if (model.isFrozen) {
      return;
    }
    if (this.config.skip_nan_loss) {
      this.#noteNan(Number.isNaN(Number(totalLoss.detach().item())));
    }
    if (!this.#skipStep) {
      const loss = accumulationSteps === 1 ? totalLoss : totalLoss.div(accumulationSteps);
      this.gradScaler.scale(loss).backward(undefined, { retainGraph });
      this.#reportUnusedParameters(model);
    }
    if ((accumulationStep + 1) % accumulationSteps === 0) {
      if (!this.#skipStep) model.optimizerStep(this.gradScaler);
      model.optimizerZeroGrad();
      this.#skipStep = false;
    }
  }

  #noteNan(isNan: boolean): void {
    if (!isNan) {
      this.skipNanLossCounter = 0;
      return;
    }
    this.skipNanLossCounter += 1;
    this.#skipStep = true;
    this.logger.warning(`skipping an update: its loss is NaN (${this.skipNanLossCounter} in a row)`);
    if (this.skipNanLossCounter > this.config.skip_nan_loss_max_count) {
      throw new RuntimeError(
        `encountered nan loss ${this.skipNanLossCounter} times in a row, more than skip_nan_loss_max_count allows`,
      );
    }
  }

  #reportUnusedParameters(model: ModelBase): void {
    if (this.#unusedParametersReported) {
      return;
    }
    this.#unusedParametersReported = true;
    const names = model.nogradParamnames;
    if (names.length > 0) {
      this.logger.warning(`these parameters got no gradient, so they are not trained: ${names.join(", ")}`);
    }
  }

  /**
   * One pass over the periodic callbacks. All of them run even if one fails; then a checkpoint is saved and the first error
   * is thrown.
   *
   * @returns whether a callback ended training.
   */
  async #runPeriodicCallbacks(
    pass: "afterUpdate" | "afterEpoch",
    trainerModel: ModelBase,
    batchSize: number,
  ): Promise<boolean> {
    const counter = this.updateCounter;
    let earlyExit = false;
    let failure: { error: unknown } | null = null;
    await this.#randomness.isolate(() =>
      noGrad(async () => {
        for (const callback of this.#periodicCallbacks) {
          try {
            await scope(async () => callback[pass]({ updateCounter: counter, trainerModel, batchSize }));
          } catch (error) {
            if (error instanceof EarlyStopIteration) {
              this.logger.info(error.message);
              earlyExit = true;
            } else {
              this.logger.error(`${callback} failed: ${error instanceof Error ? error.message : String(error)}`, error);
              failure ??= { error };
            }
          }
        }
        // What is logged after the last update of an epoch and after the epoch is one entry.
        if (pass === "afterEpoch" || !counter.isFullEpoch) await this.logWriter.flush();
        if (failure !== null) this.#trySaveCheckpoint(trainerModel, "error");
      }),
    );
    if (failure !== null) throw (failure as { error: unknown }).error;
    return earlyExit;
  }

  /** The metrics of a run that failed are written, too. */
  async #tryFinishLog(): Promise<void> {
    try {
      await this.logWriter.flush();
      this.logWriter.finish();
    } catch (error) {
      this.logger.error(
        `cannot write the metrics after the error: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #trySaveCheckpoint(model: ModelBase, reason: string): void {
    try {
      this.#saveCheckpoint(model, reason);
    } catch (error) {
      this.logger.error(
        `cannot save a checkpoint after the error: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Everything that is needed to resume, under `E…_U…_S….{reason}`. */
  #saveCheckpoint(model: ModelBase, reason: string): void {
    const checkpointTag = `${this.updateCounter.curIteration}.${reason}`;
    this.checkpointWriter.save({ model, trainer: this, checkpointTag });
    this.logger.info(
      `to continue from here: resume_run_id: ${this.pathProvider.runId}, resume_checkpoint: ${checkpointTag}`,
    );
  }
}
