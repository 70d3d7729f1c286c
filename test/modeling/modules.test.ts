import {
  Activation,
  ContinuousSincosEmbed,
  DeepPerceiverDecoder,
  DotProductAttention,
  LayerScale,
  LinearProjection,
  MLP,
  PerceiverAttention,
  PerceiverBlock,
  RopeFrequency,
  ScalarsConditioner,
  SupernodePooling,
  TransformerBatchNorm,
  TransformerBlock,
  TransolverAttention,
  TransolverPlusPlusAttention,
  UnquantizedDropPath,
  UpActDownMlp,
} from "../../lib/modeling";
import { allclose, arange, autocast, cat, manualSeed, nn, ones, rand, randn, tensor, zeros } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { entries, expectEntries, ints } from "./helpers";

describe("Activation", () => {
  it.each(Object.keys(Activation) as (keyof typeof Activation)[])("%s builds a module", (name) => {
    expect(new Activation[name]().forward(zeros([2])).shape).toEqual([2]);
  });
});

describe("ContinuousSincosEmbed", () => {
  it.each([
    [192, 3, 0, 32],
    [192, 4, 0, 24],
    [128, 3, 2, 21],
    [16, 3, 4, 2],
    [7, 2, 3, 1],
  ])("of %i channels for %i coordinates pads %i", (hidden_dim, input_dim, padding, frequencies) => {
    const embed = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    expect([embed.paddingTensor.numel(), embed.omega.numel()]).toEqual([padding, frequencies]);
  });

  it("is float32 and the same under autocast", () => {
    const [embed, coords] = [new ContinuousSincosEmbed({ hidden_dim: 16, input_dim: 3 }), rand([2, 8, 3])];
    const half = autocast({ deviceType: "cpu", dtype: "bfloat16" }, () => embed.forward(coords));
    expect(half.dtype).toBe("float32");
    expect(half.equal(embed.forward(coords))).toBe(true);
  });

  it("refuses too few channels and other coordinates", () => {
    expect(() => new ContinuousSincosEmbed({ hidden_dim: 3, input_dim: 4 })).toThrow(
      "hidden_dim must be at least 2 per coordinate",
    );
    expect(() => new ContinuousSincosEmbed({ hidden_dim: 8, input_dim: 2 }).forward(rand([4, 3]))).toThrow(
      "coords must have shape",
    );
  });
});

describe("RopeFrequency", () => {
  it("gives one tensor of angles per axis, or complex numbers of half the channels", () => {
    const real = new RopeFrequency({ hidden_dim: 8, input_dim: 3 }).forward(rand([1, 3])) as Tensor[];
    expect(real.map(({ shape }) => shape)).toEqual([[1, 2], [1, 2], [1, 2]]); // prettier-ignore
    const complex = new RopeFrequency({ hidden_dim: 64, input_dim: 3, implementation: "complex" });
    expect((complex.forward(rand([2, 5, 3])) as Tensor).shape).toEqual([2, 5, 32]);
    expectEntries(entries(complex.omega).slice(0, 3), [1, 0.398107, 0.158489], 1e-6);
  });
});

describe("UnquantizedDropPath", () => {
  it.each([0, 0.5, 1])("drops whole samples with probability %f in training only", (drop_prob) => {
    const drop = new UnquantizedDropPath({ drop_prob });
    const y = drop.forward(ones([200, 2, 3]));
    const kept = y.index("...", 0, 0).toArray() as number[];
    const scale = drop_prob < 1 ? 1 / (1 - drop_prob) : 0;
    expect(new Set(kept)).toEqual(new Set([[1], [0, scale], [0]][drop_prob * 2]!));
    expect(drop.eval().forward(y)).toBe(y);
  });

  it("does not scale when told so, and says its probability", () => {
    const drop = new UnquantizedDropPath({ drop_prob: 0.3, scale_by_keep: false });
    expect(new Set(entries(drop.forward(ones([100, 1]))))).toEqual(new Set([0, 1]));
    expect(drop.keepProb).toBeCloseTo(0.7);
    expect(String(drop)).toContain("drop_prob=0.30");
  });

  it.each([-0.1, 1.1])("refuses %f", (drop_prob) => {
    expect(() => new UnquantizedDropPath({ drop_prob })).toThrow("drop_prob");
  });
});

