/**
 * Predicts all points of the test cases with a trained run, and compares with CFD and with two baselines.
 *
 *     npx tsx examples/bluff-body/evaluate.ts outputs/<run id>
 *
 * Writes metrics.json, and for the first test case prediction.vtp and prediction.png, into the folder of the run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { surviveLostReaders } from "noether-ts/core";
import { FolderDataset, FolderDatasetConfig, readMesh, readTable, writeMesh } from "noether-ts/data";
import { loadRun, surfaceForces } from "noether-ts/inference";
import { scope, type Tensor } from "noether-ts/torch";
import { CarriedOver, relativeError, SAME_PLACE, SAME_POSITION, type Faces } from "./faces";
import { pictures } from "./picture";

/** Columns of cases.csv that a body is made of. */
const PARAMETERS = ["length", "width", "height", "ride_height", "slant_angle", "slant_length", "nose_radius"];

/** Content of metrics.json. Errors are relative L2, means over the cases. */
export interface Metrics {
  readonly relative_l2: Readonly<Record<string, Errors>>;
  readonly cases: readonly CaseMetrics[];
}

/** Errors of the model, and of what can be said about the surface pressure without one. */
interface Errors {
  readonly model: number;
  /** Mean of the training cases at the same position in space. */
  readonly mean_field?: number;
  /** Mean of the training cases at the same place of the body, whose box is scaled, where the surface is turned in the same direction. */
  readonly mean_field_on_body?: number;
  /** The training case with the nearest parameters, at the same place of the body. */
  readonly nearest_case?: number;
}

interface CaseMetrics {
  readonly name: string;
  readonly relative_l2: Metrics["relative_l2"];
  /** Drag coefficient by pressure and friction: of the predicted fields, and of OpenFOAM's own integration of its fields. */
  readonly drag_coefficient: { readonly predicted: number; readonly openfoam: number };
}

type Case = Record<string, Tensor>;

function numbers(value: Tensor): Float32Array {
  return Float32Array.from(value.dataSync() as Float32Array);
}

/** The data set of a run with everything of a case, in physical units. */
function openDataset(config: Record<string, unknown>): FolderDataset {
  const { pipeline: _, normalize: __, dataset_normalizers: ___, ...rest } = config;
  const { domains, surface } = rest as { domains?: { surface: object }; surface?: object };
  const geometry = { normals: "computed" };
  if (domains) rest["domains"] = { ...domains, surface: { ...domains.surface, ...geometry } };
  else rest["surface"] = { ...surface, ...geometry };
  return new FolderDataset(FolderDatasetConfig.create(rest as never));
}

function facesOf(name: string, sample: Case): Faces {
  const take = (key: string) => numbers(sample[`surface_${key}`]!);
  return { name, position: take("position"), normals: take("normals"), pressure: take("pressure") };
}

async function allCases<T>(
  dataset: FolderDataset,
  use: (name: string, sample: Case, index: number) => T | Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const [index, name] of dataset.names.entries()) {
    results.push(await scope(async () => use(name, (await dataset.get(index)) as Case, index)));
  }
  return results;
}

