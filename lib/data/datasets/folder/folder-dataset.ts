import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import { ValueError } from "../../../config/python-errors";
import { getLogger } from "../../../core/logging";
import { fromTypedArray, scope, type Tensor } from "../../../torch";
import { Dataset, type Prepared, type SampleInfo } from "../../base/dataset";
import type { PrepareContext } from "../../factory/prepare-datasets";
import { permutation, permutationNumbers } from "../../random/permutation";
import { CaseReader } from "./case-reader";
import { findCases, rootOf, type Case } from "./cases";
import { Condition } from "./conditions";
import { FolderDatasetConfig } from "./config";
import { Domain } from "./domain";
import { prepareFolderDataset } from "./prepare";
import { casesOfSplit, splitCases } from "./splits";
import { strategyOf } from "./strategy";
import { nonFiniteRows, takeRows, type Values } from "./values";

/** Where a sample key comes from. */
interface Origin {
  readonly domain: Domain;
  readonly property: string;
}

/**
 * Simulations in files, a case a sample, described by the config alone: meshes and fields of VTK files, OpenFOAM cases and files of
 * arrays become `<domain>_<property>` (N, C), numbers of the whole case (K). Values are float32, in SI units where the
 * config says units.
 *
 * The constructor finds the cases, divides them and makes sure that all files are there; `prepare`, which a run calls before it begins,
 * reads the first case and computes what `normalize` needs. A sample reads only the files and fields of the keys that are asked for.
 */
export class FolderDataset extends Dataset<FolderDatasetConfig> {
  static readonly schema: FieldType = FolderDatasetConfig;

  /** Computes the numbers of `normalize`, and compares the first case with what the model expects. */
  static async prepare(config: FolderDatasetConfig, context: PrepareContext): Promise<void> {
    await prepareFolderDataset(config, context, (each) => new FolderDataset(each));
  }

  /** The cases of this split, in natural order of their names. */
  readonly cases: readonly Case[];
  readonly domains: ReadonlyMap<string, Domain>;
  readonly conditions: ReadonlyMap<string, Condition>;
  /** Values in float64, as the files may have them, in place of float32. */
  isDouble = false;
  readonly #origins = new Map<string, Origin>();
  readonly #log = getLogger("FolderDataset");
  /** Domains that have lost points, of which the first loss has been told. */
  readonly #lossy = new Set<string>();

  /** @throws FileNotFoundError, ValueError for cases, splits and files that are not as the config says */
  constructor(config: FolderDatasetConfig) {
    super(config);
    const root = rootOf(config.root);
    const all = findCases(config.cases, root);
    this.cases = config.splits === null ? all : casesOfSplit(splitCases(all, config.splits, root), config.split!);
    const domains = new Map<string, Domain>();
    for (const [name, domain] of Object.entries(config.domains)) domains.set(name, new Domain(name, domain, domains));
    this.domains = domains;
    this.conditions = new Map(
      Object.entries(config.conditions).map(([key, condition]) => [key, new Condition(key, condition, root, all)]),
    );
    for (const each of this.cases) {
      for (const part of [...this.domains.values(), ...this.conditions.values()]) part.checkFiles(each);
    }
    for (const domain of domains.values()) {
      for (const property of domain.properties.keys()) {
        const key = `${domain.name}_${property}`;
        this.#origins.set(key, { domain, property });
        this.#add(key);
      }
    }
    for (const key of this.conditions.keys()) this.#add(key);
  }

  override get length(): number {
    return this.cases.length;
  }

  /** That of the config, whose name may have a `_`. */
  protected override domainOf(key: string): string {
    return this.#origins.get(key)?.domain.name ?? key;
  }

  /** Names of the cases, in the order of the samples. */
  get names(): readonly string[] {
    return this.cases.map(({ name }) => name);
  }

  override sampleInfo(index: number): SampleInfo | null {
    const where = this.cases[index];
    return where === undefined ? null : { sample_uri: where.file ?? where.folder, run_name: where.name };
  }

  /** The files of all cases that some keys are read from, each once. */
  filesOf(keys: readonly string[]): string[] {
    const files = this.cases.flatMap((where) =>
      keys.flatMap((key) => {
        const origin = this.#origins.get(key);
        return origin ? origin.domain.filesOf(where, origin.property) : [this.conditions.get(key)!.fileOf(where)];
      }),
    );
    return [...new Set(files)];
  }

  override sampleFiles(index: number): readonly string[] | null {
    const where = this.cases[index];
    const conditions = [...this.conditions.values()];
    return where === undefined ? null : [where.file ?? where.folder, ...conditions.map((part) => part.fileOf(where))];
  }

