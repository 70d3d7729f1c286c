import { join } from "node:path";
import type { z } from "zod";
import { AssertionError, KeyError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, list, literal, optional, str, tag, type FieldType } from "../../../config/schema";
import { keep, scope, stack, Tensor, tensor } from "../../../torch";
import { allGatherNograd, allReduceMeanNograd, isDistributed, isRank0 } from "../../distributed";
import { writeTorchFile } from "../../writers/torch-file";
import type { CallbackDependencies } from "../base";
import { CallBackBaseConfig } from "../base-config";
import type { UpdateCounter } from "../../iteration/update-counter";
import { type AccumulationStep, PeriodicCallback, type PeriodicCallbackContext, type UpdateTimes } from "../periodic";

/** Config of {@link TrackAdditionalOutputsCallback}. */
export const TrackAdditionalOutputsCallbackConfig = CallBackBaseConfig.extend("TrackAdditionalOutputsCallbackConfig", {
  fields: {
    name: tag("TrackAdditionalOutputsCallback"),
    /** Outputs to track, by their names; one that is missing is an error. */
    keys: optional(list(str())),
    /** Tracks every output whose name contains one of these. */
    patterns: optional(list(str())),
    /** Also logs the values as text. */
    verbose: bool().default(false),
    /** What becomes of the values since the last call: their mean, or the last. */
    reduce: literal("mean", "last").default("mean"),
    /** Hands the result to the trackers. */
    log_output: bool().default(true),
    /** Writes the values to a file in the run's folder. */
    save_output: bool().default(false),
  },
});
export type TrackAdditionalOutputsCallbackConfig = z.output<typeof TrackAdditionalOutputsCallbackConfig>;

/**
 * Logs (and saves) additional outputs of the training step: their mean since the last time, or the last value. Of several processes: the
 * mean over all; what is saved as the last values are those of all.
 */
export class TrackAdditionalOutputsCallback extends PeriodicCallback {
  static readonly schema: FieldType = TrackAdditionalOutputsCallbackConfig;
  readonly keys: readonly string[];
  readonly patterns: readonly string[];
  readonly verbose: boolean;
  readonly reduce: "mean" | "last";
  readonly logOutput: boolean;
  readonly saveOutput: boolean;
  readonly trackedValues = new Map<string, (Tensor | number)[]>();
  /** Entries of {@link trackedValues} that belong to the update in progress. */
  readonly #current = new Map<string, number>();

  constructor(config: TrackAdditionalOutputsCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.keys = config.keys ?? [];
    this.patterns = config.patterns ?? [];
    if (this.keys.length === 0 && this.patterns.length === 0) {
      throw new ValueError("TrackAdditionalOutputsCallback needs keys or patterns");
    }
    this.verbose = config.verbose;
    this.reduce = config.reduce;
    this.logOutput = config.log_output;
    this.saveOutput = config.save_output;
  }

  override trackAfterAccumulationStep({ updateCounter, updateOutputs }: AccumulationStep): void {
    if (updateOutputs === null || (this.reduce === "last" && this.updatesTillNextInvocation(updateCounter) > 1)) {
      return;
    }
    for (const key of this.keys) {
      if (!Object.hasOwn(updateOutputs, key)) {
        throw new KeyError(
          `${this}: the training step has no additional output '${key}' (it has: ${Object.keys(updateOutputs).join(", ")})`,
        );
      }
    }
    const matching = Object.keys(updateOutputs).filter(
      (key) => this.keys.includes(key) || this.patterns.some((pattern) => key.includes(pattern)),
    );
    for (const key of matching) {
      const output = updateOutputs[key];
      const value = output instanceof Tensor ? keep(output.detach().clone()) : Number(output);
      const list = this.trackedValues.get(key) ?? [];
      // Of several passes of an update the last one counts.
      if (this.reduce === "last") dispose(list.splice(0));
      list.push(value);
      this.trackedValues.set(key, list);
      this.#current.set(key, this.reduce === "last" ? 1 : (this.#current.get(key) ?? 0) + 1);
    }
  }

  /** The outputs of an update that was left out do not count. */
  override trackAfterUpdateStep(_counter?: UpdateCounter, _times?: UpdateTimes, update = { skipped: false }): void {
    for (const [key, count] of this.#current) {
      if (update.skipped) dispose(this.trackedValues.get(key)?.splice(-count) ?? []);
    }
    this.#current.clear();
  }

  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const suffix = this.toShortIntervalString();
    for (const [key, values] of this.trackedValues) {
      if (values.length === 0) continue;
      scope(() => {
        const own = this.reduce === "mean" ? meanOf(values) : asTensor(values[values.length - 1] as Tensor | number);
        const reduced =
          this.reduce === "mean" ? allReduceMeanNograd(own) : isDistributed() ? allGatherNograd(own) : own;
        if (this.logOutput) {
          if (own.numel() !== 1) {
            throw new AssertionError(
              `${this}: output '${key}' has shape [${reduced.shape.join(", ")}], but only one number can be logged; set log_output: false or reduce: mean`,
            );
          }
          this.writer.addScalar(`${key}/${suffix}`, reduced.numel() === 1 ? reduced : reduced.mean(), {
            logger: this.verbose ? this.logger : null,
          });
        }
        if (this.saveOutput && isRank0()) {
          const name = `${key.replaceAll("/", ".")}_${suffix}_${updateCounter.curIteration}.th`;
          writeTorchFile(join(this.trainer.pathProvider.runOutputPath, "update_outputs", name), reduced);
        }
      });
      dispose(values);
    }
    this.trackedValues.clear();
  }

  override toString(): string {
    return `TrackAdditionalOutputsCallback(${this.getIntervalStringVerbose()}, keys=[${this.keys.join(", ")}], patterns=[${this.patterns.join(", ")}])`;
  }
}

register("noether.core.callbacks.TrackAdditionalOutputsCallback", {
  class: TrackAdditionalOutputsCallback,
  aliases: [
    "noether.core.callbacks.online.TrackAdditionalOutputsCallback",
    "noether.core.callbacks.online.track_outputs.TrackAdditionalOutputsCallback",
  ],
});

function asTensor(value: Tensor | number): Tensor {
  return value instanceof Tensor ? value : tensor(value, { dtype: "float64" });
}

function meanOf(values: readonly (Tensor | number)[]): Tensor {
  const tensors = values.map(asTensor);
  const all = stack(tensors);
  return (values[0] instanceof Tensor ? all.to("float32") : all).mean();
}

function dispose(values: readonly (Tensor | number)[]): void {
  for (const value of values) if (value instanceof Tensor) value.dispose();
}
