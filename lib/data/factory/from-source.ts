import { adoptTensor, fromTypedArray, Generator, keep, scope } from "../../torch";
import { withRandomStream } from "../../torch/random-stream";
import { construct } from "../../config/factory/factory";
import { loadUserKinds } from "../../config/factory/load-kind";
import { registered, validateConfig } from "../../config/schema";
import { DatasetBaseConfig } from "../base/dataset-config";
import type { DatasetProtocol } from "../base/dataset";
import { TensorDataset } from "../base/tensor-dataset";
import type { Collator } from "../pipeline/collator";
import { PropertySubsetWrapper } from "../wrappers/property-subset-wrapper";
import { Subset } from "../wrappers/subset";
import { TimingWrapper } from "../wrappers/timing-wrapper";
import { createPipeline, DatasetFactory } from "./dataset-factory";
import { fromFile, type DatasetSource, type PipelineSource } from "./dataset-source";

/** The data set that a {@link DatasetSource} describes, made again: in a worker thread. */
export async function datasetFromSource(source: DatasetSource): Promise<object> {
  const inner = async (): Promise<DatasetProtocol> =>
    (await datasetFromSource((source as { of: DatasetSource }).of)) as DatasetProtocol;
  switch (source.from) {
    case "config": {
      const { config, randomState } = source;
      await loadUserKinds(config);
      const validated = validateConfig(registered(DatasetBaseConfig), config);
      return drawingFrom(randomState, async () => new DatasetFactory().create(validated));
    }
    case "file": {
      const { kind, args, randomState } = source;
      const made = await fromFile(kind);
      return drawingFrom(randomState, async () => (await construct(made, args)) as object);
    }
    case "tensors":
      return new TensorDataset(...source.tensors.map((shared) => keep(adoptTensor(shared))));
    case "subset":
      return new Subset(await inner(), source.indices);
    case "properties":
      return new PropertySubsetWrapper(await inner(), new Set(source.properties));
    case "timing":
      return new TimingWrapper(await inner());
  }
}

/** The pipeline that a {@link PipelineSource} describes. */
export async function pipelineFromSource(source: PipelineSource): Promise<Collator | null> {
  if (source === null) return null;
  await loadUserKinds(source.config);
  return createPipeline(source.config);
}

/** Constructs with the random numbers that the original was constructed with. */
async function drawingFrom<T>(state: Uint8Array, make: () => Promise<T>): Promise<T> {
  const generator = new Generator();
  scope(() => generator.setState(fromTypedArray(state)));
  return withRandomStream(generator, make);
}
