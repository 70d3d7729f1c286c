import type { Tensor } from "../../torch";
import { editDistance, suggestNames } from "../../config/nearest-names";
import { isMapping } from "../../config/schema";
import { getLogger } from "../../core/logging";
import { KeyError, NotImplementedError, ValueError } from "../../config/python-errors";
import type { DatasetBaseConfig } from "./dataset-config";
import { SampleChecks } from "./sample-checks";
import { Collator } from "../pipeline/collator";
import type { ComposePreProcess } from "../preprocessors/compose";
import { createNormalizers } from "../preprocessors/create-normalizers";
import { readStatistics, type Statistics } from "../stats/statistics";
import type { Loaded, Sample } from "../sample";
import { describeObject } from "./describe-object";

/** What {@link Dataset.preGetitem} prepared for the getters of one sample. */
export type Prepared = Readonly<Record<string, unknown>>;

/** Loads one tensor of sample `index`. */
export type Getter = (index: number, prepared: Prepared) => Loaded;

/** Where a sample comes from: `sample_uri` (path or address), `run_name`, … */
export type SampleInfo = Readonly<Record<string, unknown>> & { readonly sample_uri?: string };

/** How a getter's value is handed out. */
export interface GetterOptions {
  /**
   * Normalizer that the value passes through: `true` takes the one under the sample key, a string the one under that
   * key. Without it the raw value is returned. Where it is not configured the raw value is returned with a warning; with
   * `strict_normalizers`, or if a configured normalizer that nothing uses has nearly this name, that is an error.
   */
  readonly normalize?: boolean | string;
}

/** What every data set and every wrapper of one can do. */
export interface DatasetProtocol {
  readonly config: DatasetBaseConfig;
  readonly normalizers: ReadonlyMap<string, ComposePreProcess>;
  /** Number of samples. */
  readonly length: number;
  /** Collates samples of this data set; null until it is set. */
  pipeline: Collator | null;
  /** While true, getters return raw values. */
  computeStatistics: boolean;
  /** Sample keys that can be loaded, alphabetical, without `index`. */
  getterKeys(): string[];
  /** Where a sample comes from; null: the data set cannot tell. */
  sampleInfo(index: number): SampleInfo | null;
  /** One tensor of one sample. */
  getitem(key: string, index: number): Promise<Tensor>;
  /** Several tensors of one sample, loaded together, in the order of the keys. */
  getSelected(index: number, keys: readonly string[]): Promise<Sample>;
  /** A whole sample: `index` first, then every key in alphabetical order. */
  get(index: number): Promise<Sample>;
  [Symbol.asyncIterator](): AsyncIterator<Sample>;
}

/**
 * Base of data sets. A subclass adds in its constructor one getter for each tensor of a sample, and says its length:
 *
 * ```ts
 * class Wings extends Dataset<WingsConfig> {
 *   constructor(config: WingsConfig) {
 *     super(config);
 *     this.addGetter("surface_position", (index) => this.load(index, "position"), { normalize: true });
 *   }
 *   get length() { return this.ids.length; }
 * }
 * ```
 *
 * Getters of a parent class are inherited; adding a key again replaces its getter.
 */
export abstract class Dataset<C extends DatasetBaseConfig = DatasetBaseConfig> implements DatasetProtocol {
  /** Numbers about the fields of a class of data sets, for `FieldNormalizer`; or {@link statsFile}. */
  static readonly statistics: Statistics | null = null;
  /** YAML or JSON file with the statistics. */
  static readonly statsFile: string | null = null;

