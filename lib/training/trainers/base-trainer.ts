import { scope, type Tensor } from "../../torch";
import {
  buildCallbackStateDict,
  type CallbackBase,
  type CallbackDependencies,
  loadCallbackStateDicts,
  validateCheckpointKeys,
} from "../../core/callbacks";
import { CheckpointKeys, TRAINING_DATA_WAIT_TIME, TRAINING_UPDATE_TIME } from "../../core/checkpoint-keys";
import { getNumNodes, getWorldSize } from "../../core/distributed";
import { Factory } from "../../config/factory/factory";
import { createInitializer, type InitializerBase } from "../../core/initializers";
import type { DataContainerLike, DeviceBatch } from "../../core/interfaces/data";
import type { TrainerLike, TrainerResult } from "../../core/interfaces/trainer";
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
  type GradScalerLike,
  moveItemsToDevice,
} from "../../core/precision";
import { getLogger, withLogContext } from "../../core/logging";
import { TrainingIteration } from "../../core/iteration/training-iteration";
import { UpdateCounter } from "../../core/iteration/update-counter";
import { fullySpecified } from "../../core/iteration/training-iteration";
import { CheckpointWriter, LogWriter } from "../../core/writers";
import { type BatchSizes, getBatchSizes } from "./batch-size";
import { CallbackRunner } from "./callback-runner";
import { createDefaultCallbacks } from "./default-callbacks";
import { NanGuard } from "./nan-guard";
import { TrainingRandomness } from "./random-state";
import { type LossResult, type LossWithOutputs, toTrainerResult } from "./result";
import { StopSignals } from "./signals";
import { TrainingBatches } from "./training-batches";
import type { TrainerDependencies, UpdateResult, UpdateStep } from "./types";

