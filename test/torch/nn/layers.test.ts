import { arange, manualSeed, nn, ones, rand, tensor, zeros } from "../../../lib/torch";
import { expectClose, fixtures, toTensor } from "./fixtures";

describe("printed as in PyTorch", () => {
  const modules: Record<string, nn.Module> = {
    linear: new nn.Linear(2, 3),
    conv1d: new nn.Conv1d(2, 4, 3, { padding: "same", paddingMode: "circular", bias: false }),
    conv2d: new nn.Conv2d(2, 4, [3, 2], { stride: 2, padding: 1, dilation: 2, groups: 2 }),
    layer_norm: new nn.LayerNorm(4),
    layer_norm_without_bias: new nn.LayerNorm([4, 5], { eps: 1e-6, bias: false }),
    batch_norm: new nn.BatchNorm1d(3),
    batch_norm_cumulative: new nn.BatchNorm1d(3, { momentum: null, affine: false }),
    dropout: new nn.Dropout(0.1),
    embedding: new nn.Embedding(3, 4, { paddingIdx: 0 }),
    gelu: new nn.GELU(),
    softplus: new nn.Softplus(),
    leaky_relu: new nn.LeakyReLU({ negativeSlope: 0.2 }),
    elu: new nn.ELU(),
    relu: new nn.ReLU(),
    list: new nn.ModuleList([new nn.Linear(2, 3), new nn.Linear(2, 3), new nn.GELU(), new nn.Linear(2, 3)]),
    dict: new nn.ModuleDict<nn.Module>({
      a: new nn.ModuleList([new nn.Tanh()]),
      b: new nn.Sequential(new nn.SiLU(), new nn.SiLU()),
    }),
    empty: new nn.ModuleList(),
  };

  test.each(Object.keys(fixtures.printed))("%s", (name) => {
    expect(String(modules[name])).toBe(fixtures.printed[name]);
  });
});

describe("convolutions", () => {
  const x = toTensor(fixtures.inputs.x!);
  const withKernel = (options: nn.ConvOptions): nn.Conv1d => {
    const conv = new nn.Conv1d(3, 4, 3, { bias: false, dtype: "float64", ...options });
    conv.loadStateDict({ weight: toTensor(fixtures.inputs.kernel!) });
    return conv;
  };

  test("pad by the padding mode", () => {
    expectClose(
      withKernel({ padding: 2, paddingMode: "circular" }).forward(x),
      fixtures.functional.conv1d_circular!,
      1e-14,
    );
  });

  test('keep the size with padding "same"', () => {
    expectClose(withKernel({ padding: "same" }).forward(x), fixtures.functional.conv1d_same!, 1e-14);
    expectClose(
      withKernel({ padding: "same", paddingMode: "reflect" }).forward(x),
      fixtures.functional.conv1d_same_reflect!,
      1e-14,
    );
  });

  test("in one, two and three dimensions", () => {
    expect(new nn.Conv1d(2, 4, 3, { stride: 2 }).forward(ones([1, 2, 9])).shape).toEqual([1, 4, 4]);
    expect(new nn.Conv2d(2, 4, [3, 1], { padding: [1, 0] }).forward(ones([1, 2, 5, 6])).shape).toEqual([1, 4, 5, 6]);
    expect(new nn.Conv3d(2, 4, 2, { dilation: 2 }).forward(ones([1, 2, 3, 4, 5])).shape).toEqual([1, 4, 1, 2, 3]);
  });

  test("refuse channels that groups do not divide", () => {
    expect(() => new nn.Conv1d(3, 4, 1, { groups: 2 })).toThrow(
      "Conv1d: expected channels divisible by groups, got 3 in, 4 out, groups 2",
    );
  });

  test("refuse a kernel of other dimensions", () => {
    expect(() => new nn.Conv2d(1, 1, [1, 2, 3])).toThrow("expected one number or 2, got [1, 2, 3]");
  });
});

describe("batch norm", () => {
  const x = toTensor(fixtures.inputs.x!);
  const y = toTensor(fixtures.inputs.y!);

  test("averages over all batches without a momentum", () => {
    const norm = new nn.BatchNorm1d(3, { momentum: null, dtype: "float64" });
    norm.forward(x);
    norm.forward(y);
    expectClose(norm.runningMean!, fixtures.functional.cumulative_mean!, 1e-14);
    expectClose(norm.runningVar!, fixtures.functional.cumulative_var!, 1e-14);
    expect(norm.numBatchesTracked!.item()).toBe(2);
  });

  test("leaves its statistics alone in evaluation", () => {
    const norm = new nn.BatchNorm1d(3, { dtype: "float64" }).eval();
    norm.forward(x);
    expect(norm.runningMean!.toArray()).toEqual([0, 0, 0]);
    expect(norm.numBatchesTracked!.item()).toBe(0);
  });

  test("normalises by the batch in evaluation when it keeps no statistics", () => {
    const norm = new nn.BatchNorm1d(3, { trackRunningStats: false, affine: false, dtype: "float64" }).eval();
    expect([...norm.stateDict().keys()]).toEqual([]);
    expect(norm.forward(x).mean([0, 2]).abs().max().item()).toBeLessThan(1e-12);
  });

  test("refuses other dimensions", () => {
    expect(() => new nn.BatchNorm1d(3).forward(ones([1, 3, 2, 2]))).toThrow(
      "BatchNorm1d: expected an input of 2 or 3 dimensions, got shape [1, 3, 2, 2]",
    );
    expect(() => new nn.BatchNorm2d(3).forward(ones([1, 3]))).toThrow("BatchNorm2d: expected an input of 4 dimensions");
  });

  test("refuses to train on one value per channel", () => {
    expect(() => new nn.BatchNorm1d(3).forward(ones([1, 3]))).toThrow(
      "expected more than 1 value per channel when training, got shape [1, 3]",
    );
  });
});

