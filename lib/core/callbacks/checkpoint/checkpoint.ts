import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, list, optional, str, tag } from "../../../config/schema";
import type { UpdateCounter } from "../../iteration/update-counter";
import { shortNumberStr } from "../../logging/formatters";
import type { CallbackDependencies } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** Bytes of a float32. */
const BYTES_PER_WEIGHT = 4;

/** Config of {@link CheckpointCallback}. */
export const CheckpointCallbackConfig = CallBackBaseConfig.extend("CheckpointCallbackConfig", {
  fields: {
    name: tag("CheckpointCallback"),
    save_weights: bool().default(true),
    save_optim: bool().default(false),
    save_latest_weights: bool().default(true),
    save_latest_optim: bool().default(false),
    model_names: optional(list(str())),
  },
});
export type CheckpointCallbackConfig = z.output<typeof CheckpointCallbackConfig>;

/** Writes checkpoints at an interval: weights and optimizer under `E…_U…_S…` and/or `latest`, and under `last` at the end. */
export class CheckpointCallback extends PeriodicCallback {
  static readonly schema: z.ZodType = CheckpointCallbackConfig;
  readonly saveWeights: boolean;
  readonly saveOptim: boolean;
  readonly saveLatestWeights: boolean;
  readonly saveLatestOptim: boolean;
  /** Names of the models to save; null: all. */
  readonly modelNames: readonly string[] | null;

  constructor(config: CheckpointCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.saveWeights = config.save_weights;
    this.saveOptim = config.save_optim;
    this.saveLatestWeights = config.save_latest_weights;
    this.saveLatestOptim = config.save_latest_optim;
    this.modelNames = config.model_names;
    if (!this.saveWeights && !this.saveOptim && !this.saveLatestWeights && !this.saveLatestOptim) {
      throw new ValueError(
        "At least one of save_weights, save_optim, save_latest_weights and save_latest_optim has to be true for CheckpointCallback",
      );
    }
  }

  override beforeTraining(updateCounter: UpdateCounter): void {
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
    if (intervalType !== "eval") {
      this.#save(String(updateCounter.curIteration));
    }
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