describe("LayerScale", () => {
  it("scales channels, or nothing without initial values", () => {
    expect(entries(new LayerScale({ hidden_dim: 2 }).gamma!)).toEqual([Math.fround(1e-5), Math.fround(1e-5)]);
    expect(entries(new LayerScale({ hidden_dim: 2, init_values: 0.5 }).forward(ones([2])))).toEqual([0.5, 0.5]);
    const none = new LayerScale({ hidden_dim: 2, init_values: null });
    expect(none.parameters()).toEqual([]);
    const x = ones([2]);
    expect(none.forward(x)).toBe(x);
  });
});

describe("LinearProjection", () => {
  it("gives PyTorch's numbers from a seed", () => {
    manualSeed(42);
    const x = randn([2, 4]);
    expectEntries(
      new LinearProjection({ input_dim: 4, output_dim: 8 }).forward(x),
      [
        0.3678, -0.3611, -0.7599, -0.2329, -0.2097, 0.465, 0.3239, 0.3645, -0.7894, -0.6952, -0.1288, 1.1139, -1.3881,
        0.4688, 0.1983, 0.5036,
      ],
      1e-4,
    );
  });

  it("is the identity where it may be", () => {
    const x = rand([2, 4]);
    const identity = new LinearProjection({ input_dim: 4, output_dim: 4, optional: true, init_weights: "zeros" });
    expect(identity.parameters()).toEqual([]);
    expect(identity.forward(x).equal(x)).toBe(true);
  });

  it.each([1, 2, 3])("convolves %i-dimensional grids", (ndim) => {
    const shape = [2, 4, ...Array<number>(ndim).fill(3)];
    expect(new LinearProjection({ input_dim: 4, output_dim: 8, ndim }).forward(rand(shape)).shape).toEqual([
      2,
      8,
      ...shape.slice(2),
    ]);
  });

  it("starts at zero when told so", () => {
    expect(
      entries(new LinearProjection({ input_dim: 2, output_dim: 2, init_weights: "zeros" }).forward(ones([2]))),
    ).toEqual([0, 0]);
  });

  it.each([
    [{ ndim: 4 }, "ndim"],
    [{ init_weights: "normal" }, "init_weights"],
    [{ init_weights: "torchs" }, "LinearProjection: init_weights must be one of torch"],
    [{ use_bias: false }, "use_bias"],
  ])("refuses %j", (config, message) => {
    expect(() => new LinearProjection({ input_dim: 2, output_dim: 2, ...config } as never)).toThrow(message);
  });
});

describe("ScalarsConditioner", () => {
  it("refuses the wrong number and shape of scalars", () => {
    const conditioner = new ScalarsConditioner({ hidden_dim: 4, num_scalars: 2 });
    expect(conditioner.forward(rand([3]), rand([3, 1])).shape).toEqual([3, 16]);
    expect(() => conditioner.forward(rand([3]))).toThrow("expected 2 scalars, got 1");
    expect(() => conditioner.forward(rand([3]), rand([2]))).toThrow("the same B");
  });
});

describe("TransformerBatchNorm", () => {
  it.each([1, 2])("equals a batch norm of each sample on its own (%i samples)", (batch) => {
    const x = randn([batch, 10, 4]);
    const y = new TransformerBatchNorm(4).forward(x);
    for (let b = 0; b < batch; b++) {
      expect(allclose(y.index(b), new nn.BatchNorm1d(4).forward(x.index(b)), 0, 1e-6)).toBe(true);
    }
  });

  it("refuses a bias without weights", () => {
    expect(() => new TransformerBatchNorm(4, { elementwiseAffine: false, bias: true })).toThrow(
      "bias needs elementwiseAffine",
    );
  });
});

