import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { pyFloatRepr } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { list, optional, str, tag, type FieldType } from "../../../config/schema";
import { Float, toMap } from "../../../torch";
import { typeName } from "../../naming";
import type { CallbackDependencies, CallbackState } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { currentMetric, isBetter, worstValue } from "../metric";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";
import { entryOf } from "../state";

/** Config of {@link BestMetricCallback}. */
export const BestMetricCallbackConfig = CallBackBaseConfig.extend("BestMetricCallbackConfig", {
  fields: {
    name: tag("BestMetricCallback"),
    /** Metric whose best value counts, such as `loss/val/total`. */
    source_metric_key: str(),
    /** Metrics to log as they were then; one that is missing is an error. */
    target_metric_keys: optional(list(str())),
    /** The same for metrics that not every call has. */
    optional_target_metric_keys: optional(list(str())),
  },
});
export type BestMetricCallbackConfig = z.output<typeof BestMetricCallbackConfig>;

/** Logs other metrics as they were when a source metric was best: `{target}/at_best/{source}`. */
export class BestMetricCallback extends PeriodicCallback {
  static readonly schema: FieldType = BestMetricCallbackConfig;
  readonly sourceMetricKey: string;
  readonly targetMetricKeys: readonly string[];
  readonly optionalTargetMetricKeys: readonly string[];
  readonly higherIsBetter: boolean;
  bestMetricValue: number;
  /** Values at the best, by their metric key. */
  previousLogValues = new Map<string, number>();

  constructor(config: BestMetricCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    if (config.target_metric_keys === null && config.optional_target_metric_keys === null) {
      throw new ValueError("BestMetricCallback needs target_metric_keys or optional_target_metric_keys");
    }
    this.sourceMetricKey = config.source_metric_key;
    this.targetMetricKeys = config.target_metric_keys ?? [];
    this.optionalTargetMetricKeys = config.optional_target_metric_keys ?? [];
    this.higherIsBetter = this.metricPropertyProvider.higherIsBetter(this.sourceMetricKey);
    this.bestMetricValue = worstValue(this.higherIsBetter);
  }

  /** Several of these are usual in one run: the metrics tell them apart. */
  override get checkpointKey(): string {
    const targets = [...this.targetMetricKeys, ...this.optionalTargetMetricKeys].join(",");
    return this.name ?? `${typeName(this)}(${this.sourceMetricKey}->${targets},${this.getIntervalStringVerbose()})`;
  }

  override stateDict(): CallbackState {
    return {
      best_metric_value: new Float(this.bestMetricValue),
      previous_log_values: new Map([...this.previousLogValues].map(([key, value]) => [key, new Float(value)])),
    };
  }

  override loadStateDict(state: CallbackState): void {
    this.bestMetricValue = Number(entryOf(state, "best_metric_value"));
    const values = toMap(entryOf(state, "previous_log_values") ?? {});
    this.previousLogValues = new Map([...values].map(([key, value]) => [String(key), Number(value)]));
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const metric = (key: string): number => currentMetric(this.writer, key, String(this), ValueError);
    const source = metric(this.sourceMetricKey);
    const targets = this.targetMetricKeys.map((key): [string, number] => [key, metric(key)]);
    if (!isBetter(source, this.bestMetricValue, this.higherIsBetter)) {
      // Logged again so that the curves continue.
      for (const [key, value] of this.previousLogValues) this.#log(key, value);
      return;
    }
    this.logger.debug(
      `new best ${this.sourceMetricKey}: ${pyFloatRepr(this.bestMetricValue)} --> ${pyFloatRepr(source)}`,
    );
    const present = this.optionalTargetMetricKeys.filter((key) => Object.hasOwn(this.writer.logCache ?? {}, key));
    for (const [key, value] of [...targets, ...present.map((key): [string, number] => [key, metric(key)])]) {
      const name = `${key}/at_best/${this.sourceMetricKey}`;
      this.#log(name, value);
      this.previousLogValues.set(name, value);
    }
    this.bestMetricValue = source;
  }

  #log(key: string, value: number): void {
    this.writer.addScalar(key, value, { logger: this.logger });
  }
}

register("noether.core.callbacks.BestMetricCallback", {
  class: BestMetricCallback,
  aliases: [
    "noether.core.callbacks.online.BestMetricCallback",
    "noether.core.callbacks.online.best_metric.BestMetricCallback",
  ],
});