  #add(key: string): void {
    const { normalize, dataset_normalizers } = this.config;
    const isNormalized = Object.hasOwn(dataset_normalizers ?? {}, key) || strategyOf(normalize, key) !== "none";
    this.addGetter(key, (_, prepared) => prepared[key] as Tensor, { normalize: isNormalized });
  }

  /** Reads everything that the keys need, each file once. */
  protected override async preGetitem(index: number, keys: readonly string[]): Promise<Prepared> {
    const where = this.cases[index];
    if (where === undefined) throw new RangeError(`sample ${index} is outside of a data set with ${this.length} cases`);
    this.#requireNormalizers(keys);
    const reader = new CaseReader();
    const wanted = [...this.domains.values()].flatMap((domain) => {
      const names = keys
        .filter((key) => this.#origins.get(key)?.domain === domain)
        .map((key) => this.#origins.get(key)!.property);
      return names.length === 0 ? [] : [{ domain, names }];
    });
    for (const { domain, names } of wanted) domain.want(reader, where, names);
    const prepared: Record<string, Tensor> = {};
    for (const { domain, names } of wanted) {
      const values = await domain.values(reader, where, names);
      const rows = this.#chooseRows(domain, values, where, index);
      for (const [name, property] of values) {
        const taken = takeRows(property, rows, this.isDouble);
        prepared[`${domain.name}_${name}`] = fromTypedArray(taken, [
          taken.length / property.channels,
          property.channels,
        ]);
      }
    }
    for (const [key, condition] of this.conditions) {
      if (!keys.includes(key)) continue;
      const numbers = await condition.values(where);
      const bad = numbers.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0 && this.config.non_finite !== "keep")
        throw new ValueError(`FolderDataset: ${key} of the case "${where.name}": number ${bad} is ${numbers[bad]}`);
      prepared[key] = fromTypedArray(this.isDouble ? numbers : Float32Array.from(numbers), [numbers.length]);
    }
    return prepared;
  }

  /** The rows of a domain that a sample has; null: all, in their order. */
  #chooseRows(
    domain: Domain,
    values: ReadonlyMap<string, Values>,
    where: Case,
    index: number,
  ): readonly number[] | null {
    const total = [...values.values()][0]!.rows;
    const left = this.#finiteRows(domain, values, where);
    const { max_points, seed } = domain.config;
    const count = left?.length ?? total;
    if (max_points === null || max_points >= count) return left;
    const order = scope(() => {
      const chosen = permutation(count, seed === null ? null : seed + index).narrow(0, 0, max_points);
      return permutationNumbers(chosen.contiguous());
    });
    return left === null ? order : order.map((i) => left[i]!);
  }

  /** Null: all rows. */
  #finiteRows(domain: Domain, values: ReadonlyMap<string, Values>, where: Case): number[] | null {
    const { non_finite } = this.config;
    if (non_finite === "keep") return null;
    const bad = new Set<number>();
    let total = 0;
    for (const [name, property] of values) {
      total = property.rows;
      const rows = nonFiniteRows(property);
      if (rows.length > 0 && non_finite === "error")
        throw new ValueError(
          `FolderDataset: ${domain.name}_${name} of the case "${where.name}" has NaN or infinite values in ${rows.length} of ${total} rows, the first is row ${rows[0]}; non_finite: drop leaves such points out, keep takes them`,
        );
      for (const row of rows) bad.add(row);
    }
    if (bad.size === 0) return null;
    if (bad.size === total)
      throw new ValueError(
        `FolderDataset: ${domain.name} of the case "${where.name}" has no point without NaN or infinite values`,
      );
    const message = `${where.name}: ${bad.size} of ${total} points of ${domain.name} left out, which have NaN or infinite values`;
    if (this.#lossy.has(domain.name)) this.#log.debug(message);
    else this.#log.warning(message);
    this.#lossy.add(domain.name);
    return Array.from({ length: total }, (_, row) => row).filter((row) => !bad.has(row));
  }

  /** Values that are to be normalised do not come out raw. */
  #requireNormalizers(keys: readonly string[]): void {
    if (this.computeStatistics || this.config.normalize === null) return;
    const missing = keys.filter(
      (key) => strategyOf(this.config.normalize, key) !== "none" && !this.normalizers.has(key),
    );
    if (missing.length > 0)
      throw new ValueError(
        `FolderDataset: normalize has no numbers yet for ${missing.join(", ")}: await prepareDatasets({ train: config }) before the data set is made`,
      );
  }
}

register("noether.data.datasets.FolderDataset", { class: FolderDataset });
