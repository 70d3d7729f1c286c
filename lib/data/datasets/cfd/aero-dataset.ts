import { join } from "node:path";
import { ValueError } from "../../../config/python-errors";
import type { DatasetBaseConfig } from "../../base/dataset-config";
import { Dataset, type SampleInfo } from "../../base/dataset";
import type { Loaded } from "../../sample";
import { Tensor, zeros } from "../../../torch";
import { FileMap } from "../file-map";
import { readSampleFile } from "./sample-file";

/** What the config of such a data set has. */
export type AeroDatasetConfig = DatasetBaseConfig & { readonly root: string; readonly split: string };

/** A sample key, the field of the file map whose file it is, and what the file holds: a number or a vector for each point. */
interface Field {
  readonly key: string;
  readonly file: keyof FileMap;
  readonly kind: "scalar" | "vector";
  /** Whether the values pass the normalizer of the sample key. */
  readonly normalize: boolean;
}

const FIELDS: readonly Field[] = [
  { key: "surface_position", file: "surface_position", kind: "vector", normalize: true },
  { key: "surface_pressure", file: "surface_pressure", kind: "scalar", normalize: true },
  { key: "surface_friction", file: "surface_friction", kind: "vector", normalize: true },
  { key: "surface_normals", file: "surface_normals", kind: "vector", normalize: false },
  { key: "surface_area", file: "surface_area", kind: "scalar", normalize: false },
  { key: "volume_position", file: "volume_position", kind: "vector", normalize: true },
  { key: "volume_pressure", file: "volume_pressure", kind: "scalar", normalize: true },
  { key: "volume_velocity", file: "volume_velocity", kind: "vector", normalize: true },
  { key: "volume_vorticity", file: "volume_vorticity", kind: "vector", normalize: true },
  { key: "volume_sdf", file: "volume_distance_to_surface", kind: "scalar", normalize: true },
  { key: "volume_normals", file: "volume_normals", kind: "vector", normalize: false },
];

/**
 * Base of data sets of flows around bodies, whose samples are folders with a `.pt` file (a tensor written by `torch.save`) for
 * each field. A subclass says which file has which field, how many samples there are, and in which folder each is.
 *
 * | key | shape | normalizer |
 * |---|---|---|
 * | `surface_position`, `surface_friction` (wall shear stress) | (Ns, 3) | its own |
 * | `surface_pressure` | (Ns, 1) | its own |
 * | `surface_normals` (Ns, 3), `surface_area` (Ns, 1) | | none |
 * | `surface_sdf`, zeros, where there are normals | (Ns, 1) | `volume_sdf` |
 * | `volume_position`, `volume_velocity`, `volume_vorticity` | (Nv, 3) | its own |
 * | `volume_pressure`, `volume_sdf` (distance to the surface) | (Nv, 1) | its own |
 * | `volume_normals` | (Nv, 3) | none |
 *
 * A field that has no file in the map has no key.
 */
export abstract class AeroDataset<C extends AeroDatasetConfig = AeroDatasetConfig> extends Dataset<C> {
  readonly fileMap: FileMap;

  /** @param files name of the file of each field, by the fields of `FileMap` */
  constructor(config: C, files: Partial<FileMap>) {
    super(config);
    this.fileMap = FileMap.create(files);
    for (const { key, file, kind, normalize } of FIELDS) {
      const name = this.fileMap[file];
      if (name === null) continue;
      const read = kind === "scalar" ? this.#scalars.bind(this) : this.#vectors.bind(this);
      this.addGetter(key, (index) => read(index, name), { normalize });
    }
    const normals = this.fileMap.surface_normals;
    if (normals !== null)
      this.addGetter("surface_sdf", async (index) => zeros([(await this.#vectors(index, normals)).size(0), 1]), {
        normalize: "volume_sdf",
      });
  }

  /**
   * The folder of a sample.
   *
   * @throws RangeError when there is no such sample
   */
  abstract sampleFolder(index: number): string;

  override sampleInfo(index: number): SampleInfo | null {
    return { sample_uri: this.sampleFolder(index), split: this.config.split };
  }

  /**
   * What the file `name` of a sample holds. Override it where samples are no folders of `.pt` files.
   *
   * @throws RuntimeError naming the path when the file cannot be read
   */
  protected load(index: number, name: string): Loaded<unknown> {
    return readSampleFile(this.constructor.name, join(this.sampleFolder(index), name));
  }

  /** (N, 3) */
  async #vectors(index: number, name: string): Promise<Tensor> {
    const value = await this.load(index, name);
    if (value instanceof Tensor && value.ndim === 2 && value.size(1) === 3) return value;
    throw this.#wrongContent(index, name, "a tensor (N, 3)", value);
  }

  /** (N) → (N, 1) */
  async #scalars(index: number, name: string): Promise<Tensor> {
    const value = await this.load(index, name);
    if (value instanceof Tensor && value.ndim === 1) return value.unsqueeze(1);
    if (value instanceof Tensor && value.ndim === 2 && value.size(1) === 1) return value;
    throw this.#wrongContent(index, name, "a tensor (N)", value);
  }

  #wrongContent(index: number, name: string, expected: string, value: unknown): ValueError {
    const what = value instanceof Tensor ? `(${value.shape.join(", ")})` : "something else";
    const path = join(this.sampleFolder(index), name);
    return new ValueError(`${this.constructor.name}: expected ${path} to hold ${expected}, received ${what}`);
  }
}

/**
 * Entry `index` of a list of ids; negative numbers count from the end, as in Python.
 *
 * @throws RangeError when there is none
 */
export function idAt<T>(dataset: string, ids: readonly T[], index: number): T {
  const id = ids.at(index);
  if (id === undefined || !Number.isInteger(index))
    throw new RangeError(`sample ${index} is outside of ${dataset} with ${ids.length} samples`);
  return id;
}
