import { createRequire } from "node:module";
import { adoptTensor, fromTypedArray, Generator, keep, scope } from "../../torch";
import { withRandomStream } from "../../torch/random-stream";
import { construct } from "../../config/factory/construct";
import { loadUserKinds } from "../../config/factory/load-kind";
import type * as schemaModule from "../../config/schema";
import type * as configModule from "../base/dataset-config";
import type { DatasetProtocol } from "../base/dataset";
import { TensorDataset } from "../base/tensor-dataset";
import type { Collator } from "../pipeline/collator";
import type * as propertiesModule from "../wrappers/property-subset-wrapper";
import type * as subsetModule from "../wrappers/subset";
import type * as timingModule from "../wrappers/timing-wrapper";
import type * as factoryModule from "./dataset-factory";
import { fromFile, type DatasetSource, type PipelineSource } from "./dataset-source";

/** Loads what only some data sets need: all threads would wait for it. */
const later = createRequire(__filename);

/** The data set that a {@link DatasetSource} describes, made again: in a worker thread. */
export async function datasetFromSource(source: DatasetSource): Promise<object> {
  const inner = async (): Promise<DatasetProtocol> =>
    (await datasetFromSource((source as { of: DatasetSource }).of)) as DatasetProtocol;
  switch (source.from) {
    case "config": {
      const { config, randomState } = source;
      await loadUserKinds(config);
      const { registered, validateConfig } = later("../../config/schema") as typeof schemaModule;
      const { DatasetBaseConfig } = later("../base/dataset-config") as typeof configModule;
      const { DatasetFactory } = later("./dataset-factory") as typeof factoryModule;
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
    case "subset": {
      const { Subset } = later("../wrappers/subset") as typeof subsetModule;
      return new Subset(await inner(), source.indices);
    }
    case "properties": {
      const { PropertySubsetWrapper } = later("../wrappers/property-subset-wrapper") as typeof propertiesModule;
      return new PropertySubsetWrapper(await inner(), new Set(source.properties));
    }
    case "timing": {
      const { TimingWrapper } = later("../wrappers/timing-wrapper") as typeof timingModule;
      return new TimingWrapper(await inner());
    }
  }
}

/** The pipeline that a {@link PipelineSource} describes. */
export async function pipelineFromSource(source: PipelineSource): Promise<Collator | null> {
  if (source === null) return null;
  await loadUserKinds(source.config);
  const { createPipeline } = later("./dataset-factory") as typeof factoryModule;
  return createPipeline(source.config);
}

/** Constructs with the random numbers that the original was constructed with. */
async function drawingFrom<T>(state: Uint8Array, make: () => Promise<T>): Promise<T> {
  const generator = new Generator();
  scope(() => generator.setState(fromTypedArray(state)));
  return withRandomStream(generator, make);
}
