import { Generator, manualSeed } from "../../lib/torch";
import {
  checkSamplerInterval,
  DistributedSampler,
  InterleavedSampler,
  RandomSampler,
  SequentialSampler,
} from "../../lib/data";
import { ConfigError } from "../../lib/config/errors";
import { ValueError } from "../../lib/config/python-errors";
import { range } from "../../lib/data/wrappers/subset";
import { IndexDataset } from "./support";

const sequential = (n: number) => new SequentialSampler(new IndexDataset(n));

/** `"0..3 X"`: ranges and single numbers; X is 10..14, the extra data set of five samples. */
function stream(text: string): number[] {
  return text.split(/\s+/).flatMap((part) => {
    if (part === "X") return [10, 11, 12, 13, 14];
    const [first, last] = part.split("..").map(Number) as [number, number?];
    return last === undefined ? [first] : range(last - first + 1).map((i) => first + i);
  });
}

interface Case {
  config: object;
  extras?: object[];
  main?: number;
  expected: string;
}

const extra = (interval: object, n = 5) => ({ sampler: sequential(n), ...interval });
const nd = { drop_last: false };

describe("InterleavedSampler", () => {
  test.each<[string, Case]>([
    [
      "max_epochs 0 is an evaluation",
      { config: { ...nd, max_epochs: 0 }, extras: [extra({ every_n_epochs: 1 })], expected: "X" },
    ],
    [
      "max_updates 0 is an evaluation",
      { config: { ...nd, max_updates: 0 }, extras: [extra({ every_n_epochs: 1 })], expected: "X" },
    ],
    [
      "max_samples 0 is an evaluation",
      { config: { ...nd, max_samples: 0 }, extras: [extra({ every_n_epochs: 1 })], expected: "X" },
    ],
    ["no extras", { config: { ...nd, max_epochs: 1 }, main: 5, expected: "0..4" }],
    [
      "every epoch",
      { config: { ...nd, max_epochs: 2 }, extras: [extra({ every_n_epochs: 1 })], expected: "0..9 X 0..9 X" },
    ],
    [
      "from epoch 1 on",
      { config: { ...nd, max_epochs: 2, start_epoch: 1 }, extras: [extra({ every_n_epochs: 1 })], expected: "0..9 X" },
    ],
    [
      "every other epoch",
      { config: { ...nd, max_epochs: 2 }, extras: [extra({ every_n_epochs: 2 })], expected: "0..9 0..9 X" },
    ],
    [
      "every update",
      { config: { ...nd, max_epochs: 1 }, extras: [extra({ every_n_updates: 1 })], expected: "0..3 X 4..7 X 8 9 X" },
    ],
    [
      "every update, last batch dropped",
      { config: { max_epochs: 1 }, extras: [extra({ every_n_updates: 1 })], expected: "0..3 X 4..7 X" },
    ],
    [
      "two extras",
      {
        config: { max_epochs: 1 },
        extras: [extra({ every_n_updates: 1 }), extra({ every_n_updates: 2 }, 2)],
        expected: "0..3 X 4..7 X 15 16",
      },
    ],
    [
      "every other update",
      { config: { ...nd, max_epochs: 1 }, extras: [extra({ every_n_updates: 2 })], expected: "0..7 X 8 9" },
    ],
    [
      "every 8 samples",
      {
        config: { ...nd, max_epochs: 2 },
        extras: [extra({ every_n_samples: 8, batch_size: 4 })],
        expected: "0..7 X 8 9 0..7 X 8 9",
      },
    ],
    [
      "samples and epochs",
      {
        config: { max_samples: 16 },
        main: 100,
        extras: [extra({ every_n_samples: 8, batch_size: 4 }), extra({ every_n_epochs: 1 })],
        expected: "0..7 100..104 8..15 100..104",
      },
    ],
    [
      "an interval that is no multiple of the batch",
      {
        config: { max_samples: 16 },
        main: 100,
        extras: [extra({ every_n_samples: 6, batch_size: 4 })],
        expected: "0..7 100..104 8..11 100..104 12..15",
      },
    ],
    [
      "no spurious pass after a resume",
      {
        config: { max_epochs: 3, start_epoch: 2 },
        main: 8,
        extras: [extra({ every_n_samples: 12, batch_size: 4 }, 2)],
        expected: "0..7 8 9",
      },
    ],
    ["nothing is left to do", { config: { max_epochs: 2, start_epoch: 2 }, expected: "" }],
    [
      "updates before epochs, whatever the list says",
      {
        config: { max_epochs: 1 },
        main: 4,
        extras: [extra({ every_n_epochs: 1 }, 2), extra({ every_n_updates: 1 }, 2)],
        expected: "0..3 6 7 4 5",
      },
    ],
    [
      "accumulated batches are one update",
      {
        config: { max_epochs: 1, accumulation_steps: 2 },
        main: 8,
        extras: [extra({ every_n_updates: 1 }, 1)],
        expected: "0..7 8",
      },
    ],
  ])("%s", (_, { config, extras = [], main = 10, expected }) => {
    const sampler = new InterleavedSampler(sequential(main), { batch_size: 4, ...config }, extras as never);
    expect([...sampler].map(({ index }) => index)).toEqual(expected === "" ? [] : stream(expected));
  });

  test("a random main sampler", () => {
    const main = new RandomSampler(new IndexDataset(10), new Generator().manualSeed(0));
    const sampler = new InterleavedSampler(main, { batch_size: 4, max_epochs: 1, ...nd }, [
      extra({ every_n_updates: 2 }),
    ] as never);
    expect([...sampler].map(({ index }) => index)).toEqual(stream("4 1 7 5 3 9 0 8 X 6 2"));
  });

  test.each([
    [0, "0 2 4 6 10 12 14 8 10 12 14"],
    [1, "1 3 5 7 11 13 10 9 11 13 10"],
  ])("rank %i of two", (rank, expected) => {
    const distributed = (n: number) =>
      new DistributedSampler(new IndexDataset(n), { replicas: 2, rank, shuffle: false });
    const sampler = new InterleavedSampler(distributed(10), { batch_size: 4, max_epochs: 1, ...nd }, [
      { sampler: distributed(5), every_n_updates: 1 },
    ]);
    expect([...sampler].map(({ index }) => index)).toEqual(stream(expected));
  });

  test.each([
    [{ ...nd, max_epochs: 1 }, 10, 5, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [10, 11, 12, 13], [14]]],
    [
      { ...nd, max_epochs: 2 },
      10,
      5,
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
        [10, 11, 12, 13],
        [14],
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
        [10, 11, 12, 13],
        [14],
      ],
    ],
    [
      { max_epochs: 2 },
      3,
      5,
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
      ],
    ],
  ])("batches with %j", (config, main, n, expected) => {
    const sampler = new InterleavedSampler(sequential(main), { batch_size: 4, ...config }, [
      extra({ every_n_epochs: 1 }, n),
    ] as never);
    const batches = [...sampler.batches()].map(({ dataset, indices }) =>
      indices.map((i) => i + sampler.offsets[dataset]!),
    );
    expect(batches).toEqual(expected);
  });

  test("evaluation with an empty main data set", () => {
    const extras = [extra({ every_n_epochs: 1 }), { sampler: sequential(3), every_n_epochs: 1, batch_size: 2 }];
    const sampler = new InterleavedSampler(sequential(0), { batch_size: 4, evaluation: true }, extras);
    expect([...sampler.batches()]).toEqual([
      { dataset: 1, indices: [0, 1, 2, 3] },
      { dataset: 1, indices: [4] },
      { dataset: 2, indices: [0, 1] },
      { dataset: 2, indices: [2] },
    ]);
  });

  const [first, second] = [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ];
  test.each([
    [{ max_updates: 3 }, [first, second, first]],
    [{ max_samples: 10 }, [first, second, first]],
    [{ max_epochs: 2, start_update: 2 }, [first, second]],
    [{ max_epochs: 2, start_sample: 8 }, [first, second]],
  ])("batches of the main data set alone with %j", (config, expected) => {
    const batches = [...new InterleavedSampler(sequential(10), { batch_size: 4, ...config }).batches()];
    expect(batches).toEqual(expected.map((indices) => ({ dataset: 0, indices })));
  });

  test("whole batches are closed, a part of one at the end of a data set too", () => {
    const sampler = new InterleavedSampler(sequential(5), { batch_size: 3, max_epochs: 1, ...nd });
    expect([...sampler].map(({ isFull }) => isFull)).toEqual([false, false, true, false, true]);
    expect([...sampler.batches()].map(({ indices }) => indices)).toEqual([[0, 1, 2], [3, 4]]); // prettier-ignore
  });

  test.each<[number, object, string]>([
    [10, { max_epochs: 2, start_update: 1 }, "3..5 6..8 X 0..8 X"],
    [10, { max_epochs: 2, start_sample: 3 }, "3..5 6..8 X 0..8 X"],
    [9, { max_epochs: 2, start_update: 4 }, "3..5 6..8 X"],
    [9, { max_epochs: 2, start_update: 3 }, "0..8 X"],
    [10, { max_epochs: 2, start_update: 1, ...nd }, "3..9 X 0..9 X"],
    [10, { max_epochs: 2, start_update: 5, ...nd }, "3..9 X"],
    [9, { max_updates: 3, start_update: 1 }, "3..5 6..8 X"],
    [10, { max_epochs: 2, start_sample: 3, accumulation_steps: 2 }, "3..8 X 0..8 X"],
  ])("of %i samples, batches of 3, a start inside an epoch: %j", (n, config, expected) => {
    const sampler = new InterleavedSampler(sequential(n), { batch_size: 3, ...config }, [
      { sampler: sequential(5), every_n_epochs: 1 },
    ]);
    const indices = [...sampler].map(({ index }) => (index < n ? index : index - n + 10));
    expect(indices).toEqual(stream(expected));
  });

  test.each([
    [10, 6, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]], // three updates an epoch
    [3, 2, [0, 1, 2, 3]], // one
  ])("%i samples in batches of 4: the smaller ones of epochs before a start count as updates", (n, every, expected) => {
    const config = { batch_size: 4, ...nd, start_epoch: 1, max_epochs: 2 };
    const sampler = new InterleavedSampler(sequential(n), config, [{ sampler: sequential(1), every_n_updates: every }]);
    expect([...sampler].map(({ index }) => index)).toEqual(expected);
  });

  test("after a start inside an epoch, updates of accumulated batches are counted from its beginning", () => {
    const config = { batch_size: 3, accumulation_steps: 2, max_epochs: 2, start_sample: 3 };
    const sampler = new InterleavedSampler(sequential(12), config, [{ sampler: sequential(1), every_n_updates: 1 }]);
    expect([...sampler].map(({ index }) => index)).toEqual([3, 4, 5, 12, 6, 7, 8, 9, 10, 11, 12].concat([0, 1, 2, 3, 4, 5, 12, 6, 7, 8, 9, 10, 11, 12])); // prettier-ignore
  });

  test("no training samples", () => {
    expect(() => [...new InterleavedSampler(sequential(0), { batch_size: 4, max_epochs: 2 })]).toThrow(ValueError);
  });

  test.each([
    [{ batch_size: 4 }],
    [{ batch_size: 0, max_epochs: 1 }],
    [{ batch_size: 4, max_epochs: 1, start_epoch: 1, start_update: 2 }],
    [{ batch_size: 4, max_epochs: 1, start_sample: 6 }],
  ])("config %j is refused", (config) => {
    expect(() => new InterleavedSampler(sequential(10), config)).toThrow(ConfigError);
  });

  test.each([
    [{}],
    [{ every_n_epochs: 1, every_n_updates: 1 }],
    [{ every_n_epochs: 0 }],
    [{ every_n_samples: 4 }],
    [{ every_n_epochs: 1, batch_size: 0 }],
  ])("extra sampler %j is refused", (interval) => {
    expect(() => checkSamplerInterval(extra(interval) as never)).toThrow(ValueError);
  });
});