/** What belongs to one training or evaluation run. */
interface Run {
  readonly sizes: BatchSizes;
  readonly callbacks: CallbackRunner;
}

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

  protected readonly logger = getLogger("BaseTrainer");
  readonly #mainSamplerKwargs: { readonly shuffle?: boolean };
  readonly #randomness = new TrainingRandomness();
  readonly #nanGuard: NanGuard;
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
    this.logger.debug(`using precision ${this.precision}`);
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
    this.#nanGuard = new NanGuard({ skip: config.skip_nan_loss, maxCount: config.skip_nan_loss_max_count });
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

  #openRun(callbacks: readonly CallbackBase[]): Run {
    return {
      sizes: getBatchSizes({
        effectiveBatchSize: this.config.effective_batch_size,
        maxBatchSize: this.config.max_batch_size,
        worldSize: getWorldSize(),
        numNodes: getNumNodes(),
        disableGradientAccumulation: this.config.disable_gradient_accumulation,
      }),
      callbacks: new CallbackRunner({
        callbacks,
        updateCounter: this.updateCounter,
        logWriter: this.logWriter,
        checkpointWriter: this.checkpointWriter,
        randomness: this.#randomness,
        onFailure: (model) => this.#trySaveCheckpoint(model, "error"),
      }),
    };
  }

  /** Trains the model from the start to the end of the run, or until a signal or a callback ends it. */
  async train(model: ModelBase): Promise<void> {
    this.callbacks = this.getAllCallbacks(model);
    this.#prepareModel(model, this.callbacks, false);
    const trained = this.wrapModel(model);
    const run = this.#openRun(this.callbacks);

    trained.eval();
    await run.callbacks.runHooks((callback) => callback.beforeTraining(this.updateCounter));
    await this.logWriter.flush();
    if (this.updateCounter.isFinished) {
      await this.#withoutTraining(trained, run);
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
        await withLogContext(context, () => this.#train(trained, run));
      } catch (error) {
        await this.#tryFinishLog();
        throw error;
      }
    }
    trained.eval();
    await run.callbacks.runHooks((callback) => callback.afterTraining(this.updateCounter));
    await this.logWriter.flush();
    this.logWriter.finish();
  }

  /** A run of length zero only evaluates; one that was finished before has nothing to do. */
  async #withoutTraining(model: ModelBase, { callbacks, sizes }: Run): Promise<void> {
    if (this.totalTrainingUpdates === 0) {
      await callbacks.evaluate(model, sizes.batchSize);
    } else {
      this.#randomness.resumeNow(); // what is saved at the end is what a longer run goes on from
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
    const { callbacks: runner, sizes } = this.#openRun(callbacks);
    await runner.evaluate(evaluated, sizes.batchSize);
    await this.logWriter.flush();
    this.logWriter.finish();
  }

  // ---- the training loop

  async #train(model: ModelBase, run: Run): Promise<void> {
    const { sizes } = run;
    const signals = new StopSignals({
      interrupt: this.config.save_on_sigint,
      onEnd: () => this.checkpointWriter.drop(),
    });
    const batches = new TrainingBatches({
      dataContainer: this.dataContainer,
      updateCounter: this.updateCounter,
      sizes,
      worldSize: getWorldSize(),
      shuffle: this.#mainSamplerKwargs.shuffle ?? true,
    });
    try {
      await batches.resume(this.#randomness);
      let goesOn = true;
      while (goesOn && !this.updateCounter.isFinished) {
        goesOn = await this.#runEpoch(model, batches, run, signals);
      }
    } finally {
      signals.close();
      await batches.close();
    }
  }

  /** Runs to the end of the epoch, or until training is to stop; returns whether it goes on. */
  async #runEpoch(model: ModelBase, batches: TrainingBatches, run: Run, signals: StopSignals): Promise<boolean> {
    const counter = this.updateCounter;
    const { sizes, callbacks } = run;
    const { update: lastUpdate } = fullySpecified(counter.endIteration, "the end of training");
    if (counter.isFullEpoch) this.#randomness.markEpochStart();
    let stop = false;
    do {
      try {
        await scope(async () => this.#runUpdate(model, batches, run));
      } catch (error) {
        // The counter tells which update the weights are of, so they are worth keeping.
        this.#trySaveCheckpoint(model, "error");
        throw error;
      }
      if (counter.isFullEpoch && counter.update < lastUpdate) await batches.dropIncompleteUpdate();
      stop = await callbacks.runDue("afterUpdate", model, sizes.batchSize);
      // Other code (signals, timers, streams) gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    } while (!counter.isFullEpoch && !counter.isFinished && !stop && signals.received === null);

    if (counter.isFullEpoch) {
      stop = (await callbacks.runDue("afterEpoch", model, sizes.batchSize)) || stop;
    }
    if (stop) {
      this.#saveCheckpoint(model, "early_exit");
    } else if (signals.received !== null) {
      this.#saveCheckpoint(model, "signal_interrupt");
    }
    return !stop && signals.received === null;
  }

  async #runUpdate(model: ModelBase, batches: TrainingBatches, { sizes, callbacks }: Run): Promise<void> {
    const counter = this.updateCounter;
    const { accumulationSteps } = sizes;
    const times: Record<string, number> = {};
    const addTime = (name: string, seconds: number): void => {
      times[name] = (times[name] ?? 0) + seconds;
    };
    model.optimizerScheduleStep();
    const first = (counter.update % this.updatesPerEpoch) * accumulationSteps;
    for (let accumulationStep = first; accumulationStep < first + accumulationSteps; accumulationStep++) {
      const start = performance.now();
      const loaded = await batches.next();
      addTime(TRAINING_DATA_WAIT_TIME, (performance.now() - start) / 1000);
      for (const [key, value] of Object.entries(loaded)) {
        if (key.startsWith("__meta_time_")) addTime(key.slice("__meta_time_".length), Number(value));
      }
      const batch = moveItemsToDevice(model.device, loaded);
      model.train();
      const result = await this.update({ batch, model, accumulationSteps, accumulationStep });
      const isLast = accumulationStep === first + accumulationSteps - 1;
      try {
        await callbacks.track((callback) =>
          callback.trackAfterAccumulationStep({
            updateCounter: counter,
            batch,
            losses: result.losses,
            updateOutputs: result.updateOutputs,
            accumulationSteps,
            accumulationStep,
          }),
        );
      } catch (error) {
        if (isLast) this.#countUpdate(); // the optimizer has stepped
        throw error;
      }
      addTime("forward", result.times.forward);
      addTime("backward", result.times.backward);
      addTime(TRAINING_UPDATE_TIME, result.times.forward + result.times.backward);
    }
    this.#countUpdate();
    model.eval();
    await callbacks.track((callback) => callback.trackAfterUpdateStep(counter, times));
  }

  #countUpdate(): void {
    this.updateCounter.addSamples(this.config.effective_batch_size);
    this.updateCounter.nextUpdate();
    if (this.updateCounter.isFullEpoch) this.updateCounter.nextEpoch();
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
    this.#nanGuard.refuse(result.totalLoss, this.updateCounter.curIteration);
    this.gradientStep({ totalLoss: result.totalLoss, model, accumulationSteps, accumulationStep, retainGraph });
    const losses: Record<string, Tensor> = { total: result.totalLoss.detach() };
    for (const [name, loss] of Object.entries(result.lossesToLog ?? {})) losses[name] = loss.detach();
    return {
      losses,
      updateOutputs: result.additionalOutputs ?? null,
      times: { forward: (afterForward - start) / 1000, backward: (performance.now() - afterForward) / 1000 },
    };
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
    this.#nanGuard.note(totalLoss);
    if (!this.#nanGuard.skipsUpdate) {
      const loss = accumulationSteps === 1 ? totalLoss : totalLoss.div(accumulationSteps);
      this.gradScaler.scale(loss).backward(undefined, { retainGraph });
      this.#reportUnusedParameters(model);
    }
    if ((accumulationStep + 1) % accumulationSteps === 0) {
      if (!this.#nanGuard.skipsUpdate) model.optimizerStep(this.gradScaler);
      model.optimizerZeroGrad();
      this.#nanGuard.endUpdate();
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
