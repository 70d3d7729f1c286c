import { join } from "node:path";
import { writeFileSync, renameSync } from "node:fs";
import type { z } from "zod";
import {
  PeriodicDataIteratorCallback,
  PeriodicDataIteratorCallbackConfig,
  str,
  type CallbackDependencies,
  type DeviceBatch,
  type ModelBase,
  type ProcessResultsContext,
} from "noether-ts/core";
import { DatasetWrapper, type DatasetProtocol } from "noether-ts/data";
import { noGrad, saveSafetensors, scope, tensor, type Tensor } from "noether-ts/torch";
import { Baselines, FIELDS, relativeError, type AirfoilCase, type Field } from "./baselines";
import type { AirfoilDataset } from "./dataset";

/** Sample keys of a case. */
const KEYS = [
  "surface_position",
  "volume_position",
  "inflow_design_parameters",
  "geometry_design_parameters",
  ...(Object.keys(FIELDS) as Field[]),
] as const;

/** Config of {@link FieldErrorsCallback}. */
export const FieldErrorsCallbackConfig = PeriodicDataIteratorCallbackConfig.extend("FieldErrorsCallbackConfig", {
  fields: {
    /** Data set of the cases that the baselines know. */
    baseline_dataset_key: str().default("train"),
  },
});
export type FieldErrorsCallbackConfig = z.output<typeof FieldErrorsCallbackConfig>;

/** Errors of one field: of the model and of the two baselines. */
export interface Errors {
  model: number;
  mean_field: number;
  nearest_case: number;
}

/** Content of `metrics.json`. */
export interface Metrics {
  dataset: string;
  epoch: number;
  update: number;
  /** Relative L2 error of each field, mean over the cases. */
  relative_l2: Record<Field, Errors>;
  cases: { name: string; angle: number; speed: number; nearest_case: string; relative_l2: Record<Field, Errors> }[];
}

/**
 * Predicts every point of every case of a data set, compares with CFD in physical units, and does the same for two
 * baselines. Writes `metrics.json` and `predictions.safetensors` into the run directory. Needs a pipeline with
 * `query_all_points: true` and batches of one case.
 */
export class FieldErrorsCallback extends PeriodicDataIteratorCallback<Record<Field, Tensor>> {
  static readonly schema = FieldErrorsCallbackConfig;
  readonly #dataset: DatasetProtocol;
  readonly #baselineDataset: DatasetProtocol;

  constructor(config: FieldErrorsCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.#dataset = this.dataContainer.getDataset(config.dataset_key) as DatasetProtocol;
    this.#baselineDataset = this.dataContainer.getDataset(config.baseline_dataset_key) as DatasetProtocol;
  }

  /** Fields of all points in physical units, (1, N, channels) each. */
  override processData(batch: DeviceBatch, trainerModel: ModelBase): Record<Field, Tensor> {
    const outputs = trainerModel.forward(batch) as Record<string, Tensor>;
    return perField((field) => this.#dataset.normalizers.get(field)!.inverse(outputs[`query_${field}`]!.cpu()));
  }

  override async processResults(
    predictions: Record<Field, Tensor>,
    { updateCounter }: ProcessResultsContext,
  ): Promise<void> {
    const cases = await readCases(this.#dataset);
    const baselines = new Baselines(await readCases(this.#baselineDataset));
    const perCase = cases.map((item, number) => {
      const mean = baselines.meanFields(item);
      const nearest = baselines.nearestFields(item);
      const [angle, speed] = item.inflow_design_parameters as unknown as [number, number];
      return {
        name: item.name,
        angle,
        speed,
        nearest_case: baselines.nearestCase(item).name,
        relative_l2: perField((field) => ({
          model: relativeError(numbersOf(predictions[field].select(0, number)), item[field]),
          mean_field: relativeError(mean[field], item[field]),
          nearest_case: relativeError(nearest[field], item[field]),
        })),
      };
    });
    const average = (pick: (row: (typeof perCase)[number]) => number): number =>
      perCase.reduce((sum, row) => sum + pick(row), 0) / perCase.length;
    const metrics: Metrics = {
      dataset: this.datasetKey,
      epoch: updateCounter.epoch,
      update: updateCounter.update,
      relative_l2: perField((field) => ({
        model: average((row) => row.relative_l2[field].model),
        mean_field: average((row) => row.relative_l2[field].mean_field),
        nearest_case: average((row) => row.relative_l2[field].nearest_case),
      })),
      cases: perCase,
    };
    for (const [field, { model }] of Object.entries(metrics.relative_l2)) {
      this.writer.addScalar(`relative_l2_error/${this.datasetKey}/${field}`, model, {
        logger: this.logger,
        formatStr: ".4f",
      });
    }
    const directory = this.trainer.pathProvider.runOutputPath;
    writeJson(join(directory, "metrics.json"), metrics);
    writePredictions(join(directory, "predictions.safetensors"), cases, predictions);
  }
}

function perField<T>(make: (field: Field) => T): Record<Field, T> {
  return Object.fromEntries((Object.keys(FIELDS) as Field[]).map((field) => [field, make(field)])) as Record<Field, T>;
}

function numbersOf(x: Tensor): Float32Array {
  return Float32Array.from(x.contiguous().dataSync() as Float32Array);
}

/** Every case of a data set as it is stored, whatever its normalizers and wrappers do. */
async function readCases(dataset: DatasetProtocol): Promise<AirfoilCase[]> {
  const isWrapped = dataset instanceof DatasetWrapper;
  const base = (isWrapped ? dataset.base : dataset) as AirfoilDataset;
  const cases: AirfoilCase[] = [];
  base.computeStatistics = true;
  try {
    for (let index = 0; index < dataset.length; index++) {
      const number = isWrapped ? dataset.baseIndex(index) : index;
      const values: Record<string, unknown> = { name: base.names[number] };
      for (const key of KEYS) {
        values[key] = await scope(async () => numbersOf(await base.getitem(key, number)));
      }
      cases.push(values as unknown as AirfoilCase);
    }
  } finally {
    base.computeStatistics = false;
  }
  return cases;
}

function writeJson(path: string, content: unknown): void {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** Points, CFD fields and predictions of every case, for the report. */
function writePredictions(path: string, cases: readonly AirfoilCase[], predictions: Record<Field, Tensor>): void {
  const stacked = (key: (typeof KEYS)[number], channels: number): Tensor =>
    tensor(Float32Array.from(cases.flatMap((item) => [...item[key]]))).reshape([cases.length, -1, channels]);
  noGrad(() =>
    scope(() => {
      const tensors: Record<string, Tensor> = {
        surface_position: stacked("surface_position", 2),
        volume_position: stacked("volume_position", 2),
      };
      for (const [field, channels] of Object.entries(FIELDS) as [Field, number][]) {
        tensors[`cfd.${field}`] = stacked(field, channels);
        tensors[`predicted.${field}`] = predictions[field];
      }
      saveSafetensors(tensors, path, { metadata: { cases: JSON.stringify(cases.map(({ name }) => name)) } });
    }),
  );
}
