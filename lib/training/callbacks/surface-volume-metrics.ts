import type { z } from "zod";
import { KeyError, ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { bool, int, list, optional, str, tag, type FieldType } from "../../config/schema";
import {
  type CallbackDependencies,
  PeriodicDataIteratorCallback,
  PeriodicDataIteratorCallbackConfig,
} from "../../core/callbacks";
import type { DeviceBatch } from "../../core/interfaces/data";
import type { DatasetProtocol } from "../../data";
import { cat, Tensor } from "../../torch";

/** Config of {@link SurfaceVolumeEvaluationMetricsCallback}. */
export const SurfaceVolumeEvaluationMetricsCallbackConfig = PeriodicDataIteratorCallbackConfig.extend(
  "SurfaceVolumeEvaluationMetricsCallbackConfig",
  {
    fields: {
      name: tag("SurfaceVolumeEvaluationMetricsCallback"),
      /** Batch keys that the model gets, those that a batch has of them. Needed. */
      forward_properties: list(str()).default([]),
      /** Predict the points of a sample part by part. */
      chunked_inference: bool().default(false),
      /** Batch keys that are cut along dim 1; the others go whole into each part. */
      chunk_properties: list(str()).default([]),
      /** Samples may have different numbers of points. */
      batch_size: int({ gt: 0 }).default(1),
      /** Points of a part; the last one has the rest. */
      chunk_size: optional(int({ gt: 0 })),
      /** Batch key whose dim 1 is the number of points. */
      sample_size_property: optional(str()),
    },
    check: (config, complain) => {
      if (config.batch_size !== 1) complain(`expected 1, received ${config.batch_size}`, "batch_size");
      if (config.forward_properties.length === 0)
        complain("expected the batch keys that the model gets: ${model.forward_properties}", "forward_properties");
      if (!config.chunked_inference) return;
      if (config.chunk_properties.length === 0)
        complain("chunked_inference needs the batch keys that are cut", "chunk_properties");
      if (config.chunk_size === null) complain("chunked_inference needs it", "chunk_size");
      if (config.sample_size_property === null) complain("chunked_inference needs it", "sample_size_property");
    },
  },
);
export type SurfaceVolumeEvaluationMetricsCallbackConfig = z.output<
  typeof SurfaceVolumeEvaluationMetricsCallbackConfig
>;

const FIELDS = ["surface_pressure", "surface_friction", "volume_velocity", "volume_pressure", "volume_vorticity"];

/** Targets of a smaller norm have no relative error. */
const SMALLEST_NORM = 1e-8;

/** Stands for a relative error that a sample does not have: every sample has to give the same keys. */
const NO_RELATIVE_ERROR = -1;

/**
 * Errors of the predicted fields in physical units: `loss/{dataset}/{field}_mse` (mean square), `_mae` (mean absolute) and `_l2err`
 * (norm of the error / norm of the target), of each sample over all points and channels, then the mean over the samples.
 * Predictions are made in the trainer's precision, errors in float32.
 */
export class SurfaceVolumeEvaluationMetricsCallback extends PeriodicDataIteratorCallback<Record<string, Tensor>> {
  static readonly schema: FieldType = SurfaceVolumeEvaluationMetricsCallbackConfig;
  readonly #config: SurfaceVolumeEvaluationMetricsCallbackConfig;

  constructor(config: SurfaceVolumeEvaluationMetricsCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.#config = config;
  }

  /** Errors of the sample by name, each (1). */
  override async processData(batch: DeviceBatch): Promise<Record<string, Tensor>> {
    const outputs = await this.trainer.autocastContext(async () => this.#predict(batch));
    const metrics: Record<string, Tensor> = {};
    for (const field of FIELDS) {
      const target = batch[`${field}_target`];
      const prediction = outputs[field];
      if (target instanceof Tensor && prediction !== undefined)
        Object.assign(metrics, this.#errors(field, prediction, target));
    }
    return metrics;
  }

  override processResults(results: Record<string, Tensor>): void {
    if (Object.keys(results).length === 0) {
      this.logger.warning(
        `no metrics of data set '${this.datasetKey}': its batches and the model's outputs have none of ${FIELDS.join(", ")} together`,
      );
    }
    for (const [name, values] of Object.entries(results)) {
      // NaN stays: a prediction that diverged
      const numbers = (values.toArray() as number[]).filter((value) => value !== NO_RELATIVE_ERROR);
      if (numbers.length === 0) continue;
      const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
      this.writer.addScalar(`loss/${this.datasetKey}/${name}`, mean, { logger: this.logger, formatStr: ".6f" });
    }
  }

  async #predict(batch: DeviceBatch): Promise<Record<string, Tensor>> {
    const inputs: Record<string, Tensor> = {};
    for (const key of this.#config.forward_properties) {
      const value = batch[key];
      if (value instanceof Tensor) inputs[key] = value;
    }
    if (!this.#config.chunked_inference) return this.#forward(inputs);
    const parts: Record<string, Tensor>[] = [];
    for (const chunk of this.#chunks(inputs, batch)) parts.push(await this.#forward(chunk));
    const names = Object.keys(parts[0] as Record<string, Tensor>).filter((name) => FIELDS.includes(name));
    return Object.fromEntries(
      names.map((name) => [
        name,
        cat(
          parts.map((part) => part[name] as Tensor),
          1,
        ),
      ]),
    );
  }

  async #forward(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return (await this.model.forward(inputs)) as Record<string, Tensor>;
  }

  *#chunks(inputs: Record<string, Tensor>, batch: DeviceBatch): Generator<Record<string, Tensor>> {
    const { chunk_properties, chunk_size, sample_size_property } = this.#config;
    const pointsOf = (key: string, value: unknown): number => {
      if (value instanceof Tensor && value.ndim >= 2) return value.size(1);
      throw new KeyError(
        `${this}: expected "${key}" of shape (1, N, …) in the batch, which has ${Object.keys(batch).join(", ")}`,
      );
    };
    const total = pointsOf(sample_size_property!, batch[sample_size_property!]);
    if (total === 0) throw new ValueError(`${this}: expected points in "${sample_size_property}", received none`);
    for (const key of chunk_properties) pointsOf(key, inputs[key]);
    for (let start = 0; start < total; start += chunk_size!) {
      const cut = chunk_properties.map((key): [string, Tensor] => {
        const points = inputs[key] as Tensor; // (1, N, …)
        const first = Math.min(start, points.size(1));
        const last = Math.min(start + chunk_size!, total, points.size(1));
        return [key, points.narrow(1, first, last - first)];
      });
      yield { ...inputs, ...Object.fromEntries(cut) };
    }
  }

  #errors(field: string, prediction: Tensor, target: Tensor): Record<string, Tensor> {
    const { normalizers } = this.dataset as DatasetProtocol;
    const normalizer = normalizers.get(field);
    if (normalizer === undefined)
      throw new KeyError(
        `${this}: data set '${this.datasetKey}' has no normalizer "${field}"; it has: ${[...normalizers.keys()].join(", ") || "none"}`,
      );
    let [p, t] = [prediction, target].map((x) => normalizer.inverse(x.detach().cpu().to("float32"))) as [
      Tensor,
      Tensor,
    ];
    if (this.#config.chunked_inference) {
      const points = Math.min(p.size(1), t.size(1));
      [p, t] = [p.narrow(1, 0, points), t.narrow(1, 0, points)];
    }
    if (p.shape.join() !== t.shape.join())
      throw new ValueError(
        `${this}: expected a prediction of "${field}" of shape [${t.shape.join(", ")}], received [${p.shape.join(", ")}]`,
      );
    const difference = p.sub(t);
    const norm = t.norm();
    const hasNorm = !(Number(norm.item()) <= SMALLEST_NORM);
    if (!hasNorm)
      this.logger.warning(`the target ${field} of a sample of '${this.datasetKey}' is zero: it has no relative error`);
    return {
      [`${field}_mse`]: difference.square().mean().reshape([1]),
      [`${field}_mae`]: difference.abs().mean().reshape([1]),
      [`${field}_l2err`]: (hasNorm ? difference.norm().div(norm) : norm.mul(0).add(NO_RELATIVE_ERROR)).reshape([1]),
    };
  }
}

register("tutorial.callbacks.SurfaceVolumeEvaluationMetricsCallback", {
  class: SurfaceVolumeEvaluationMetricsCallback,
  aliases: ["tutorial.callbacks.surface_volume_evaluation_metrics.SurfaceVolumeEvaluationMetricsCallback"],
});
