/** Writes the files of a SIMSHIFT data set to the folder that its argument names, and prints its samples: see simshift-heatsink.test.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../../../../lib/torch";
import { SimshiftHeatsinkConfig, SimshiftHeatsinkDataset } from "../../../../lib/data/datasets/cfd/simshift-heatsink";
import { zipOf } from "../../../support/zip";
import { writeHdf5 } from "./simshift-files";

const at = (index: number, channels: number, points: number): number[] =>
  Array.from({ length: channels * points }, (_, i) => index * 100 + i);

async function main(folder: string, splits: string, metadata: string): Promise<void> {
  mkdirSync(folder);
  const files: Record<string, Buffer> = { "splits.json": Buffer.from(splits), "metadata.csv": Buffer.from(metadata) };
  for (const id of [0, 1, 2, 3, 4]) {
    files[`${id}.h5`] = await writeHdf5(join(folder, `${id}.h5`), {
      "mesh/element_coords": { values: Float64Array.from(at(id, 3, 4)), shape: [4, 3] },
      "element_fields/U": { values: Float64Array.from(at(id + 10, 3, 4)), shape: [4, 3] },
      "element_fields/T": { values: Float32Array.from(at(id + 20, 1, 4)), shape: [4] },
      // a sample whose pressure has another shape
      "element_fields/p_rgh": { values: Float64Array.from(at(id, 1, 4)), shape: id === 4 ? [2, 2] : [4, 1] },
      "element_fields/k": { values: Float64Array.from([1]), shape: [1] },
    });
  }
  for (const name of ["splits.json", "metadata.csv"]) writeFileSync(join(folder, name), files[name]!);
  const archive = join(folder, "heatsink.zip");
  writeFileSync(
    archive,
    zipOf(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`heatsink/${name}`, bytes]))),
  );
  const outcomes: unknown[] = [];
  for (const root of [folder, archive]) {
    const dataset = new SimshiftHeatsinkDataset(
      SimshiftHeatsinkConfig.create({ root, split: "train", difficulty: "easy", domain: "source" }),
    );
    const { index, ...values } = await dataset.get(1);
    const sample = Object.fromEntries(Object.entries(values).map(([key, x]) => [key, (x as Tensor).toArray()]));
    const problem = await dataset.getitem("volume_pressure", 2).catch((error: Error) => error.message);
    outcomes.push({ index, sample, problem });
  }
  console.log(JSON.stringify(outcomes));
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4]!);
