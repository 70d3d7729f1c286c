/**
 * Predicts the test cases with a trained run at all of their points, and compares the temperatures with OpenFOAM and with three estimates
 * that need no model.
 *
 *     npx tsx examples/heatsink/evaluate.ts outputs/<run id>
 *
 * Writes metrics.json into the folder of the run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { surviveLostReaders } from "noether-ts/core";
import { FolderDataset, FolderDatasetConfig } from "noether-ts/data";
import { evaluateRun, loadRun } from "noether-ts/inference";
import { scope, type Tensor } from "noether-ts/torch";
import { meanError, meanField, nearestField, oneTemperatureField, type Solution } from "./baselines";

/** Relative L2 errors of the temperature above the air, means over the cases. */
export interface Errors {
  readonly model: number;
  /** The mean over the training cases of the rise per watt, at the same place of the body. */
  readonly mean_field: number;
  /** The rise per watt of the training case with the nearest parameters, at the same place of the body. */
  readonly nearest_case: number;
  /** Power by h times area, everywhere. */
  readonly one_temperature: number;
}

/** Content of metrics.json. */
export interface Metrics {
  readonly relative_l2: Readonly<Record<string, Errors>>;
  readonly cases: readonly { readonly name: string; readonly relative_l2: Readonly<Record<string, number>> }[];
}

/** The solutions of a data set of a run, in physical units; `config` is that of the data set. */
export async function solutions(config: Record<string, unknown>, domain: string): Promise<Solution[]> {
  const { pipeline: _, normalize: __, dataset_normalizers: ___, ...rest } = config;
  const dataset = new FolderDataset(FolderDatasetConfig.create(rest as never));
  const result: Solution[] = [];
  for (const [index, name] of dataset.names.entries()) {
    await scope(async () => {
      const sample = (await dataset.get(index)) as Record<string, Tensor>;
      const numbers = (key: string) => Float32Array.from(sample[key]!.dataSync() as Float32Array);
      result.push({
        name,
        design: numbers("design"),
        position: numbers(`${domain}_position`),
        temperature: numbers(`${domain}_temperature`),
      });
    });
  }
  return result;
}

/** Evaluates a run; `folder` is that of the run, with checkpoints and hp_resolved.yaml. */
export async function evaluate(folder: string): Promise<Metrics> {
  using run = await loadRun(folder);
  const stage = run.identity.folder;
  const { overall, cases } = await evaluateRun(run);
  const { datasets } = parse(readFileSync(join(stage, "hp_resolved.yaml"), "utf8")) as {
    datasets: Record<"train" | "test", Record<string, unknown>>;
  };
  const relative_l2: Record<string, Errors> = {};
  for (const domain of ["surface", "solid"]) {
    const training = await solutions(datasets.train, domain);
    const testing = await solutions(datasets.test, domain);
    const mean = (estimate: (solution: Solution) => Float32Array) => meanError(testing, estimate);
    relative_l2[`${domain}_temperature`] = {
      model: overall[`${domain}_temperature`]!.mean_relative_l2,
      mean_field: mean(meanField(training)),
      nearest_case: mean(nearestField(training)),
      one_temperature: mean(oneTemperatureField),
    };
  }
  const metrics: Metrics = {
    relative_l2,
    cases: cases.map(({ name, errors }) => ({
      name,
      relative_l2: Object.fromEntries(Object.entries(errors).map(([field, error]) => [field, error.relative_l2])),
    })),
  };
  writeFileSync(join(stage, "metrics.json"), `${JSON.stringify(metrics, null, 2)}\n`);
  return metrics;
}

function print({ relative_l2, cases }: Metrics): void {
  const columns: Record<keyof Errors, string> = {
    model: "AB-UPT",
    mean_field: "mean field",
    nearest_case: "nearest case",
    one_temperature: "one temperature",
  };
  const names = Object.keys(columns) as (keyof Errors)[];
  console.log(`\nRelative L2 errors, mean over ${cases.length} heatsinks that the model has not seen:\n`);
  console.log(`${"".padEnd(22)}${names.map((name) => columns[name].padStart(18)).join("")}`);
  for (const [field, errors] of Object.entries(relative_l2))
    console.log(
      `${field.padEnd(22)}${names.map((name) => `${(100 * errors[name]).toFixed(1)} %`.padStart(18)).join("")}`,
    );
  console.log("\nThe model, worst case first:\n");
  for (const { name, relative_l2: errors } of cases)
    console.log(
      `${name.padEnd(22)}${Object.entries(errors)
        .map(([field, error]) => `${field} ${(100 * error).toFixed(1)} %`)
        .join("   ")}`,
    );
}

if (require.main === module) {
  surviveLostReaders(); // of a pipe: evaluate.ts … | head
  const folder = process.argv[2];
  if (folder === undefined) {
    console.error("expected the folder of a run: npx tsx examples/heatsink/evaluate.ts outputs/<run id>");
    process.exitCode = 2;
  } else {
    void evaluate(folder).then((metrics) => {
      print(metrics);
      for (const { model, ...others } of Object.values(metrics.relative_l2))
        if (model > Math.min(...Object.values(others)) / 2) process.exitCode = 1;
    });
  }
}
