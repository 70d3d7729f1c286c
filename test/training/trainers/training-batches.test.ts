import { countTensors, manualSeed, scope, type Tensor } from "../../../lib/torch";
import { TrainingIteration, UpdateCounter } from "../../../lib/core/iteration";
import { DataContainer, MultiStagePipeline } from "../../../lib/data";
import { TrainingRandomness } from "../../../lib/training/trainers/random-state";
import { TrainingBatches } from "../../../lib/training/trainers/training-batches";
import { IndexDataset } from "../../data/support";
import { collectGarbage } from "../../support/collect-garbage";

beforeAll(collectGarbage);

interface Options {
  samples?: number;
  epochs?: number;
  start?: number;
  shuffle?: boolean;
  accumulationSteps?: number;
  batchSize?: number;
  seed?: number | null;
}

function batchesOf(options: Options = {}) {
  const { samples = 10, epochs = 2, start = 0, shuffle = true } = options;
  const { accumulationSteps = 1, batchSize = 3, seed = null } = options;
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
    dataContainer: new DataContainer({ train: dataset }, { seed }),
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
  test("tells whether another batch follows in the epoch of the run", async () => {
    const batches = batchesOf({ epochs: 2, start: 1 });
    const follows: boolean[] = [batches.hasNext];
    for (const count of [2, 3]) {
      for (let i = 0; i < count; i++) {
        await read(batches);
        follows.push(batches.hasNext);
      }
      await batches.endEpoch();
    }
    expect(follows.slice(0, 3)).toEqual([true, true, true]);
    expect(follows.at(-1)).toBe(false);
  });

  // n = 10, batch 3, random sampler, 2 epochs, recorded from both releases of the Python framework
  test.each([
    ["2026.4", 0, 0, "690 735 421 | 671 420 983"],
    ["2026.4", 42, 42, "428 917 035 | 809 145 632"],
    ["1.1", 0, null, "671 420 983 | 350 612 497"],
    ["1.1", 42, null, "809 145 632 | 432 675 081"],
  ])("the order of release %s, seed %i", async (_, seed, own, expected) => {
    manualSeed(seed);
    const batches = batchesOf({ seed: own });
    const first = await epoch(batches, 3);
    await batches.endEpoch();
    const text = (list: number[][]) => list.map((batch) => batch.join("")).join(" ");
    expect(`${text(first)} | ${text(await epoch(batches, 3))}`).toBe(expected);
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
