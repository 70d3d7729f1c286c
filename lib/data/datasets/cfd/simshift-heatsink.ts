import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { z } from "zod";
import { FileNotFoundError, KeyError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { isMapping, literal, optional, str } from "../../../config/schema";
import { expandUser } from "../../../core/providers/expand-user";
import { fromTypedArray, type Tensor } from "../../../torch";
import { Dataset, type Prepared, type SampleInfo } from "../../base/dataset";
import { DatasetBaseConfig } from "../../base/dataset-config";
import type { NdArray } from "../../readers/arrays";
import { bytesSource, openFile, withFile, type ByteSource } from "../../readers/byte-source";
import { readCsv } from "../../readers/csv";
import { readHdf5 } from "../../readers/hdf5";
import { extractZipEntry, zipContent, zipEntries, type ZipEntry } from "../../readers/zip";
import { DATASET_STATISTICS } from "../statistics";
import { idAt } from "./aero-dataset";
import { isFolder, missingFile } from "./sample-file";

const NAME = "SimshiftHeatsinkDataset";
const KIND = `noether.data.datasets.cfd.${NAME}`;
const ARCHIVE = "heatsink.zip";

/** Config of {@link SimshiftHeatsinkDataset}. */
export const SimshiftHeatsinkConfig = DatasetBaseConfig.extend("SimshiftHeatsinkConfig", {
  fields: {
    /** Class of the data set. */
    kind: str().default(KIND),
    /** Folder of the samples, or the published archive (`heatsink.zip`). Default: `~/.cache/emmi/datasets/simshift_heatsink/heatsink.zip`. */
    root: optional(str()),
    /** Which part of the data. */
    split: literal("train", "val", "test"),
    /** How far the target domain is from the source domain. Default: all. */
    difficulty: optional(literal("easy", "medium", "hard")),
    /** Default: both. */
    domain: optional(literal("source", "target")),
    /** Default: `splits.json` in `root`. Not for archives. */
    splits_path: optional(str()),
    /** Default: `metadata.csv` in `root`. Not for archives. */
    metadata_path: optional(str()),
  },
});
export type SimshiftHeatsinkConfig = z.output<typeof SimshiftHeatsinkConfig>;

/** Sample keys and where they are in the file of a sample. */
const FIELDS: Readonly<Record<string, { readonly path: string; readonly channels: 1 | 3 }>> = {
  volume_position: { path: "mesh/element_coords", channels: 3 },
  volume_velocity: { path: "element_fields/U", channels: 3 },
  volume_temperature: { path: "element_fields/T", channels: 1 },
  volume_pressure: { path: "element_fields/p_rgh", channels: 1 },
};
const PARAMETERS = "simulation_parameters";
/** Columns of the metadata that are not parameters of a simulation: its name, and what is the same in all. */
const NO_PARAMETERS: ReadonlySet<string> = new Set(
  "sample_id envTemp flowVelocity height1 length pressure turbulentKE turbulentOmega width".split(" "),
);

/** A sample and which part of the data set it is of. */
interface Entry {
  readonly id: string;
  readonly difficulty: string;
  readonly domain: "source" | "target";
  /** That of the list it is in: `test` where the target domain, which has no `val`, was asked for it. */
  readonly split: string;
}

/**
 * The heat sinks of SIMSHIFT (Setinek et al. 2025): steady flow of air around a hot heat sink, in a source and a target domain.
 *
 * `root` has `splits.json` (`easy`, `medium`, `hard` → `src`, `tgt` → split → ids), `metadata.csv` (a row for each `sample_id`) and
 * for each sample `<id>.h5`. The published archive has them in `heatsink/`; samples are unpacked one by one when they are read.
 *
 * | key | shape | |
 * |---|---|---|
 * | `volume_position`, `volume_velocity` | (N, 3) | m, m/s |
 * | `volume_temperature`, `volume_pressure` | (N, 1) | K, Pa (`p_rgh`) |
 * | `simulation_parameters` | (1, K) | columns of the metadata that differ between simulations |
 *
 * The target domain has no `val`: its `test` is taken. With all difficulties an id that is in several lists is one sample.
 */
export class SimshiftHeatsinkDataset extends Dataset<SimshiftHeatsinkConfig> {
  static readonly schema = SimshiftHeatsinkConfig;
  static override readonly statistics = DATASET_STATISTICS.SimshiftHeatsinkDataset;

  /** Fetches the archive where `root` is null and it is not there. */
  static async prepare({ root }: SimshiftHeatsinkConfig): Promise<void> {
    if (root === null && !existsSync(defaultArchive())) await SimshiftHeatsinkDataset.download();
  }

  /**
   * Fetches the published archive from Hugging Face (`simshift/SIMSHIFT_data`); what is there already is kept.
   *
   * @param localDir default: `~/.cache/emmi/datasets/simshift_heatsink`
   * @returns path of the archive
   */
  static async download(localDir?: string): Promise<string> {
    const folder = localDir ?? join(defaultArchive(), "..");
    const { fetchHuggingfaceFile } = await import("../../../io");
    return fetchHuggingfaceFile("simshift/SIMSHIFT_data", ARCHIVE, folder, { repoType: "dataset" });
  }

  /** The samples of this split, in the order of `splits.json`. */
  readonly entries: readonly Entry[];
  readonly #files: SampleFiles;
  readonly #parameters: ReadonlyMap<string, Float32Array>;

  /** @throws FileNotFoundError, ValueError, KeyError for files that are missing or have other content */
  constructor(config: SimshiftHeatsinkConfig) {
    super(config);
    this.#files = openFiles(config);
    this.entries = entriesOf(this.#files, config);
    this.#parameters = readParameters(this.#files);
    for (const [key, { path }] of Object.entries(FIELDS))
      this.addGetter(key, (_, prepared) => prepared[path] as Tensor, { normalize: true });
    this.addGetter(PARAMETERS, (index) => this.#parametersOf(index), { normalize: true });
  }

  override get length(): number {
    return this.entries.length;
  }

  override sampleInfo(index: number): SampleInfo | null {
    const { id, difficulty, domain, split } = idAt(NAME, this.entries, index);
    return { sample_uri: this.#files.uriOf(id), sample_id: id, difficulty, domain, split };
  }

  override sampleFiles(index: number): readonly string[] | null {
    return [this.#files.fileOf(idAt(NAME, this.entries, index).id), this.#files.metadata];
  }

  protected override async preGetitem(index: number, keys: readonly string[]): Promise<Prepared> {
    const { id } = idAt(NAME, this.entries, index);
    const wanted = new Map(keys.flatMap((key) => (FIELDS[key] ? [[FIELDS[key].path, FIELDS[key].channels]] : [])));
    if (wanted.size === 0) return {};
    const arrays = await this.#files.withSample(id, (path) => readHdf5(path, (name) => wanted.has(name)));
    return Object.fromEntries(
      [...wanted].map(([name, channels]) => {
        const array = arrays.get(name);
        if (array === undefined) throw new ValueError(`${NAME}: expected "${name}" in ${this.#files.uriOf(id)}`);
        return [name, asFloats(array, channels, `"${name}" in ${this.#files.uriOf(id)}`)];
      }),
    );
  }

  /** (1, K) */
  #parametersOf(index: number): Tensor {
    const { id } = idAt(NAME, this.entries, index);
    const numbers = this.#parameters.get(canonical(id));
    if (numbers === undefined) throw new KeyError(`${NAME}: expected a row "${id}" in ${this.#files.metadata}`);
    return fromTypedArray(numbers, [1, numbers.length]);
  }
}

/** (N, C) float32 */
function asFloats({ values, shape }: NdArray, channels: number, what: string): Tensor {
  const isRight = shape.length === 2 ? shape[1] === channels : shape.length === 1 && channels === 1;
  if (!isRight || values instanceof BigInt64Array || values instanceof BigUint64Array)
    throw new ValueError(`${NAME}: expected numbers (N, ${channels}) as ${what}, received (${shape.join(", ")})`);
  return fromTypedArray(values instanceof Float32Array ? values : Float32Array.from(values), [shape[0]!, channels]);
}

function defaultArchive(): string {
  return expandUser(`~/.cache/emmi/datasets/simshift_heatsink/${ARCHIVE}`);
}

// ---- a folder, or an archive

/** Where the files of the data set are. */
interface SampleFiles {
  readonly splits: string;
  readonly metadata: string;
  /** Hands the content of `splits` or `metadata` to the body. */
  read<T>(file: "splits" | "metadata", body: (source: ByteSource) => T): T;
  uriOf(id: string): string;
  /** The file that a sample is read from. */
  fileOf(id: string): string;
  withSample<T>(id: string, body: (path: string) => Promise<T>): Promise<T>;
}

function openFiles({ root, splits_path, metadata_path }: SimshiftHeatsinkConfig): SampleFiles {
  const path = root === null ? defaultArchive() : resolve(expandUser(root));
  if (isFolder(path)) return inFolder(path, splits_path, metadata_path);
  if (!existsSync(path))
    throw new FileNotFoundError(
      root === null
        ? `${NAME}: expected the published archive at ${path}: await ${NAME}.download(), or give a root`
        : `${NAME}: expected root to be the folder or the archive of the data, but there is no ${path}`,
    );
  if (splits_path !== null || metadata_path !== null)
    throw new ValueError(
      `${NAME}: splits_path and metadata_path are for folders, and ${path} is an archive with both in it`,
    );
  return inArchive(path);
}

function inFolder(root: string, splits: string | null, metadata: string | null): SampleFiles {
  const paths = {
    splits: splits === null ? join(root, "splits.json") : resolve(expandUser(splits)),
    metadata: metadata === null ? join(root, "metadata.csv") : resolve(expandUser(metadata)),
  };
  for (const path of Object.values(paths)) if (!existsSync(path)) throw new FileNotFoundError(missingFile(NAME, path));
  const fileOf = (id: string): string => join(root, `${id}.h5`);
  return {
    ...paths,
    read: (file, body) => withFile(paths[file], body),
    uriOf: fileOf,
    fileOf,
    withSample: (id, body) => {
      if (!existsSync(fileOf(id))) throw new FileNotFoundError(missingFile(NAME, fileOf(id)));
      return body(fileOf(id));
    },
  };
}

function inArchive(path: string): SampleFiles {
  const entries = withFile(path, (source) => new Map(zipEntries(source).map((entry) => [entry.name, entry])));
  const entryOf = (name: string): ZipEntry => {
    const entry = entries.get(`heatsink/${name}`);
    if (entry === undefined) throw new FileNotFoundError(`${NAME}: expected heatsink/${name} in ${path}`);
    return entry;
  };
  const names = { splits: "splits.json", metadata: "metadata.csv" };
  return {
    splits: `${path}!heatsink/${names.splits}`,
    metadata: `${path}!heatsink/${names.metadata}`,
    read: (file, body) =>
      withFile(path, (source) => body(bytesSource(zipContent(entryOf(names[file]), source), `${path}!${names[file]}`))),
    uriOf: (id) => `${path}!heatsink/${id}.h5`,
    fileOf: () => path,
    async withSample(id, body) {
      const entry = entryOf(`${id}.h5`);
      const folder = mkdtempSync(join(tmpdir(), "noether-simshift-"));
      const source = openFile(path);
      try {
        const file = join(folder, "sample.h5");
        await extractZipEntry(entry, source, file);
        return await body(file);
      } finally {
        source.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

// ---- splits and metadata

function entriesOf(files: SampleFiles, config: SimshiftHeatsinkConfig): Entry[] {
  const content = files.read("splits", (source) => parseJson(source, files.splits));
  const difficulties = config.difficulty === null ? Object.keys(content) : [config.difficulty];
  const domains = config.domain === null ? (["source", "target"] as const) : [config.domain];
  const entries = new Map<string, Entry>();
  for (const difficulty of difficulties) {
    for (const domain of domains) {
      const split = domain === "target" && config.split === "val" ? "test" : config.split;
      const path = [difficulty, domain === "source" ? "src" : "tgt", split];
      for (const id of idsAt(content, path, files.splits)) {
        if (!entries.has(id)) entries.set(id, { id, difficulty, domain, split });
      }
    }
  }
  return [...entries.values()];
}

function parseJson(source: ByteSource, path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(source.bytes(0, source.size)).toString());
  } catch (error) {
    throw new ValueError(`${NAME}: expected ${path} to be JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isMapping(content)) throw new ValueError(`${NAME}: expected ${path} to be a mapping of difficulties`);
  return content as Record<string, unknown>;
}

function idsAt(content: unknown, path: readonly string[], file: string): string[] {
  let value = content;
  path.forEach((key, depth) => {
    if (!isMapping(value) || !Object.hasOwn(value, key)) {
      const names = isMapping(value) ? Object.keys(value).join(", ") : "no names";
      throw new KeyError(
        `${NAME}: expected "${path.slice(0, depth + 1).join(".")}" in ${file}, which has there ${names}`,
      );
    }
    value = (value as Record<string, unknown>)[key];
  });
  const isId = (id: unknown): boolean =>
    Number.isInteger(id) || (typeof id === "string" && /^[^/\\\0]+$/.test(id) && id !== "." && id !== "..");
  if (!Array.isArray(value) || !value.every(isId))
    throw new ValueError(`${NAME}: expected a list of ids as "${path.join(".")}" in ${file}`);
  return (value as (string | number)[]).map(String);
}

/** Rows of the metadata by id. */
function readParameters(files: SampleFiles): Map<string, Float32Array> {
  const table = files.read("metadata", (source) => readCsv(source));
  const ids = table.texts.get("sample_id") ?? table.get("sample_id")?.values;
  if (ids === undefined)
    throw new ValueError(
      `${NAME}: expected a column sample_id in ${files.metadata}, which has ${[...table.keys(), ...table.texts.keys()].join(", ")}`,
    );
  const text = [...table.texts.keys()].find((name) => !NO_PARAMETERS.has(name));
  if (text !== undefined) throw new ValueError(`${NAME}: expected numbers in the column ${text} of ${files.metadata}`);
  const columns = [...table].filter(([name]) => !NO_PARAMETERS.has(name)).map(([, array]) => array);
  return new Map(
    Array.from(ids as ArrayLike<string | number>, (id, row) => [
      canonical(String(id)),
      Float32Array.from(columns, ({ values }) => Number(values[row])),
    ]),
  );
}

/** A table has numbers where a list may have texts: `7`, `"007"` and `7.0` are one id. */
function canonical(id: string): string {
  return /^\d+(\.0*)?$/.test(id) ? String(Number(id)) : id;
}

register(KIND, {
  class: SimshiftHeatsinkDataset,
  aliases: [
    "noether.data.datasets.cfd.simshift.SimshiftHeatsinkDataset",
    "noether.data.datasets.cfd.simshift.dataset.SimshiftHeatsinkDataset",
  ],
});
