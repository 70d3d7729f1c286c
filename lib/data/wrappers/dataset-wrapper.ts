import type { Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import type { DatasetBaseConfig } from "../base/dataset-config";
import { Dataset, type DatasetProtocol, type SampleInfo } from "../base/dataset";
import { describeObject } from "../base/describe-object";
import type { Collator } from "../pipeline/collator";
import type { ComposePreProcess } from "../preprocessors/compose";
import type { Sample } from "../sample";

/** Whether a value is a data set or a wrapper of one. */
export function isDataset(value: unknown): value is DatasetProtocol {
  return value instanceof Dataset || value instanceof DatasetWrapper;
}

/**
 * Base of wrappers: everything is asked of the wrapped data set. What is *set* on a wrapper (`pipeline`,
 * `computeStatistics`) stays on the wrapper and does not reach the wrapped data set.
 */
export class DatasetWrapper implements DatasetProtocol {
  #pipeline: Collator | null | undefined;
  #computeStatistics: boolean | undefined;

  constructor(readonly dataset: DatasetProtocol) {
    if (!isDataset(dataset))
      throw new ValueError(
        `expected a Dataset or DatasetWrapper in ${new.target.name}, received ${describeObject(dataset)}`,
      );
  }

  get config(): DatasetBaseConfig {
    return this.dataset.config;
  }

  get normalizers(): ReadonlyMap<string, ComposePreProcess> {
    return this.dataset.normalizers;
  }

  get length(): number {
    return this.dataset.length;
  }

  get pipeline(): Collator | null {
    return this.#pipeline === undefined ? this.dataset.pipeline : this.#pipeline;
  }

  set pipeline(value: Collator | null) {
    this.#pipeline = value;
  }

  get computeStatistics(): boolean {
    return this.#computeStatistics ?? this.dataset.computeStatistics;
  }

  set computeStatistics(value: boolean) {
    this.#computeStatistics = value;
  }

  /** The data set at the core of all wrappers. */
  get base(): Dataset {
    return this.dataset instanceof DatasetWrapper ? this.dataset.base : (this.dataset as Dataset);
  }

  getterKeys(): string[] {
    return this.dataset.getterKeys();
  }

  sampleInfo(index: number): SampleInfo | null {
    return this.dataset.sampleInfo(this.toInner(index));
  }

  /** Position in the wrapped data set; the index wrappers override it. */
  protected toInner(index: number): number {
    return index;
  }

  /** Position in the data set at the core of all wrappers. */
  baseIndex(index: number): number {
    const inner = this.toInner(index);
    return this.dataset instanceof DatasetWrapper ? this.dataset.baseIndex(inner) : inner;
  }

  getitem(key: string, index: number): Promise<Tensor> {
    return this.dataset.getitem(key, this.toInner(index));
  }

  getSelected(index: number, keys: readonly string[]): Promise<Sample> {
    return this.dataset.getSelected(this.toInner(index), keys);
  }

  get(index: number): Promise<Sample> {
    return this.dataset.get(this.toInner(index));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for (let index = 0; index < this.length; index++) yield await this.get(index);
  }

  toString(): string {
    return this.dataset.toString();
  }
}