  readonly normalizers: ReadonlyMap<string, ComposePreProcess>;
  /** What {@link fetchStatistics} gave. */
  readonly statistics: Statistics | null;
  computeStatistics = false;
  readonly #logger = getLogger(this.constructor.name);
  /** Normalizer keys whose absence was told. */
  readonly #missing = new Set<string>();
  readonly #checks = new SampleChecks({
    policy: () => this.config.non_finite ?? "error",
    describe: (index) => this.#describe(index),
    domainOf: (key) => this.domainOf(key),
    normalizerOf: (key) => this.normalizers.get(this.normalizerKey(key) ?? ""),
    logger: this.#logger,
  });
  readonly #getters = new Map<string, { load: Getter; normalizerKey: string | null }>();
  #pipeline: Collator | null = null;

  constructor(readonly config: C) {
    this.statistics = this.fetchStatistics();
    this.normalizers = createNormalizers(config.dataset_normalizers, this.statistics);
  }

  /** Statistics of this data set's fields by name, `surface_pressure_mean`; null: there are none. Called once, at construction. */
  fetchStatistics(): Statistics | null {
    const { statistics, statsFile } = this.constructor as typeof Dataset;
    return statistics ?? (statsFile === null ? null : readStatistics(statsFile));
  }

  /**
   * Called once for a sample before its getters, with whose results they are called: for what several of them need. Loaded
   * tensors are freed with the scope of the batch.
   *
   * @param _keys sample keys that will be loaded, so that nothing else has to be read
   */
  protected preGetitem(_index: number, _keys: readonly string[]): Prepared | Promise<Prepared> {
    return {};
  }

  /** Called once for a sample after its getters, also when one failed. */
  protected postGetitem(_index: number, _prepared: Prepared): void | Promise<void> {}

  /**
   * Where a sample comes from, for messages, and to find samples that are in two splits: two samples with the same `sample_uri` are
   * one. Null (default): the data set cannot tell.
   */
  sampleInfo(_index: number): SampleInfo | null {
    return null;
  }

  /**
   * Files and folders that a sample is read from: what a cache looks at to see that they have changed. Null: the data set cannot tell.
   * Default: the `sample_uri`.
   */
  sampleFiles(index: number): readonly string[] | null {
    const uri = this.sampleInfo(index)?.sample_uri;
    return uri === undefined ? null : [uri];
  }

  /**
   * The domain of a sample key: properties of one domain are at the same points and lose points together (`non_finite: drop`). Override
   * it where keys are called otherwise. Default: what comes before the first `_`, `surface` of `surface_pressure`.
   */
  protected domainOf(key: string): string {
    return key.split("_", 1)[0]!;
  }

  /** Number of samples; a subclass has to say. */
  get length(): number {
    throw new NotImplementedError(`${this.constructor.name} does not say how many samples it has (get length())`);
  }

  get pipeline(): Collator | null {
    return this.#pipeline;
  }

  set pipeline(value: Collator | null) {
    if (value !== null && !(value instanceof Collator)) {
      throw new TypeError(
        `expected a Collator as pipeline of ${this.constructor.name}, received ${describeObject(value)}`,
      );
    }
    this.#pipeline = value;
  }

  /** Makes a tensor of the samples available under `key`; `index` is taken. */
  protected addGetter(key: string, load: Getter, { normalize = false }: GetterOptions = {}): void {
    if (key === "index")
      throw new ValueError('the sample key "index" is the number of the sample: choose another name');
    const normalizerKey = normalize === true ? key : normalize === false ? null : normalize;
    this.#getters.set(key, { load, normalizerKey });
  }

  /** @deprecated The former name of {@link addGetter}. */
  protected register(key: string, load: Getter, options?: GetterOptions): void {
    this.addGetter(key, load, options);
  }

  getterKeys(): string[] {
    return [...this.#getters.keys()].sort();
  }

  /** Under which key the normalizer is that the values of a sample key pass; null: they pass none. */
  normalizerKey(key: string): string | null {
    return this.#getters.get(key)?.normalizerKey ?? null;
  }

  async getitem(key: string, index: number): Promise<Tensor> {
    return (await this.getSelected(index, [key]))[key] as Tensor;
  }

  async getSelected(index: number, keys: readonly string[]): Promise<Sample> {
    const unknown = keys.find((key) => !this.#getters.has(key));
    if (unknown !== undefined)
      throw new KeyError(`${this.constructor.name} has no "${unknown}"; available: ${this.getterKeys().join(", ")}`);
    const prepared: unknown = await this.preGetitem(index, keys);
    if (!isMapping(prepared))
      throw new TypeError(
        `expected a mapping from preGetitem of ${this.constructor.name}, received ${describeObject(prepared)}`,
      );
    try {
      const sample: Sample = {};
      const check = this.#checks.begin(index);
      for (const key of keys) {
        sample[key] = await this.#getters.get(key)!.load(index, prepared);
        check.add(key, sample[key]);
      }
      const stored = check.finish(sample);
      for (const key of keys) stored[key] = this.#normalized(key, stored[key] as Tensor);
      return stored;
    } finally {
      await this.postGetitem(index, prepared);
    }
  }

  #normalized(key: string, value: Tensor): Tensor {
    const normalizerKey = this.normalizerKey(key);
    if (normalizerKey === null || this.computeStatistics) return value;
    return this.normalizers.get(normalizerKey)?.apply(value) ?? this.#raw(normalizerKey, value);
  }

  /** `sample 3 of Cars ('data/run_4')` */
  #describe(index: number): string {
    const uri = this.sampleInfo(index)?.sample_uri;
    return `sample ${index} of ${this.constructor.name}${uri === undefined ? "" : ` ('${uri}')`}`;
  }

  /** What a getter returned whose normalizer is not configured. */
  #raw(key: string, value: Tensor): Tensor {
    if (this.#missing.has(key)) return value;
    const used = new Set([...this.#getters.values()].map(({ normalizerKey }) => normalizerKey));
    const unused = [...this.normalizers.keys()].filter((name) => !used.has(name));
    const near = unused.filter((name) => editDistance(name, key) <= 2 && editDistance(name, key) < key.length / 3);
    const problem = `expected a normalizer "${key}" in dataset_normalizers of ${this.constructor.name}; available: ${[...this.normalizers.keys()].join(", ") || "none"}`;
    if (near.length > 0) throw new KeyError(`${problem}; nothing uses "${near.join('", "')}": did you mean "${key}"?`);
    if (this.config.strict_normalizers) throw new KeyError(problem);
    this.#logger.warning(`${problem}: its values are not normalized (strict_normalizers: true makes that an error)`);
    this.#missing.add(key);
    return value;
  }

  /**
   * Stored values of what passed the normalizers of a key.
   *
   * @throws KeyError when there is none under the key
   */
  denormalize(key: string, data: Tensor): Tensor {
    const normalizer = this.normalizers.get(key);
    if (!normalizer)
      throw new KeyError(
        `no normalizer "${key}" in ${this.constructor.name}; ${suggestNames(key, this.normalizers.keys())}`,
      );
    return normalizer.inverse(data);
  }

  async get(index: number): Promise<Sample> {
    return { index, ...(await this.getSelected(index, this.getterKeys())) };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for (let index = 0; index < this.length; index++) yield await this.get(index);
  }

  toString(): string {
    return this.constructor.name;
  }
}