/** Evaluates a run; `folder` is that of the run, with checkpoints and hp_resolved.yaml. */
export async function evaluate(folder: string): Promise<Metrics> {
  using run = await loadRun(folder);
  const stage = run.identity.folder;
  const { datasets, dataset_root } = parse(readFileSync(join(stage, "hp_resolved.yaml"), "utf8")) as {
    datasets: Record<"train" | "test", Record<string, unknown>>;
    dataset_root: string;
  };
  const table = await readTable(join(dataset_root, "cases.csv"));
  const rows = new Map(table.texts.get("case")!.map((name, row) => [name, row]));
  const column = (name: string, row: number) => Number(table.field(name).values[row]);
  const ranges = PARAMETERS.map((name) => {
    const values = Array.from(table.field(name).values, Number);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const parametersOf = (name: string) =>
    PARAMETERS.map(
      (parameter, i) => (column(parameter, rows.get(name)!) - ranges[i]![0]) / (ranges[i]![1] - ranges[i]![0]),
    );

  const training = await allCases(openDataset(datasets.train), facesOf);
  const parameters = training.map(({ name }) => parametersOf(name));
  const inSpace = new CarriedOver(training, SAME_POSITION);
  const onBody = new CarriedOver(training, SAME_PLACE);
  const testing = openDataset(datasets.test);
  const cases = await allCases(testing, async (name, sample, index): Promise<CaseMetrics> => {
    const inputs = Object.fromEntries(run.inputs.map((input) => [input.name, sample[input.name]!]));
    const predicted = await run.predict(inputs);
    const faces = facesOf(name, sample);
    const mesh = await readMesh(join(testing.cases[index]!.folder, "surface.vtp"));
    const { total } = surfaceForces({
      mesh,
      location: "cells",
      pressure: predicted["surface_pressure"]!,
      friction: predicted["surface_friction"] ?? null,
      factor: 1,
      referencePressure: 0,
      normals: "out",
      centre: [0, 0, 0],
    });
    const error = (field: string) => ({ model: relativeError(predicted[field]!.values, numbers(sample[field]!)) });
    const row = rows.get(name)!;
    const dynamicPressure = (column("density", row) * column("speed", row) ** 2) / 2;
    return {
      name,
      relative_l2: {
        surface_pressure: {
          ...error("surface_pressure"),
          mean_field: relativeError(inSpace.mean(faces), faces.pressure),
          mean_field_on_body: relativeError(onBody.mean(faces), faces.pressure),
          nearest_case: relativeError(onBody.field(nearest(parametersOf(name), parameters), faces), faces.pressure),
        },
        ...Object.fromEntries(
          run.outputs
            .filter((output) => output.name !== "surface_pressure")
            .map((output) => [output.name, error(output.name)]),
        ),
      },
      drag_coefficient: {
        predicted: total[0] / (dynamicPressure * column("reference_area", row)),
        openfoam: column("drag_coefficient", row),
      },
    };
  });
  const metrics: Metrics = { relative_l2: means(cases), cases };
  writeFileSync(join(stage, "metrics.json"), `${JSON.stringify(metrics, null, 2)}\n`);
  await writePictures(stage, testing, run);
  return metrics;
}

/** Number of the training case whose parameters, scaled to their ranges, are nearest. */
function nearest(parameters: readonly number[], training: readonly (readonly number[])[]): number {
  const distances = training.map((each) => Math.hypot(...each.map((value, i) => value - parameters[i]!)));
  return distances.indexOf(Math.min(...distances));
}

function means(cases: readonly CaseMetrics[]): Metrics["relative_l2"] {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Object.fromEntries(
    Object.entries(cases[0]!.relative_l2).map(([field, errors]) => [
      field,
      Object.fromEntries(
        Object.keys(errors).map((who) => [who, mean(cases.map((each) => each.relative_l2[field]![who as "model"]))]),
      ) as unknown as Errors,
    ]),
  );
}

/** CFD, prediction and difference of the first test case: as a mesh, and as a picture. */
async function writePictures(
  stage: string,
  dataset: FolderDataset,
  run: Awaited<ReturnType<typeof loadRun>>,
): Promise<void> {
  await scope(async () => {
    const sample = (await dataset.get(0)) as Case;
    const inputs = Object.fromEntries(run.inputs.map((input) => [input.name, sample[input.name]!]));
    const { values, shape } = (await run.predict(inputs))["surface_pressure"]!;
    const predicted = { values: Float32Array.from(values), shape };
    const mesh = await readMesh(join(dataset.cases[0]!.folder, "surface.vtp"));
    const truth = Float32Array.from(mesh.cellData.field("p").values as Float32Array);
    const difference = { values: predicted.values.map((value, i) => value - truth[i]!), shape: predicted.shape };
    mesh.cellData.set("p_predicted", predicted);
    mesh.cellData.set("p_difference", difference);
    await writeMesh(mesh, join(stage, "prediction.vtp"), { compression: "zlib" });
    writeFileSync(join(stage, "prediction.png"), pictures(mesh, [truth, predicted.values, difference.values]));
  });
}

function print({ relative_l2, cases }: Metrics): void {
  const percent = (value?: number) => (value === undefined ? "" : `${(100 * value).toFixed(1)} %`).padStart(15);
  console.log(`\nRelative L2 errors, mean over ${cases.length} bodies that the model has not seen:\n`);
  const columns = {
    model: "AB-UPT",
    mean_field: "mean in space",
    mean_field_on_body: "mean on body",
    nearest_case: "nearest case",
  };
  console.log(
    `${"".padEnd(20)}${Object.values(columns)
      .map((name) => name.padStart(15))
      .join("")}`,
  );
  for (const [field, errors] of Object.entries(relative_l2))
    console.log(
      `${field.padEnd(20)}${Object.keys(columns)
        .map((key) => percent(errors[key as keyof Errors]))
        .join("")}`,
    );
  console.log(`\nDrag coefficient:\n`);
  for (const {
    name,
    drag_coefficient: { predicted, openfoam },
  } of cases)
    console.log(`${name.padEnd(20)}predicted ${predicted.toFixed(3)}   OpenFOAM ${openfoam.toFixed(3)}`);
}

if (require.main === module) {
  surviveLostReaders(); // of a pipe: evaluate.ts … | head
  const folder = process.argv[2];
  if (folder === undefined) {
    console.error("expected the folder of a run: npx tsx examples/bluff-body/evaluate.ts outputs/<run id>");
    process.exitCode = 2;
  } else {
    void evaluate(folder).then((metrics) => {
      print(metrics);
      const { model, mean_field } = metrics.relative_l2["surface_pressure"]!;
      console.log(
        `\nSurface pressure: ${(mean_field! / model).toFixed(1)} times better than the mean field (expected: 3 or more)`,
      );
      if (model > mean_field! / 3) process.exitCode = 1;
    });
  }
}
