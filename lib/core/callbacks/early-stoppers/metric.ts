import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { pyFloatRepr } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { int, str, tag, type FieldType } from "../../../config/schema";
import { Float } from "../../../torch";
import type { UpdateCounter } from "../../iteration/update-counter";
import { typeName } from "../../naming";
import type { CallbackDependencies, CallbackState } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { currentMetric, isBetter, worstValue } from "../metric";
import { entryOf } from "../state";
import { EarlyStopperBase } from "./base";

/** Config of {@link MetricEarlyStopper}. */
export const MetricEarlyStopperConfig = CallBackBaseConfig.extend("MetricEarlyStopperConfig", {
  fields: {
    name: tag("MetricEarlyStopper"),
    /** Metric to watch, such as `loss/val/total`; whether higher is better follows from its name. */
    metric_key: str(),
    /** Calls in a row without an improvement after which training ends. */
    tolerance: int({ ge: 1 }),
  },
});
export type MetricEarlyStopperConfig = z.output<typeof MetricEarlyStopperConfig>;

/** Ends training when a metric has not improved for `tolerance` calls. */
export class MetricEarlyStopper extends EarlyStopperBase {
  static readonly schema: FieldType = MetricEarlyStopperConfig;
  readonly metricKey: string;
  readonly tolerance: number;
  readonly higherIsBetter: boolean;
  bestMetricValue: number;
  toleranceCounter = 0;

  constructor(config: MetricEarlyStopperConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.metricKey = config.metric_key;
    this.tolerance = config.tolerance;
    this.higherIsBetter = this.metricPropertyProvider.higherIsBetter(this.metricKey);
    this.bestMetricValue = worstValue(this.higherIsBetter);
  }

  /** Several of these are usual in one run: the metric tells them apart. */
  override get checkpointKey(): string {
    return this.name ?? `${typeName(this)}(${this.metricKey},${this.getIntervalStringVerbose()})`;
  }

  override stateDict(): CallbackState {
    return { best_metric_value: new Float(this.bestMetricValue), tolerance_counter: this.toleranceCounter };
  }

  override loadStateDict(state: CallbackState): void {
    this.bestMetricValue = Number(entryOf(state, "best_metric_value"));
    this.toleranceCounter = Number(entryOf(state, "tolerance_counter"));
  }

  protected override shouldStop(_updateCounter: UpdateCounter): boolean {
    const value = currentMetric(this.writer, this.metricKey, String(this), ValueError);
    if (isBetter(value, this.bestMetricValue, this.higherIsBetter)) {
      this.logger.debug(`${this.metricKey} improved: ${pyFloatRepr(this.bestMetricValue)} --> ${pyFloatRepr(value)}`);
      this.bestMetricValue = value;
      this.toleranceCounter = 0;
      return false;
    }
    this.toleranceCounter += 1;
    this.logger.debug(
      `${this.metricKey} stagnated: ${pyFloatRepr(this.bestMetricValue)} --> ${pyFloatRepr(value)} (${this.toleranceCounter}/${this.tolerance})`,
    );
    return this.toleranceCounter >= this.tolerance;
  }
}

register("noether.core.callbacks.MetricEarlyStopper", {
  class: MetricEarlyStopper,
  aliases: [
    "noether.core.callbacks.early_stoppers.MetricEarlyStopper",
    "noether.core.callbacks.early_stoppers.metric.MetricEarlyStopper",
  ],
});
