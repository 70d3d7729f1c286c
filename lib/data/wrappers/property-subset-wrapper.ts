import type { z } from "zod";
import type { Tensor } from "../../torch";
import { AttributeError, ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { set, str, validateConfig, type FieldType } from "../../config/schema";
import type { DatasetProtocol } from "../base/dataset";
import { describeSource } from "../base/dataset-source";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { Sample } from "../sample";
import { DatasetWrapper } from "./dataset-wrapper";

/** Some keys of a sample. */
export const PropertySubsetWrapperConfig = DatasetWrapperConfig.extend("PropertySubsetWrapperConfig", {
  extra: "ignore",
  fields: {
    /** What is read of a sample; nothing else is. */
    properties: set(str()),
  },
});
export type PropertySubsetWrapperConfig = z.output<typeof PropertySubsetWrapperConfig>;

/** Loads only some keys of a sample, in the order given. `index` is the position asked for. */
export class PropertySubsetWrapper extends DatasetWrapper {
  static readonly schema: FieldType = PropertySubsetWrapperConfig;
  readonly properties: ReadonlySet<string>;

  constructor(dataset: DatasetProtocol, properties: ReadonlySet<string>) {
    super(dataset);
    if (!((properties as unknown) instanceof Set))
      throw new TypeError("PropertySubsetWrapper: expected a Set of sample keys");
    if (properties.size === 0) throw new ValueError("PropertySubsetWrapper: expected at least one sample key");
    const available = new Set(["index", ...dataset.getterKeys()]);
    for (const property of properties) {
      if (!available.has(property))
        throw new AttributeError(`${dataset.toString()} has no "${property}"; available: ${[...available].join(", ")}`);
    }
    this.properties = properties;
  }

  /** The wrapper that an entry of `dataset_wrappers` asks for. */
  static fromConfig(
    config: { kind?: string; properties: Iterable<string> },
    dataset: DatasetProtocol,
  ): DatasetProtocol {
    const given = { kind: "", ...config, properties: [...config.properties] };
    return new PropertySubsetWrapper(dataset, new Set(validateConfig(PropertySubsetWrapperConfig, given).properties));
  }

  /** The wrapper that a config's `included_properties` and `excluded_properties` ask for; excluded ones win. */
  static fromIncludedExcluded(
    dataset: DatasetProtocol,
    included: Iterable<string> | null | undefined,
    excluded: Iterable<string> | null | undefined,
  ): DatasetProtocol {
    if (included == null && excluded == null) return dataset;
    const out = new Set(excluded ?? []);
    const candidates = included == null ? ["index", ...dataset.getterKeys()] : [...included];
    return new PropertySubsetWrapper(dataset, new Set(candidates.filter((key) => !out.has(key))));
  }

  override async get(index: number): Promise<Sample> {
    if (!Number.isInteger(index))
      throw new TypeError(`expected an integer as sample number, received ${String(index)}`);
    if (index < 0) throw new ValueError(`expected a sample number >= 0, received ${index}`);
    if (index >= this.length)
      throw new RangeError(`sample ${index} is outside of a data set with ${this.length} samples`);
    const keys = [...this.properties];
    const loaded = await this.getSelected(
      index,
      keys.filter((key) => key !== "index"),
    );
    return Object.fromEntries(keys.map((key) => [key, key === "index" ? index : loaded[key]]));
  }

  override getitem(key: string, index: number): Promise<Tensor> {
    return this.dataset.getitem(key, index);
  }

  override toString(): string {
    return `${this.dataset.toString()} (properties=${[...this.properties].join(",")})`;
  }
}

describeSource(PropertySubsetWrapper, ({ dataset, properties }, { of }) => ({
  from: "properties",
  of: of(dataset),
  properties: [...properties],
}));
register("noether.data.base.wrappers.PropertySubsetWrapper", {
  class: PropertySubsetWrapper,
  aliases: ["noether.data.base.wrappers.property_subset.PropertySubsetWrapper", "noether.data.PropertySubsetWrapper"],
});
