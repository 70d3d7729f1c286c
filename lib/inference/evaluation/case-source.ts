import { ValueError } from "../../config/python-errors";
import { suggestNames } from "../../config/nearest-names";
import { registered, validateConfig } from "../../config/schema";
import {
  DatasetBaseConfig,
  DatasetFactory,
  DatasetWrapper,
  FolderDataset,
  Mesh,
  type Dataset,
  type DatasetProtocol,
} from "../../data";
import { scope, Tensor } from "../../torch";
import { readCase, type CaseDomain, type CaseFiles } from "../cases";
import type { PredictedField } from "../predict/field-buffers";
import { positionKey } from "../predict/run-fields";
import type { TrainedRun } from "../run/trained-run";

/** The cases of a data set of a run, each with its truth. */
export interface CaseSource {
  /** Key of the data set in the run's config. */
  readonly dataset: string;
  readonly names: readonly string[];
  /** Reads a case. */
  read(index: number): Promise<CaseFiles>;
}

/**
 * The cases of one of the data sets that a run was configured with. Of a `FolderDataset` all points are taken, whatever `max_points` is.
 *
 * @param key default: that whose pipeline the run uses
 * @throws ValueError for a key that there is not; whatever the class says when its data is not there
 */
export function caseSource(run: TrainedRun, key: string | undefined): CaseSource {
  const { datasets, unloaded } = run.stored;
  const name = key ?? run.data.dataset;
  const config = name === null ? undefined : datasets[name];
  if (name === null || config === undefined)
    throw new ValueError(
      `expected the key of a data set of the run, got ${JSON.stringify(name)}; ${suggestNames(name ?? "", Object.keys(datasets)) || "the run stores none"}`,
    );
  const problem = unloaded.get(String(config["kind"]));
  if (problem !== undefined) throw problem;
  const validated = validateConfig(registered(DatasetBaseConfig), config);
  validated.dataset_normalizers = null; // values come as they are stored
  const dataset = new DatasetFactory().create(validated);
  const base = baseOf(dataset);
  const at = (index: number): number => (dataset instanceof DatasetWrapper ? dataset.baseIndex(index) : index);
  const indices = Array.from({ length: dataset.length }, (_, index) => at(index));
  if (base instanceof FolderDataset) {
    const cases = indices.map((index) => base.cases[index]!);
    return {
      dataset: name,
      names: cases.map((each) => each.name),
      read: async (index) => {
        const { name: caseName, file, folder } = cases[index]!;
        const conditions = await conditionsOf(run, base, indices[index]!);
        return { ...(await readCase(run, file ?? folder, { conditions })), name: caseName };
      },
    };
  }
  const known = (base as { names?: readonly unknown[] }).names;
  base.computeStatistics = true; // values as they are stored
  return {
    dataset: name,
    names: indices.map((index) => String(known?.[index] ?? `case ${index}`)),
    read: async (index) =>
      fromSample(run, String(known?.[indices[index]!] ?? `case ${indices[index]!}`), dataset, index),
  };
}

function baseOf(dataset: DatasetProtocol): Dataset {
  return dataset instanceof DatasetWrapper ? dataset.base : (dataset as Dataset);
}

/** Numbers of a case, which a table has by the name of the case in its data set. */
async function conditionsOf(run: TrainedRun, base: FolderDataset, index: number): Promise<Record<string, number[]>> {
  const keys = run.inputs.flatMap(({ name, role }) => (role === "condition" ? [name] : []));
  base.computeStatistics = true; // values as they are stored
  base.isDouble = true;
  return scope(async () => {
    const sample = await base.getSelected(index, keys);
    return Object.fromEntries(keys.map((key) => [key, (sample[key] as Tensor).reshape([-1]).toArray() as number[]]));
  });
}

/** A sample of a data set that is no folder: arrays by sample key. */
async function fromSample(run: TrainedRun, name: string, dataset: DatasetProtocol, index: number): Promise<CaseFiles> {
  const keys = dataset.getterKeys();
  const wanted = [...run.inputs, ...run.outputs].map((field) => field.name).filter((key) => keys.includes(key));
  const values = await scope(async () => {
    const sample = await dataset.getSelected(index, wanted);
    return new Map(
      Object.entries(sample).flatMap(([key, value]): [string, PredictedField][] =>
        value instanceof Tensor
          ? [
              [
                key,
                {
                  values: value.to(run.dtype).cpu().contiguous().dataSync() as PredictedField["values"],
                  shape: [...value.shape],
                },
              ],
            ]
          : [],
      ),
    );
  });
  const domains = run.domains.map((domain): CaseDomain => {
    const positions = values.get(positionKey(domain)) ?? { values: new Float32Array(0), shape: [0, 3] };
    const outputs = run.outputs.filter((output) => output.domain === domain && values.has(output.name));
    const truth = new Map(outputs.map((output) => [output.name, values.get(output.name)!]));
    return { name: domain, mesh: cloud(positions), location: "points", metres: 1, positions, truth };
  });
  const inputs = Object.fromEntries(
    run.inputs.flatMap((input) => (values.has(input.name) ? [[input.name, values.get(input.name)!]] : [])),
  );
  return { name, inputs, domains };
}

/** Points in space, those of a plane at z = 0. */
function cloud({ values, shape }: PredictedField): Mesh {
  const width = shape[1] ?? 1;
  const points = new Float32Array((values.length / width) * 3);
  for (let row = 0; row < values.length / width; row++)
    for (let d = 0; d < Math.min(3, width); d++) points[3 * row + d] = values[row * width + d]!;
  return new Mesh({ points });
}