describe("RandomSampler", () => {
  // Python: torch.manual_seed(0); [list(RandomSampler(range(10))) for _ in range(2)]
  test("draws its seeds from the default generator as PyTorch does", () => {
    manualSeed(0);
    const sampler = new RandomSampler(new IndexDataset(10));
    expect([[...sampler], [...sampler]]).toEqual([
      [6, 9, 0, 7, 3, 5, 4, 2, 1, 8],
      [6, 7, 1, 4, 2, 0, 9, 8, 3, 5],
    ]);
  });
});

describe("DistributedSampler", () => {
  // Python: DistributedSampler(range(10), 3, rank, seed=0, drop_last=drop) with set_epoch(1)
  test.each([
    [0, false, [5, 2, 9, 4]],
    [0, true, [5, 2, 9]],
    [1, false, [6, 0, 3, 5]],
    [1, true, [6, 0, 3]],
    [2, false, [1, 8, 7, 6]],
    [2, true, [1, 8, 7]],
  ] as [number, boolean, number[]][])("rank %i, drop_last %j", (rank, dropLast, expected) => {
    const sampler = new DistributedSampler(new IndexDataset(10), { replicas: 3, rank, dropLast });
    sampler.setEpoch(1);
    expect([...sampler]).toEqual(expected);
    expect(sampler.length).toBe(expected.length);
  });
});
