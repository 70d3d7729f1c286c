import { countTensors, manualSeed, scope, type Tensor } from "../../../lib/torch";
import { TrainingIteration, UpdateCounter } from "../../../lib/core/iteration";
import { DataContainer, MultiStagePipeline } from "../../../lib/data";
import { TrainingRandomness } from "../../../lib/training/trainers/random-state";
import { TrainingBatches } from "../../../lib/training/trainers/training-batches";
import { IndexDataset } from "../../data/support";

function batchesOf({ samples = 10, epochs = 2, start = 0, shuffle = true, accumulationSteps = 1, batchSize = 3 } = {}) {
  const dataset = new IndexDataset(samples);
  dataset.pipeline = new MultiStagePipeline();
  const effectiveBatchSize = batchSize * accumulationSteps;
  const updatesPerEpoch = Math.floor(samples / effectiveBatchSize);
  const updateCounter = new UpdateCounter({
    startIteration: new TrainingIteration(null, start).toFullySpecified(updatesPerEpoch, effectiveBatchSize),
    endIteration: new TrainingIteration(epochs),
    updatesPerEpoch,
    effectiveBatchSize,
  });
  const sizes = { batchSize, accumulationSteps };
  return new TrainingBatches({
    dataContainer: new DataContainer({ train: dataset }),
    updateCounter,
    sizes,
    shuffle,
  });
}

const read = (batches: TrainingBatches) =>
  scope(async () => ((await batches.next())["index"] as Tensor).toArray() as bigint[]).then((list) => list.map(Number));

async function epoch(batches: TrainingBatches, count: number): Promise<number[][]> {
  const list: number[][] = [];
  for (let i = 0; i < count; i++) list.push(await read(batches));
  return list;
}

describe("TrainingBatches", () => {
  test("the order of a seed is that of the Python framework 1.1", async () => {
    // torch.manual_seed(0), n = 10, batch 3, random sampler, 2 epochs (data order recorded from release 1.1)
    manualSeed(0);
    const batches = batchesOf();
    const first = await epoch(batches, 3);
    await batches.endEpoch();
    expect([first, await epoch(batches, 3)]).toEqual([
      [
        [6, 7, 1],
        [4, 2, 0],
        [9, 8, 3],
      ],
      [
        [3, 5, 0],
        [6, 1, 2],
        [4, 9, 7],
      ],
    ]);
  });

  test("full batches that are too few for an update are left out of an epoch", async () => {
    const batches = batchesOf({ samples: 7, batchSize: 1, accumulationSteps: 3, shuffle: false });
    const first = await epoch(batches, 6);
    await batches.endEpoch();
    expect([first.flat(), await read(batches)]).toEqual([[0, 1, 2, 3, 4, 5], [0]]);
  });

  test("a run that is resumed inside an epoch leaves out what it has seen", async () => {
    const batches = batchesOf({ start: 1, shuffle: false });
    await batches.resume(new TrainingRandomness());
    expect(await epoch(batches, 2)).toEqual([
      [3, 4, 5],
      [6, 7, 8],
    ]);
  });

  test("an epoch has so many batches and no more", async () => {
    const batches = batchesOf();
    await epoch(batches, 3);
    await expect(read(batches)).rejects.toThrow("expected 3 batches in every epoch");
  });

  test("only batches that are asked for live on", async () => {
    const batches = batchesOf({ samples: 11, shuffle: false });
    const before = countTensors();
    await epoch(batches, 2);
    await batches.endEpoch();
    await batches.close();
    expect(countTensors()).toBe(before);
  });

  test("a training set without a pipeline is refused", () => {
    const dataContainer = new DataContainer({ train: new IndexDataset(4) });
    const updateCounter = new UpdateCounter({
      startIteration: new TrainingIteration(0, 0, 0),
      endIteration: new TrainingIteration(1),
      updatesPerEpoch: 4,
      effectiveBatchSize: 1,
    });
    const sizes = { batchSize: 1, accumulationSteps: 1 };
    expect(() => new TrainingBatches({ dataContainer, updateCounter, sizes, shuffle: false })).toThrow("no pipeline");
  });
});