describe("MLPs", () => {
  it("give PyTorch's numbers from a seed", () => {
    manualSeed(42);
    const mlp = new UpActDownMlp({ input_dim: 4, hidden_dim: 8, init_weights: "torch" });
    expectEntries(
      mlp.forward(randn([2, 4])),
      [0.3717, -0.1688, -0.4399, -0.3768, 0.4767, -0.237, -0.4825, -0.2328],
      1e-4,
    );
  });

  it.each([{ hidden_dim: 0 }, { hidden_dim: 4 }, { hidden_dim: 2 }, { input_dim: 0 }])("refuse %j", (config) => {
    expect(() => new UpActDownMlp({ input_dim: 4, hidden_dim: 8, ...config })).toThrow("_dim: ");
  });

  it("draw anew only what they initialise themselves", () => {
    const changed = (init_weights: "torch" | "truncnormal002") => {
      const mlp = new UpActDownMlp({ input_dim: 4, hidden_dim: 8, init_weights });
      const before = entries(mlp.fc1.weight);
      mlp.resetParameters();
      return entries(mlp.fc1.weight).some((value, i) => value !== before[i]);
    };
    expect([changed("torch"), changed("truncnormal002")]).toEqual([false, true]);
  });

  it("number their layers as the Python framework does", () => {
    const keys = [...new MLP({ input_dim: 2, hidden_dim: 3, output_dim: 4, num_layers: 1 }).stateDict().keys()];
    expect(keys).toEqual(["mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias", "mlp.4.weight", "mlp.4.bias"]);
  });
});

describe("attention", () => {
  it("with identity initialisation projects to zero", () => {
    const config = { hidden_dim: 16, num_heads: 4, init_weights: "truncnormal002-identity" } as const;
    for (const attention of [new DotProductAttention(config), new PerceiverAttention(config)]) {
      expect(Number(attention.proj.weight.abs().sum().item())).toBe(0);
    }
  });

  it("can do without biases", () => {
    for (const attention of [
      new DotProductAttention({ hidden_dim: 16, num_heads: 4, bias: false }),
      new PerceiverAttention({ hidden_dim: 16, num_heads: 4, bias: false }),
    ]) {
      expect([...attention.stateDict().keys()].filter((key) => key.endsWith("bias"))).toEqual([]);
    }
  });

  it("takes an additive mask of zeros as none, and a boolean mask as what to attend to", () => {
    const attention = new DotProductAttention({ hidden_dim: 16, num_heads: 4 });
    const x = randn([2, 10, 16]);
    expect(allclose(attention.forward(x, { attnMask: zeros([10, 10]) }), attention.forward(x), 1e-5, 1e-6)).toBe(true);
    const first = ones([10, 10]).tril().to("bool");
    expect(
      allclose(
        attention.forward(x, { attnMask: first }).index(0, 0),
        attention.forward(x.narrow(1, 0, 1)).index(0, 0),
        1e-5,
        1e-6,
      ),
    ).toBe(true);
  });

  it.each([
    [{ hidden_dim: 15, num_heads: 4 }, "must be divisible by"],
    [{ hidden_dim: 16, num_heads: 4, init_weights: "normal" }, "init_weights"],
    [{ hidden_dim: 16, num_heads: 4, dropout: 2 }, "dropout"],
  ])("refuses %j", (config, message) => {
    expect(() => new DotProductAttention(config as never)).toThrow(message);
  });

  it("needs frequencies exactly when it rotates", () => {
    const freqs = new RopeFrequency({ hidden_dim: 8, input_dim: 2 }).table(rand([1, 3, 2]));
    expect(() =>
      new DotProductAttention({ hidden_dim: 16, num_heads: 2, use_rope: true }).forward(rand([1, 3, 16])),
    ).toThrow("RoPE usage mismatch");
    expect(() =>
      new DotProductAttention({ hidden_dim: 16, num_heads: 2 }).forward(rand([1, 3, 16]), { freqs }),
    ).toThrow("RoPE usage mismatch");
  });

  it("of the perceiver has the shapes of its widths", () => {
    const attention = new PerceiverAttention({ hidden_dim: 64, num_heads: 8, kv_dim: 32 });
    const shapes = [...attention.stateDict()].filter(([key]) => key.endsWith("weight")).map(([, { shape }]) => shape);
    expect(shapes).toEqual([[64, 32], [64, 32], [64, 64], [64, 64]]); // prettier-ignore
  });
});

