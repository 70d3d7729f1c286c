import { AssertionError, RuntimeError } from "../../config/python-errors";
import type { Tensor } from "../../torch";
import type { DeviceBatch } from "../interfaces/data";
import type { UpdateCounter } from "../iteration/update-counter";
import type { ModelBase } from "../models/base";
import { typeName } from "../naming";
import type { OptimizerWrapper } from "../optimizer/optimizer-wrapper";
import { CallbackBase, type CallbackDependencies } from "./base";
import type { CallBackBaseConfig } from "./base-config";

/** Why a periodic callback runs. */
export type IntervalType = "epoch" | "update" | "sample" | "eval";

/** The fields of a callback's configuration that say when it runs. */
export type PeriodicCallbackConfig = Partial<CallBackBaseConfig>;

/** Arguments of {@link PeriodicCallback.periodicCallback}. */
export interface PeriodicCallbackContext {
  readonly intervalType: IntervalType;
  readonly updateCounter: UpdateCounter;
  /** The model as the trainer runs it. */
  readonly trainerModel: ModelBase;
  /** Batch size of training in this process. */
  readonly batchSize: number;
}

/** What a callback sees of one forward and backward pass. */
export interface AccumulationStep {
  readonly updateCounter: UpdateCounter;
  /** On the device, without metadata. Valid during the call only, like all tensors here. */
  readonly batch: DeviceBatch;
  /** `total` and the losses to log, detached, not divided by the accumulation steps. */
  readonly losses: Readonly<Record<string, Tensor>>;
  readonly updateOutputs: Readonly<Record<string, unknown>> | null;
  /** Passes per update. */
  readonly accumulationSteps: number;
  /** Index of this pass within the epoch. */
  readonly accumulationStep: number;
}

/** What a callback sees of the gradients of an update: summed over its passes, without loss scale, not clipped yet. */
export interface GradientsReady {
  /** Has not moved yet. */
  readonly updateCounter: UpdateCounter;
  /**
   * Optimizers that are about to step, by their model's name (in a composite model `{key}.{name}`). Their parameters hold
   * the gradients: look at them, do not change them. {@link OptimizerWrapper.gradNorm} is the norm that `clip_grad_norm`
   * compares.
   */
  readonly optimizers: Readonly<Record<string, OptimizerWrapper>>;
}

/** Seconds of an update by what they were spent on: `data_wait`, `forward`, `backward`, `update`, and what the data pipeline reports. */
export type UpdateTimes = Readonly<Record<string, number>>;

/**
 * A callback that runs every n epochs, updates or samples.
 *
 * Subclasses implement {@link periodicCallback} and the `track…` hooks; {@link afterUpdate} and {@link afterEpoch} decide
 * when it runs. Who overrides these calls them with `super`.
 */
export abstract class PeriodicCallback extends CallbackBase {
  readonly everyNEpochs: number | null;
  readonly everyNUpdates: number | null;
  readonly everyNSamples: number | null;
  readonly batchSize: number | null;

  constructor(config: PeriodicCallbackConfig, dependencies: CallbackDependencies) {
    super({ id: config.id }, dependencies);
    this.everyNEpochs = config.every_n_epochs ?? null;
    this.everyNUpdates = config.every_n_updates ?? null;
    this.everyNSamples = config.every_n_samples ?? null;
    this.batchSize = config.batch_size ?? null;
  }

  /** The work; called when the interval is due, and in evaluation. */
  periodicCallback(_context: PeriodicCallbackContext): Promise<void> | void {}

  /** After each forward and backward pass; the counter has not moved yet and the model is in training mode. */
  trackAfterAccumulationStep(_step: AccumulationStep): Promise<void> | void {}

  /**
   * Before each optimizer update, while the gradients are there; not for updates that are left out because of a NaN loss.
   * The model is in training mode.
   */
  trackBeforeOptimizerStep(_step: GradientsReady): Promise<void> | void {}