describe("dropout", () => {
  test("passes through in evaluation", () => {
    const x = ones([10]);
    expect(new nn.Dropout(0.5).eval().forward(x).equal(x)).toBe(true);
  });

  test("scales what it keeps", () => {
    manualSeed(0);
    const values = new Set(new nn.Dropout(0.75).forward(ones([100])).toArray() as number[]);
    expect(values).toEqual(new Set([0, 4]));
  });

  test("repeats after the same seed", () => {
    const draw = (): unknown => {
      manualSeed(3);
      return new nn.Dropout(0.3).forward(ones([50])).toArray();
    };
    expect(draw()).toEqual(draw());
  });

  // The masks come from libtorch's MKL, which only x64 builds have.
  (process.arch === "x64" ? test : test.skip)(
    "draws PyTorch's mask and leaves the generator where PyTorch does",
    () => {
      manualSeed(5);
      expectClose(new nn.Dropout(0.3).forward(ones([40])), fixtures.functional.dropout!, 0);
      expectClose(rand([4]), fixtures.functional.after_dropout!, 0);
    },
  );

  test("refuses a probability above 1", () => {
    expect(() => new nn.Dropout(1.1)).toThrow("expected a probability between 0 and 1, got 1.1");
  });
});

describe("embedding", () => {
  test("looks rows up and gives the padding row no gradient", () => {
    const embedding = new nn.Embedding(3, 2, { paddingIdx: 1 });
    const rows = embedding.forward(tensor([0n, 1n, 1n]));
    expect(rows.index(1).toArray()).toEqual([0, 0]);
    rows.sum().backward();
    expect(embedding.weight.grad!.toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  test("refuses a padding index outside of the table", () => {
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow(
      "expected paddingIdx within the 3 embeddings, got 3",
    );
  });
});

describe("containers", () => {
  test("Sequential chains", () => {
    const chain = new nn.Sequential(new nn.ReLU(), new nn.Identity());
    expect(chain.forward(tensor([-1, 2])).toArray()).toEqual([0, 2]);
  });

  test("ModuleList is indexed, iterated and appended to", () => {
    const [a, b] = [new nn.ReLU(), new nn.ReLU()];
    const list = new nn.ModuleList([a]).append(b);
    expect([list[0], list.at(-1), list.length, [...list]]).toEqual([a, b, 2, [a, b]]);
    expect(() => list.at(2)).toThrow("expected an index within the 2 modules, got 2");
    expect(() => list.forward()).toThrow("use Sequential to chain them");
  });

  test("ModuleDict is looked up by key", () => {
    const dict = new nn.ModuleDict({ relu: new nn.ReLU() });
    expect(dict.get("relu").forward(tensor(-1)).item()).toBe(0);
    expect(() => dict.get("tanh")).toThrow('expected one of the keys relu, got "tanh"');
  });
});

describe("activations", () => {
  test.each([
    ["GELU", new nn.GELU(), 0.8413447],
    ["ReLU", new nn.ReLU(), 1],
    ["SiLU", new nn.SiLU(), 0.7310586],
    ["Tanh", new nn.Tanh(), 0.7615942],
    ["Sigmoid", new nn.Sigmoid(), 0.7310586],
    ["Softplus", new nn.Softplus(), 1.3132616],
    ["ELU", new nn.ELU(), 1],
    ["LeakyReLU", new nn.LeakyReLU(), 1],
  ] as [string, nn.Layer, number][])("%s(1)", (_name, module, expected) => {
    expect(module.forward(tensor(1)).item()).toBeCloseTo(expected, 6);
  });

  test("Softmax adds up to one along its dimension", () => {
    expect(new nn.Softmax(0).forward(arange(3)).sum().item()).toBeCloseTo(1, 6);
  });
});

test("layer norm without factors", () => {
  const norm = new nn.LayerNorm(3, { elementwiseAffine: false });
  expect(norm.parameters()).toEqual([]);
  expect(norm.forward(zeros([2, 3])).toArray()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});
