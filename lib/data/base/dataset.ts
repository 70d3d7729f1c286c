import { keep, type Tensor } from "../../torch";
import { KeyError, NotImplementedError, ValueError } from "../../config/python-errors";
import type { DatasetBaseConfig } from "./dataset-config";
import { Collator } from "../pipeline/collator";
import { ComposePreProcess } from "../preprocessors/compose";
import type { PreProcessor } from "../preprocessors/pre-processor";
import type { Loaded, Sample } from "../sample";
import { lookupKind } from "../../config/registry";

/** Loads one tensor of sample `index`. */
export type Getter = (index: number) => Loaded;

/** How a getter's value is handed out. */
export interface GetterOptions {
  /**
   * Normalizer that the value passes through: `true` takes the one under the sample key, a string the one under that
   * key. Without it the raw value is returned. A normalizer that is not configured is an error, except while statistics
   * are computed.
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
  /** One tensor of one sample. */
  getitem(key: string, index: number): Promise<Tensor>;
  /** A whole sample: `index` first, then every key in alphabetical order. */
  get(index: number): Promise<Sample>;
  [Symbol.asyncIterator](): AsyncIterator<Sample>;
}

/**
 * Base of data sets. A subclass registers in its constructor one getter for each tensor of a sample and
 * tells its length:
 *
 * ```ts
 * class Wings extends Dataset<WingsConfig> {
 *   constructor(config: WingsConfig) {
 *     super(config);
 *     this.register("surface_position", (index) => this.load(index, "position"), { normalize: true });
 *   }
 *   get length() { return this.ids.length; }
 * }
 * ```
 *
 * Getters of a parent class are inherited; registering a key again replaces its getter.
 */
export abstract class Dataset<C extends DatasetBaseConfig = DatasetBaseConfig> implements DatasetProtocol {
  readonly normalizers: ReadonlyMap<string, ComposePreProcess>;
  computeStatistics = false;
  readonly #getters = new Map<string, { load: Getter; normalizerKey: string | null }>();
  #pipeline: Collator | null = null;

  constructor(readonly config: C) {
    const normalizers = Object.entries(config.dataset_normalizers ?? {}).map(([key, configs]) => {
      const chain = (Array.isArray(configs) ? configs : [configs]).map((entry) => createPreProcessor(entry, key));
      return [key, new ComposePreProcess(key, chain)] as const;
    });
    this.normalizers = new Map(normalizers);
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
  protected register(key: string, load: Getter, { normalize = false }: GetterOptions = {}): void {
    if (key === "index")
      throw new ValueError('the sample key "index" is the number of the sample: choose another name');
    const normalizerKey = normalize === true ? key : normalize === false ? null : normalize;
    this.#getters.set(key, { load, normalizerKey });
  }

  getterKeys(): string[] {
    return [...this.#getters.keys()].sort();
  }

  async getitem(key: string, index: number): Promise<Tensor> {
    const getter = this.#getters.get(key);
    if (!getter)
      throw new KeyError(`${this.constructor.name} has no "${key}"; available: ${this.getterKeys().join(", ")}`);
    const value = await getter.load(index);
    if (getter.normalizerKey === null || this.computeStatistics) return value;
    const normalizer = this.normalizers.get(getter.normalizerKey);
    if (!normalizer) {
      const known = [...this.normalizers.keys()].join(", ") || "none";
      throw new KeyError(
        `expected a normalizer "${getter.normalizerKey}" in dataset_normalizers of ${this.constructor.name}; available: ${known}`,
      );
    }
    return normalizer.apply(value);
  }

  async get(index: number): Promise<Sample> {
    const sample: Sample = { index };
    for (const key of this.getterKeys()) sample[key] = await this.getitem(key, index);
    return sample;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for (let index = 0; index < this.length; index++) yield await this.get(index);
  }

  toString(): string {
    return this.constructor.name;
  }
}

function createPreProcessor(config: Record<string, unknown>, key: string): PreProcessor {
  const kind = config["kind"];
  if (typeof kind !== "string") throw new ValueError(`expected a "kind" in the normalizer of "${key}"`);
  const PreProcessorClass = lookupKind(kind).class as new (config: unknown, key: string) => PreProcessor;
  return keep(new PreProcessorClass(config, key));
}

/** Class name of an object, or the type of anything else; for messages. */
export function describeObject(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : `a ${typeof value}`;
  return (value as { constructor?: { name?: string } }).constructor?.name ?? "an object";
}