describe("TransolverAttention", () => {
  it.each([
    { hidden_dim: 64, num_heads: 8, num_slices: 4, dropout: 0.1, bias: false, init_weights: "truncnormal002" },
    { hidden_dim: 128, num_heads: 16, num_slices: 8, dropout: 0, bias: true, init_weights: "torch" },
    { hidden_dim: 256, num_heads: 32, num_slices: 16, dropout: 0.2, bias: false, init_weights: "truncnormal" },
  ] as const)("is built from %j", (config) => {
    const attention = new TransolverAttention(config);
    expect(attention.temperature.shape).toEqual([1, config.num_heads, 1, 1]);
    expect(new Set(entries(attention.temperature))).toEqual(new Set([0.5]));
    const { tokens, weights } = attention.createSlices(rand([2, 5, config.hidden_dim]));
    expect(tokens.shape).toEqual([2, config.num_heads, config.num_slices, config.hidden_dim / config.num_heads]);
    expect(weights.shape).toEqual([2, config.num_heads, 5, config.num_slices]);
  });

  it("gives masked points nothing but the bias of the projection", () => {
    const attention = new TransolverAttention({ hidden_dim: 8, num_heads: 2, num_slices: 3, init_weights: "torch" });
    const y = attention.forward(rand([1, 2, 8]), { attnMask: tensor([[true, false]]) });
    expectEntries(y.index(0, 1), entries((attention.proj.project as nn.Linear).bias!), 1e-6);
  });

  it("refuses rotary frequencies and other masks", () => {
    const attention = new TransolverAttention({ hidden_dim: 8, num_heads: 2, num_slices: 3 });
    expect(() => attention.forward(rand([1, 2, 8]), { freqs: rand([1]) } as never)).toThrow("got freqs");
    expect(() => attention.forward(rand([1, 2, 8]), { attnMask: ones([1, 2]) })).toThrow(
      "attnMask must be bool of shape (1, 2)",
    );
  });
});

