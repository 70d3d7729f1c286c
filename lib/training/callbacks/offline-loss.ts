import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { list, optional, str, tag, type FieldType } from "../../config/schema";
import {
  type CallbackDependencies,
  type Collated,
  PeriodicDataIteratorCallback,
  PeriodicDataIteratorCallbackConfig,
  type ProcessResultsContext,
  ResultTuple,
} from "../../core/callbacks";
import type { DeviceBatch } from "../../core/interfaces/data";
import type { ModelBase } from "../../core/models";
import { Tensor, tensor } from "../../torch";

/** Config of {@link OfflineLossCallback}. */
export const OfflineLossCallbackConfig = PeriodicDataIteratorCallbackConfig.extend("OfflineLossCallbackConfig", {
  fields: {
    name: tag("OfflineLossCallback"),
    /** Substrings of the additional outputs to log. */
    output_patterns_to_log: optional(list(str())),
  },
});
export type OfflineLossCallbackConfig = z.output<typeof OfflineLossCallbackConfig>;

/** Losses by name, and other outputs by name. */
type Results = ResultTuple<[losses: Record<string, Tensor>, outputs: Record<string, Tensor>]>;

/**
 * Loss over a data set, `loss/{dataset}/{name}`, and its distance from the training loss of the same interval,
 * `lossdiff/{dataset}/{name}`. Runs in the precision of the parameters.
 */
export class OfflineLossCallback extends PeriodicDataIteratorCallback<Results> {
  static readonly schema: FieldType = OfflineLossCallbackConfig;
  readonly outputPatternsToLog: readonly string[];

  constructor(config: OfflineLossCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.outputPatternsToLog = config.output_patterns_to_log ?? [];
  }

  override async processData(batch: DeviceBatch, trainerModel: ModelBase): Promise<Results> {
    const { totalLoss, lossesToLog, additionalOutputs } = await this.trainer.trainStep(batch, trainerModel);
    const losses: Record<string, Tensor> = { total: totalLoss.to("cpu") };
    for (const [name, loss] of Object.entries(lossesToLog ?? {})) losses[name] = loss.to("cpu");
    const outputs: Record<string, Tensor> = {};
    for (const [name, output] of Object.entries(additionalOutputs ?? {})) {
      if (!this.outputPatternsToLog.some((pattern) => name.includes(pattern))) continue;
      outputs[name] = output instanceof Tensor ? output.to("cpu") : tensor(output as number[]);
    }
    return new ResultTuple(losses, outputs);
  }

  override processResults([losses, outputs]: Collated<Results>, _context: ProcessResultsContext): void {
    for (const [name, loss] of Object.entries(losses)) this.#logLoss(name, loss);
    for (const [name, output] of Object.entries(outputs)) {
      this.#log(`${name}/${this.datasetKey}`, meanOf(output, `Output has to be calculated sample-wise: '${name}'`));
    }
  }

  #logLoss(name: string, loss: Tensor): void {
    const mean = meanOf(loss, `Loss has to be calculated sample-wise: '${name}'`);
    this.#log(`loss/${this.datasetKey}/${name}`, mean);
    const cache = this.writer.logCache;
    if (cache === null) {
      throw new ValueError("Log cache is empty");
    }
    const online = cache[`loss/online/${name}/${this.toShortIntervalString()}`];
    if (typeof online === "number") {
      this.#log(`lossdiff/${this.datasetKey}/${name}`, mean - online);
    }
  }

  #log(key: string, value: number): void {
    this.writer.addScalar(key, value, { logger: this.logger });
  }
}

/** Mean over one value per sample (or batch). */
function meanOf(values: Tensor, problem: string): number {
  if (values.ndim !== 1) {
    throw new ValueError(
      `${problem} has shape [${values.shape.join(", ")}], expected one number per sample or per batch`,
    );
  }
  return Number(values.to("float32").mean().item());
}

register("noether.training.callbacks.OfflineLossCallback", {
  class: OfflineLossCallback,
  aliases: ["noether.training.callbacks.offline_loss.OfflineLossCallback"],
});
