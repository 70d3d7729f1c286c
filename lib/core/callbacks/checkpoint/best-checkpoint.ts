import type { z } from "zod";
import { KeyError, NotImplementedError } from "../../../config/python-errors";
import { pyFloatRepr } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { bool, int, list, optional, str, tag, type FieldType } from "../../../config/schema";
import { Float } from "../../../torch";
import type { UpdateCounter } from "../../iteration/update-counter";
import type { CallbackDependencies, CallbackState } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { currentMetric, isBetter, worstValue } from "../metric";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";
import { entryOf, intKeyed } from "../state";

/** Config of {@link BestCheckpointCallback}. */
export const BestCheckpointCallbackConfig = CallBackBaseConfig.extend("BestCheckpointCallbackConfig", {
  fields: {
    name: tag("BestCheckpointCallback"),
    /** The metric; it has to be logged before, at the same time. */
    metric_key: str(),
    /** Also parameters that are not trained. */
    save_frozen_weights: bool().default(true),
    /** For each, also the best weights as they were when the metric had not improved for more than so many times. */
    tolerances: optional(list(int())),
    /** Of a composite model these alone; null: all. */
    model_names: optional(list(str())),
  },
});
export type BestCheckpointCallbackConfig = z.output<typeof BestCheckpointCallbackConfig>;

/**
 * Writes the weights whenever a metric is better than ever before, under `best_model.{metric}`.
 *
 * With tolerances it also writes the weights of the moment when the metric had not improved for more than `t` calls, under
 * `best_model.{metric}.tolerance={t}`.
 */
export class BestCheckpointCallback extends PeriodicCallback {
  static readonly schema: FieldType = BestCheckpointCallbackConfig;
  readonly metricKey: string;
  readonly modelNames: readonly string[];
  readonly saveFrozenWeights: boolean;
  readonly higherIsBetter: boolean;
  bestMetricValue: number;
  /** By tolerance: whether it was used up since the last improvement. */
  tolerancesIsExceeded: Map<number, boolean>;
  /** Calls since the last improvement. */
  toleranceCounter = 0;
  metricAtExceededTolerance = new Map<number, number>();

  constructor(config: BestCheckpointCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.metricKey = config.metric_key;
    this.modelNames = config.model_names ?? [];
    this.saveFrozenWeights = config.save_frozen_weights;
    this.higherIsBetter = this.metricPropertyProvider.higherIsBetter(this.metricKey);
    this.bestMetricValue = worstValue(this.higherIsBetter);
    this.tolerancesIsExceeded = new Map((config.tolerances ?? []).map((tolerance) => [tolerance, false]));
  }

  override stateDict(): CallbackState {
    return {
      best_metric_value: new Float(this.bestMetricValue),
      tolerances_is_exceeded: new Map(this.tolerancesIsExceeded),
      tolerance_counter: this.toleranceCounter,
      metric_at_exceeded_tolerance: new Map(
        [...this.metricAtExceededTolerance].map(([key, value]) => [key, new Float(value)]),
      ),
    };
  }

  override loadStateDict(state: CallbackState): void {
    this.bestMetricValue = Number(entryOf(state, "best_metric_value"));
    this.tolerancesIsExceeded = intKeyed(entryOf(state, "tolerances_is_exceeded"), Boolean);
    this.toleranceCounter = Number(entryOf(state, "tolerance_counter"));
    this.metricAtExceededTolerance = intKeyed(entryOf(state, "metric_at_exceeded_tolerance"), Number);
  }

  override beforeTraining(updateCounter: UpdateCounter): void {
    if (this.tolerancesIsExceeded.size > 0 && updateCounter.sample > 0) {
      throw new NotImplementedError(
        `${this}: tolerances are not possible in a run that does not start at zero; remove tolerances to resume`,
      );
    }
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const value = currentMetric(this.writer, this.metricKey, String(this), KeyError);
    if (isBetter(value, this.bestMetricValue, this.higherIsBetter)) {
      this.logger.debug(
        `new best model (${this.metricKey}): ${pyFloatRepr(this.bestMetricValue)} --> ${pyFloatRepr(value)}`,
      );
      this.#save(this.#tag);
      this.bestMetricValue = value;
      this.toleranceCounter = 0;
      for (const tolerance of this.tolerancesIsExceeded.keys()) this.tolerancesIsExceeded.set(tolerance, false);
      return;
    }
    this.toleranceCounter += 1;
    for (const [tolerance, isExceeded] of this.tolerancesIsExceeded) {
      if (isExceeded || this.toleranceCounter <= tolerance) continue;
      this.tolerancesIsExceeded.set(tolerance, true);
      this.metricAtExceededTolerance.set(tolerance, value);
      if (Number.isFinite(this.bestMetricValue)) this.#save(`${this.#tag}.tolerance=${tolerance}`);
    }
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    for (const [tolerance, value] of this.metricAtExceededTolerance) {
      this.logger.info(`best ${this.metricKey} with tolerance=${tolerance}: ${pyFloatRepr(value)}`);
    }
  }

  get #tag(): string {
    return `best_model.${this.writer.resolveKey(this.metricKey).replaceAll("/", ".")}`;
  }

  #save(checkpointTag: string): void {
    this.checkpointWriter.save({
      model: this.model,
      checkpointTag,
      saveOptim: false,
      modelNamesToSave: this.modelNames,
      saveFrozenWeights: this.saveFrozenWeights,
    });
  }
}

register("noether.core.callbacks.BestCheckpointCallback", {
  class: BestCheckpointCallback,
  aliases: [
    "noether.core.callbacks.checkpoint.BestCheckpointCallback",
    "noether.core.callbacks.checkpoint.best_checkpoint.BestCheckpointCallback",
  ],
});