describe("TransolverPlusPlusAttention", () => {
  it.each([1, 10])("keeps the shape of %i samples", (batch) => {
    expect(
      new TransolverPlusPlusAttention({ hidden_dim: 256, num_heads: 8, num_slices: 64 }).forward(rand([batch, 10, 256]))
        .shape,
    ).toEqual([batch, 10, 256]);
  });

  it("is noisy in training and, unless told otherwise, not in evaluation", () => {
    const x = rand([1, 6, 16]);
    const differs = (use_gumbel_softmax: boolean | "always", training: boolean) => {
      const attention = new TransolverPlusPlusAttention({
        hidden_dim: 16,
        num_heads: 2,
        num_slices: 4,
        init_weights: "torch",
        use_gumbel_softmax,
      }).train(training);
      return !attention.forward(x).equal(attention.forward(x));
    };
    expect([differs(true, true), differs(true, false), differs("always", false), differs(false, true)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it("refuses options that mean nothing to it", () => {
    const build = (options: object) => new TransolverPlusPlusAttention({ hidden_dim: 16, num_heads: 2, ...options });
    expect(() => build({ temperature_activation: "exp" })).toThrow("temperature_activation");
    expect(() => build({ use_overparameterization: false })).toThrow("use_overparameterization");
  });
});

describe("TransformerBlock", () => {
  const config = { hidden_dim: 16, num_heads: 4, mlp_expansion_factor: 2 };

  it("without bias has none", () => {
    expect(
      [...new TransformerBlock({ ...config, bias: false }).stateDict().keys()].filter((key) => key.endsWith(".bias")),
    ).toEqual([]);
  });

  it("is the identity at initialisation when modulated", () => {
    manualSeed(0);
    const block = new TransformerBlock({ hidden_dim: 4, num_heads: 2, condition_dim: 32, mlp_expansion_factor: 4 });
    const x = randn([2, 10, 4]);
    expect(block.forward(x, { condition: randn([2, 32]) }).equal(x)).toBe(true);
  });

  it("needs a condition exactly when it is modulated", () => {
    expect(() => new TransformerBlock(config).forward(rand([1, 2, 16]), { condition: rand([1, 3]) })).toThrow(
      "condition_dim is not set",
    );
    expect(() => new TransformerBlock({ ...config, condition_dim: 3 }).forward(rand([1, 2, 16]))).toThrow(
      "no condition is given",
    );
  });

  it("passes keys and values to perceiver attention", () => {
    const block = new TransformerBlock({
      ...config,
      attention_constructor: "perceiver",
      attention_arguments: { kv_dim: 8 },
    });
    expect(block.forward(rand([1, 5, 16]), { attnKwargs: { kv: rand([1, 3, 8]) } }).shape).toEqual([1, 5, 16]);
  });

  it("gives every parameter a gradient", () => {
    const block = new TransformerBlock({ ...config, layerscale: 0.1 });
    block
      .forward(randn([2, 5, 16]))
      .square()
      .mean()
      .backward();
    expect(block.namedParameters().filter(([, parameter]) => parameter.grad === null)).toEqual([]);
  });
});

describe("PerceiverBlock", () => {
  it("is the identity at initialisation when modulated", () => {
    const block = new PerceiverBlock({ hidden_dim: 4, num_heads: 2, condition_dim: 8, mlp_expansion_factor: 4 });
    const q = randn([2, 3, 4]);
    expect(block.forward(q, randn([2, 5, 4]), { condition: randn([2, 8]) }).equal(q)).toBe(true);
  });

  it("takes keys and values that were computed before", () => {
    const block = new PerceiverBlock({ hidden_dim: 16, num_heads: 4, kv_dim: 8, mlp_expansion_factor: 2 });
    const [q, kv] = [randn([2, 3, 16]), randn([2, 5, 8])];
    expect(allclose(block.forward(q, block.keysValues(kv)), block.forward(q, kv), 1e-6, 1e-6)).toBe(true);
  });
});

describe("DeepPerceiverDecoder", () => {
  const decoder = () =>
    new DeepPerceiverDecoder({
      depth: 2,
      input_dim: 3,
      perceiver_block_config: { hidden_dim: 16, num_heads: 2, mlp_expansion_factor: 2 },
    });

  it("gives a token for every query", () => {
    expect(decoder().blocks).toHaveLength(2);
    expect(decoder().forward({ kv: rand([2, 3, 16]), queries: rand([2, 5, 16]) }).shape).toEqual([2, 5, 16]);
  });

  it.each([
    ["kv", { kv: [3, 16], queries: [2, 5, 16] }],
    ["queries", { kv: [2, 3, 16], queries: [5, 16] }],
  ])("refuses two-dimensional %s", (name, shapes) => {
    expect(() => decoder().forward({ kv: rand(shapes.kv), queries: rand(shapes.queries) })).toThrow(
      `${name} must have shape`,
    );
  });
});

describe("SupernodePooling", () => {
  const config = { hidden_dim: 16, input_dim: 3, radius: 0.5 };

  it("without a batch vector pools one sample", () => {
    const pooling = new SupernodePooling(config);
    expect(pooling.forward({ inputPos: rand([10, 3]), supernodeIdx: ints([0, 1, 5, 6]) }).shape).toEqual([1, 4, 16]);
  });

  it("refuses supernodes that do not divide among the samples", () => {
    const batchIdx = ints([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    const input = { inputPos: rand([10, 3]), supernodeIdx: ints([0, 1, 5]), batchIdx };
    expect(() => new SupernodePooling(config).forward(input)).toThrow(
      "equally many supernodes for each of the 2 samples, got 3",
    );
  });

  it("averages the messages of each cluster, and gives zero where nothing is near", () => {
    const pooling = new SupernodePooling({
      hidden_dim: 8,
      input_dim: 1,
      k: 3,
      message_mode: "identity",
      readd_supernode_pos: false,
    });
    const inputPos = tensor([[0], [0.1], [0.2], [5], [5.1], [5.2]]);
    const supernodeIdx = ints([1, 4]);
    const embedding = pooling.posEmbed.forward(inputPos);
    const mean = (first: number) => embedding.narrow(0, first, 3).mean([0]);
    const expected = cat([mean(0), embedding.index(1), mean(3), embedding.index(4)]);
    expectEntries(pooling.forward({ inputPos, supernodeIdx }), entries(expected), 1e-6);
    expect(pooling.outputDim).toBe(16);
  });

  it("gives a supernode without neighbours the zero vector", () => {
    // Each supernode sees lower indices only: with one message at most, all come from point 0, which is far from the last.
    const pooling = new SupernodePooling({ ...config, radius: 0, readd_supernode_pos: false, init_weights: "torch" });
    const inputPos = tensor([[0, 0, 0], [NaN, 0, 0]]); // prettier-ignore
    const pooled = pooling.forward({ inputPos, supernodeIdx: ints([0, 1]) });
    expect(entries(pooled.index(0, 1))).toEqual(Array(16).fill(0));
  });

  it.each([
    [1, [0, 2, 4, 6]],
    [2, [0, 1, 2, 3, 4, 5, 6, 7]],
  ])("keeps the %i lowest indices", (max_degree, sources) => {
    // With identity messages of one channel pair per point, sums show which points were gathered.
    const pooling = new SupernodePooling({
      hidden_dim: 6,
      input_dim: 3,
      radius: 2,
      max_degree,
      message_mode: "identity",
      readd_supernode_pos: false,
      aggregation: "sum",
    });
    const inputPos = arange(0, 10).unsqueeze(1).expand([10, 3]).contiguous();
    const embedding = pooling.posEmbed.forward(inputPos);
    const expected = Array.from({ length: 4 }, (_, s) => sources.slice(s * max_degree, (s + 1) * max_degree)).map(
      (group) => embedding.index(ints(group)).sum([0]),
    );
    const pooled = pooling.forward({ inputPos, supernodeIdx: ints([1, 3, 5, 7]) }).narrow(-1, 0, 6);
    expectEntries(pooled, entries(cat(expected)), 1e-5);
  });

  it.each(["abspos", "relpos"] as const)("takes features (%s) and trains their projections", (spool_pos_mode) => {
    const pooling = new SupernodePooling({ ...config, spool_pos_mode, input_features_dim: 2 });
    const input = {
      inputPos: rand([10, 3]),
      supernodeIdx: ints([0, 1, 5, 6]),
      batchIdx: ints([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
    };
    const y = pooling.forward({ ...input, inputFeatures: rand([2, 5, 2]) });
    expect(y.shape).toEqual([2, 2, 16]);
    y.sum().backward();
    expect(pooling.namedParameters().filter(([, parameter]) => parameter.grad === null)).toEqual([]);
    expect(() => pooling.forward(input)).toThrow("inputFeatures with 2 channels are missing");
    expect(() => pooling.forward({ ...input, inputFeatures: rand([10, 3]) })).toThrow("expected inputFeatures (N, 2)");
    expect(() => new SupernodePooling(config).forward({ ...input, inputFeatures: rand([10, 2]) })).toThrow(
      "expected inputFeatures none",
    );
  });

  it.each([
    [{ radius: null }, "exactly one of radius and k"],
    [{ k: 3 }, "exactly one of radius and k"],
    [{ spool_pos_mode: "absolute" }, "spool_pos_mode"],
    [{ spool_pos_mode: "absrelpos", input_features_dim: 2 }, "does not take features"],
    [{ message_mode: "identity" }, "needs spool_pos_mode"],
  ])("refuses %j", (options, message) => {
    expect(() => new SupernodePooling({ ...config, ...options } as never)).toThrow(message);
  });
});
