import { lookupKind } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import type { DatasetBaseConfig } from "../base/dataset-config";
import type { DatasetProtocol } from "../base/dataset";
import { Collator } from "../pipeline/collator";
import { MultiStagePipeline } from "../pipeline/multistage-pipeline";
import { describeObject } from "../base/describe-object";
import { currentRandomState, noteDataset, notePipeline } from "./dataset-source";
import { isDataset } from "../wrappers/dataset-wrapper";
import { PropertySubsetWrapper } from "../wrappers/property-subset-wrapper";

/** A wrapper is constructed with its config and what it wraps, unless it says how. */
type WrapperClass = (new (config: unknown, dataset: DatasetProtocol) => DatasetProtocol) & {
  fromConfig?(config: unknown, dataset: DatasetProtocol): DatasetProtocol;
};

/** Builds data sets from their configs: the class of `kind`, then the property subset, then the wrappers in order. */
export class DatasetFactory {
  create(config: DatasetBaseConfig): DatasetProtocol {
    const randomState = currentRandomState();
    const DatasetClass = lookupKind(config.kind).class as new (config: DatasetBaseConfig) => unknown;
    const base = new DatasetClass(config);
    if (!isDataset(base))
      throw new TypeError(`expected kind "${config.kind}" to be a Dataset, received ${describeObject(base)}`);
    let dataset = PropertySubsetWrapper.fromIncludedExcluded(
      base,
      config.included_properties,
      config.excluded_properties,
    );
    const wrappers = config.dataset_wrappers ?? [];
    if (!Array.isArray(wrappers)) throw new ValueError("expected a list of dataset_wrappers");
    for (const wrapper of wrappers) {
      const Wrapper = lookupKind(wrapper.kind).class as WrapperClass;
      dataset = Wrapper.fromConfig?.(wrapper, dataset) ?? new Wrapper(wrapper, dataset);
    }
    noteDataset(dataset, config, randomState);
    return dataset;
  }
}

/**
 * The pipeline of a data set's config: a ready Collator, or the class of `kind` constructed with the rest of the mapping;
 * without a config a pipeline that stacks every key.
 */
export function createPipeline(config: unknown): Collator {
  const pipeline =
    config === null || config === undefined
      ? new MultiStagePipeline()
      : config instanceof Collator
        ? config
        : construct(config);
  if (!(pipeline instanceof Collator))
    throw new TypeError(`expected a Collator as pipeline, received ${describeObject(pipeline)}`);
  notePipeline(pipeline, config ?? null);
  return pipeline;
}

function construct(config: { kind?: unknown }): unknown {
  if (typeof config.kind !== "string") throw new ValueError('expected a "kind" in the pipeline of a data set');
  const Pipeline = lookupKind(config.kind).class as new (config: unknown) => unknown;
  return new Pipeline(config);
}