  /**
   * After each optimizer update; the counter has moved and the model is in evaluation mode.
   *
   * @param _update `skipped`: the update was left out (NaN loss, overflow), the weights and buffers are those from before it;
   *   what {@link trackAfterAccumulationStep} got of it does not count.
   */
  trackAfterUpdateStep(
    _updateCounter: UpdateCounter,
    _times: UpdateTimes,
    _update: { readonly skipped: boolean },
  ): Promise<void> | void {}

  /** Runs the callback if an interval in updates or samples is due. Called by the trainer. */
  async afterUpdate(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    if (this.periodicCallback === PeriodicCallback.prototype.periodicCallback) {
      return;
    }
    if (this.isUpdateDue(context.updateCounter)) {
      await this.periodicCallback({ ...context, intervalType: "update" });
    }
    if (this.isSampleDue(context.updateCounter)) {
      await this.periodicCallback({ ...context, intervalType: "sample" });
    }
  }

  /** Runs the callback if an interval in epochs is due. Called by the trainer at the end of an epoch. */
  async afterEpoch(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    if (this.isEpochDue(context.updateCounter)) {
      await this.periodicCallback({ ...context, intervalType: "epoch" });
    }
  }

  /** Runs the callback whatever its interval. Called by the trainer in evaluation. */
  async atEval(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    await this.periodicCallback({ ...context, intervalType: "eval" });
  }

  /** True if the interval in epochs ends with the epoch that was just completed. */
  isEpochDue({ epoch }: UpdateCounter): boolean {
    return this.everyNEpochs !== null && epoch % this.everyNEpochs === 0;
  }

  /** True if the interval in updates ends with the update that was just completed. */
  isUpdateDue({ update }: UpdateCounter): boolean {
    return this.everyNUpdates !== null && update % this.everyNUpdates === 0;
  }

  /** True if the last update crossed a multiple of the interval in samples. */
  isSampleDue({ sample, effectiveBatchSize }: UpdateCounter): boolean {
    const n = this.everyNSamples;
    return n !== null && Math.trunc(sample / n) > Math.trunc((sample - effectiveBatchSize) / n);
  }

  /** Updates between two calls. */
  updatesPerInterval({ updatesPerEpoch, effectiveBatchSize }: UpdateCounter): number {
    if (this.everyNEpochs !== null) {
      return updatesPerEpoch * this.everyNEpochs;
    }
    if (this.everyNUpdates !== null) {
      return this.everyNUpdates;
    }
    if (this.everyNSamples === null) {
      throw new RuntimeError(`${this} has no interval`);
    }
    if (this.everyNSamples % effectiveBatchSize !== 0) {
      throw new AssertionError(
        `${this}: every_n_samples has to be a multiple of the effective batch size ${effectiveBatchSize} to be counted in updates`,
      );
    }
    return this.everyNSamples / effectiveBatchSize;
  }

  /** Updates until the next call; the whole interval right after one. */
  updatesTillNextInvocation(counter: UpdateCounter): number {
    const interval = this.updatesPerInterval(counter);
    return interval - (counter.update % interval);
  }

  /** `every_n_epochs=1`. */
  getIntervalStringVerbose(): string {
    return this.#intervals("every_n_epochs=", "every_n_updates=", "every_n_samples=", ",");
  }

  /** `E1`, `U100`, `S4096`: suffix of metric keys. */
  toShortIntervalString(): string {
    return this.#intervals("E", "U", "S", "_");
  }

  #intervals(epochs: string, updates: string, samples: string, separator: string): string {
    const all: [string, number | null][] = [
      [epochs, this.everyNEpochs],
      [updates, this.everyNUpdates],
      [samples, this.everyNSamples],
    ];
    return all.flatMap(([name, n]) => (n === null ? [] : [`${name}${n}`])).join(separator);
  }

  override toString(): string {
    return `${typeName(this)}(${this.getIntervalStringVerbose()})`;
  }
}
