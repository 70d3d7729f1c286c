import type { z } from "zod";
import { KeyError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, int, list, optional, str, tag, type FieldType } from "../../../config/schema";
import type { UpdateCounter } from "../../iteration/update-counter";
import { shortNumberStr } from "../../logging/formatters";
import type { CallbackDependencies, CallbackState } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { currentMetric } from "../metric";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";
import { CheckpointRetention } from "./retention";

/** Bytes of a float32. */
const BYTES_PER_WEIGHT = 4;

const RULES = ["keep_last", "keep_every", "keep_best"] as const;

/** Config of {@link CheckpointCallback}. */
export const CheckpointCallbackConfig = CallBackBaseConfig.extend("CheckpointCallbackConfig", {
  fields: {
    name: tag("CheckpointCallback"),
    /** Under the tag of the iteration, `E10_U500_S2000`. */
    save_weights: bool().default(true),
    /** The optimizer, under the tag of the iteration. */
    save_optim: bool().default(false),
    /** Under `latest`. */
    save_latest_weights: bool().default(true),
    /** The optimizer under `latest`; needed to resume. */
    save_latest_optim: bool().default(false),
    /** Of a composite model these alone; null: all. */
    model_names: optional(list(str())),
    /** Of the checkpoints under iterations' tags the last n stay. Default: all, if no other rule is set; else 1 */
    keep_last: optional(int({ ge: 1 })),
    /** Every nth stays. */
    keep_every: optional(int({ ge: 1 })),
    /** The k with the best `metric_key` stay. */
    keep_best: optional(int({ ge: 1 })),
    /** Says which are best. */
    metric_key: optional(str()),
  },
  check: (config, complain) => {
    const rule = RULES.find((each) => config[each] !== null);
    if (rule !== undefined && !config.save_weights && !config.save_optim)
      complain(
        "expected save_weights or save_optim: without them there are no checkpoints of which some could stay",
        rule,
      );
    if (config.keep_best !== null && config.metric_key === null)
      complain("keep_best needs the metric_key that says which are best", "keep_best");
    if (config.keep_best === null && config.metric_key !== null)
      complain("metric_key is for keep_best, which is not set", "metric_key");
  },
});
export type CheckpointCallbackConfig = z.output<typeof CheckpointCallbackConfig>;

/**
 * Writes checkpoints at an interval: weights and optimizer under `E…_U…_S…` and/or `latest`, and under `last` at the end.
 *
 * With `keep_last`, `keep_every` or `keep_best` those under `E…_U…_S…` go again, unless one of the rules keeps them: all
 * files of the tag, when the next checkpoint is on disk. `latest` and `last` stay.
 */
export class CheckpointCallback extends PeriodicCallback {
  static readonly schema: FieldType = CheckpointCallbackConfig;
  readonly saveWeights: boolean;
  readonly saveOptim: boolean;
  readonly saveLatestWeights: boolean;
  readonly saveLatestOptim: boolean;
  /** Names of the models to save; null: all. */
  readonly modelNames: readonly string[] | null;
  readonly #metricKey: string | null;
  /** null: all checkpoints stay. */
  readonly #retention: CheckpointRetention | null;

  constructor(config: CheckpointCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.saveWeights = config.save_weights;
    this.saveOptim = config.save_optim;
    this.saveLatestWeights = config.save_latest_weights;
    this.saveLatestOptim = config.save_latest_optim;
    this.modelNames = config.model_names;
    this.#metricKey = config.metric_key;
    this.#retention = RULES.some((rule) => config[rule] !== null)
      ? new CheckpointRetention({
          keepLast: config.keep_last,
          keepEvery: config.keep_every,
          keepBest: config.keep_best,
          higherIsBetter: this.#metricKey !== null && this.metricPropertyProvider.higherIsBetter(this.#metricKey),
        })
      : null;
    if (!this.saveWeights && !this.saveOptim && !this.saveLatestWeights && !this.saveLatestOptim) {
      throw new ValueError(
        "At least one of save_weights, save_optim, save_latest_weights and save_latest_optim has to be true for CheckpointCallback",
      );
    }
  }

  override stateDict(): CallbackState | null {
    return this.#retention?.stateDict() ?? null;
  }

  override loadStateDict(state: CallbackState): void {
    this.#retention?.loadStateDict(state);
  }

  override beforeTraining(updateCounter: UpdateCounter): void {
    this.#expectOwnTags();
    const weights = BYTES_PER_WEIGHT * this.model.paramCount;
    const bytes = (count: number): string => `${shortNumberStr(count)}B`;
    const perCheckpoint = (this.saveWeights ? 1 : 0) + (this.saveOptim ? 2 : 0);
    const parts = [
      `Estimated sizes: checkpoint=${bytes(3 * weights)} weights=${bytes(weights)} optimizer=${bytes(2 * weights)}`,
    ];
    if (perCheckpoint > 0) {
      const { epoch, update, sample } = updateCounter.endIteration;
      const intervals: [number | null, number | null][] = [
        [this.everyNEpochs, epoch],
        [this.everyNUpdates, update],
        [this.everyNSamples, sample],
      ];
      for (const [every, end] of intervals) {
        if (every === null || end === null) continue;
        const count = 1 + Math.floor(end / every);
        parts.push(`${count} checkpoints, total=${bytes(count * weights * perCheckpoint)}`);
      }
    } else {
      parts.push("only latest weights/optim saved.");
    }
    this.logger.debug(parts.join(", "));
  }

  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    if (intervalType === "eval") return;
    const tag = String(updateCounter.curIteration);
    // before anything is written: a metric that is not there is an error
    const value = this.#metricKey === null ? NaN : currentMetric(this.writer, this.#metricKey, String(this), KeyError);
    this.#save(tag);
    for (const old of this.#retention?.add(tag, value) ?? []) this.checkpointWriter.remove(old);
  }

  /** Rules say what stays under a tag as a whole: two callbacks that write the same tags would remove each other's files. */
  #expectOwnTags(): void {
    if (this.#retention === null) return;
    const other = this.trainer.callbacks.find(
      (callback) =>
        callback !== this && callback instanceof CheckpointCallback && (callback.saveWeights || callback.saveOptim),
    );
    if (other !== undefined)
      throw new ValueError(
        `${this} removes checkpoints by keep_last, keep_every or keep_best, but ${other} writes under the same tags: set its save_weights and save_optim to false, or leave the rules out`,
      );
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    this.#save("last");
  }

  /** `latest` is one thing: when another callback writes under this tag, the files of this one are of the same update. */
  override completeCheckpoint(tag: string): void {
    if (tag === "latest" && (this.saveLatestWeights || this.saveLatestOptim)) {
      this.#save(tag, { saveWeights: false, saveOptim: false });
    }
  }

  #save(checkpointTag: string, { saveWeights, saveOptim }: { saveWeights: boolean; saveOptim: boolean } = this): void {
    this.checkpointWriter.save({
      model: this.model,
      trainer: this.trainer,
      checkpointTag,
      saveWeights,
      saveOptim,
      saveLatestWeights: this.saveLatestWeights,
      saveLatestOptim: this.saveLatestOptim,
      modelNamesToSave: this.modelNames,
      saveFrozenWeights: true,
    });
  }
}

register("noether.core.callbacks.CheckpointCallback", {
  class: CheckpointCallback,
  aliases: [
    "noether.core.callbacks.checkpoint.CheckpointCallback",
    "noether.core.callbacks.checkpoint.checkpoint.CheckpointCallback",
  ],
});
