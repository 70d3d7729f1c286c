import { existsSync } from "node:fs";
import type { z } from "zod";
import { defineConfig, optional, str, type FieldType } from "../../config/schema";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { getLogger } from "../../core/logging";
import { expandUser } from "../../core/providers/expand-user";
import { getRngState, scope, Tensor } from "../../torch";
import type { Dataset, DatasetProtocol } from "../base/dataset";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { Sample } from "../sample";
import { DatasetWrapper } from "../wrappers/dataset-wrapper";
import { PropertySubsetWrapper } from "../wrappers/property-subset-wrapper";
import { byteSize } from "./byte-size";
import { DiskCache } from "./disk-cache";
import { MemoryCache, type CachedSample } from "./memory-cache";
import { datasetKey, sampleKey } from "./sample-key";

/** Where decoded samples are kept: `{ memory: 2GiB, disk: { path: /scratch/cache, size: 50GB } }`, one of the two or both. */
export const CacheWrapperConfig = DatasetWrapperConfig.extend("CacheWrapperConfig", {
  extra: "forbid",
  fields: {
    /** Bytes of samples in memory, of all loader threads together. */
    memory: optional(byteSize()),
    /** Keeps decoded samples in files, for all processes that name the same folder; null: none on disk. */
    disk: optional(
      defineConfig("DiskCacheConfig", {
        extra: "forbid",
        fields: {
          /** Folder of the files. */
          path: str(),
          /** What they may take; the samples that were not read for longest are removed. */
          size: byteSize(),
        },
      }),
    ),
  },
  check: ({ memory, disk }, complain) => {
    if (memory === null && disk === null) complain("expected memory, disk or both, received neither");
  },
});
export type CacheWrapperConfig = z.output<typeof CacheWrapperConfig>;

/**
 * Keeps what the getters of a data set gave, after normalisation and before the pipeline: the samples that were asked for last. In
 * memory for the epochs of a run, on disk for all runs.
 *
 * A sample is loaded again when its config, the code of its class, its statistics or its files have changed: the files are those
 * of `sampleFiles(index)`. Samples whose loading draws random numbers are never kept.
 *
 * @throws ValueError when it is not the first wrapper, or when the folder on disk cannot be written
 */
export class CacheWrapper extends DatasetWrapper {
  static readonly schema: FieldType = CacheWrapperConfig;
  readonly #memory: MemoryCache | null;
  readonly #disk: DiskCache | null;
  readonly #logger = getLogger("CacheWrapper");
  #datasetKey: string | null = null;
  #hasWarned = false;

  constructor(config: z.input<typeof CacheWrapperConfig>, dataset: DatasetProtocol) {
    super(dataset);
    const inner = dataset instanceof PropertySubsetWrapper ? dataset.dataset : dataset;
    if (inner instanceof DatasetWrapper)
      throw new ValueError(
        "expected CacheWrapper before all other dataset_wrappers: what they do takes no time and is not kept",
      );
    const { memory, disk } = config as CacheWrapperConfig;
    this.#memory = memory == null ? null : new MemoryCache(memory);
    this.#disk = disk == null ? null : new DiskCache(expandUser(disk.path), disk.size);
  }

  override async getSelected(index: number, keys: readonly string[]): Promise<Sample> {
    if (this.computeStatistics || this.base.computeStatistics) return super.getSelected(index, keys);
    const key = this.#keyOf(index, keys);
    const known = this.#memory?.get(key) ?? this.#fromDisk(key);
    if (known !== undefined) return Object.fromEntries(keys.map((name) => [name, known.get(name)]));
    const before = randomState();
    const sample = await super.getSelected(index, keys);
    if (before !== randomState()) this.#warn();
    else this.#store(key, sample);
    return sample;
  }

  override async getitem(key: string, index: number): Promise<Tensor> {
    return (await this.getSelected(index, [key]))[key] as Tensor;
  }

  override async get(index: number): Promise<Sample> {
    const { dataset } = this;
    const keys = dataset instanceof PropertySubsetWrapper ? [...dataset.properties] : ["index", ...this.getterKeys()];
    const loaded = await this.getSelected(
      index,
      keys.filter((key) => key !== "index"),
    );
    return Object.fromEntries(keys.map((key) => [key, key === "index" ? index : loaded[key]]));
  }

  #keyOf(index: number, keys: readonly string[]): string {
    const base: Dataset = this.base;
    const files = base.sampleFiles(index);
    if (this.#disk !== null && (files === null || files.some((file) => !existsSync(file))))
      throw new RuntimeError(
        `${base.toString()} does not say which files sample ${index} comes from, so that a cache on disk would not notice a change: override sampleFiles(index), or cache in memory only`,
      );
    this.#datasetKey ??= datasetKey(base);
    return sampleKey(this.#datasetKey, index, keys, files);
  }

  #fromDisk(key: string): CachedSample | undefined {
    const sample = this.#disk?.get(key);
    if (sample !== undefined) this.#memory?.set(key, sample);
    return sample;
  }

  #store(key: string, sample: Sample): void {
    const tensors = new Map<string, Tensor>();
    for (const [name, value] of Object.entries(sample)) {
      if (!(value instanceof Tensor)) return;
      tensors.set(name, value);
    }
    this.#memory?.set(key, tensors);
    this.#disk?.set(key, tensors);
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warning(
      `the samples of ${this.base.toString()} are not cached, because loading one draws random numbers: draw them in the pipeline instead`,
    );
  }
}

/** To compare: the default generator's, which is that of the batch while one is loaded. */
function randomState(): string {
  return scope(() => Buffer.from(getRngState().bytes()).toString("latin1"));
}

register("noether.data.base.wrappers.CacheWrapper", { class: CacheWrapper });
