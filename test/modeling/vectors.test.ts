/** Numbers of the specification (8, 9.2): evaluated in float64 from its formulas, independent of this code. */
import {
  AnchoredBranchedUPT,
  ContinuousSincosEmbed,
  radius,
  knn,
  rope,
  RopeFrequency,
  SupernodePooling,
  Transolver,
  TransolverPlusPlusAttention,
  UPT,
} from "../../lib/modeling";
import { scope, tensor } from "../../lib/torch";
import { entries, expectEntries, expectSum, fillParameters, inp, ints } from "./helpers";

const POSITIONS = () => inp(0.3, [14, 3]);
const BATCH = () => ints([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
const SUPERNODES = () => ints([0, 2, 5, 7, 8, 12]);

describe("ContinuousSincosEmbed", () => {
  it.each([
    [
      16,
      [0.5, -1.25, 300],
      [
        0.479426, 0.005, 0.877583, 0.999988, -0.948985, -0.0125, 0.315322, 0.999922, -0.999756, 0.14112, -0.022097,
        -0.989992, 0, 0, 0, 0,
      ],
    ],
    [8, [4.3], [-0.916166, 0.416871, 0.042987, 0.0043, -0.400799, 0.908966, 0.999076, 0.999991]],
    [7, [4.3, -2], [-0.916166, -0.400799, -0.909297, -0.416147, 0, 0, 0]],
  ])("codes %i channels", (hidden_dim, coords, expected) => {
    const embed = new ContinuousSincosEmbed({ hidden_dim, input_dim: coords.length });
    expectEntries(embed.forward(tensor([coords])), expected, 2e-6);
  });
});

describe("rope", () => {
  const positions = () =>
    tensor([
      [
        [0.5, -1.25, 300],
        [2, 0, 7],
      ],
    ]);
  const rotate = (implementation: "real" | "complex") =>
    entries(
      rope(
        inp(0, [1, 1, 2, 16]),
        new RopeFrequency({ hidden_dim: 16, input_dim: 3, implementation }).forward(positions()),
      ),
    );

  it("rotates neighbouring channels with complex frequencies", () => {
    expectEntries(
      rotate("complex"),
      [
        -0.375547, 0.687434, 0.971699, 0.432244, -1.067198, 0.111708, -0.772494, 0.026472, 0.952116, -0.814905,
        -0.343427, 0.511115, -0.980936, -0.761984, 0.033623, 0.803784, -0.762611, 0.712968, -0.452648, -0.993316,
        -0.750987, 0.050423, 0.813674, 0.961153, 0.607493, -0.116805, -0.932756, -0.806995, 0.067208, 0.823333,
        0.956376, 0.365653,
      ],
    );
  });

  it("rotates halves of each axis with real frequencies", () => {
    expectEntries(
      rotate("real"),
      [
        -0.466887, 0.78118, 0.854632, 0.431291, -0.872878, -0.977244, 0.176275, 0.029031, 0.39448, -0.895616, -0.802581,
        0.589828, -0.980936, -0.761984, 0.033623, 0.803784, 0.027717, 0.416341, 1.074667, -0.975934, -0.750987,
        0.050423, 0.813674, 0.961153, 0.935816, -0.434239, -0.493561, -0.772041, 0.067208, 0.823333, 0.956376, 0.365653,
      ],
    );
  });
});

describe("neighbours of the vectors", () => {
  const query = () => POSITIONS().indexSelect(0, SUPERNODES());
  const batches = () => ({ batchX: BATCH(), batchY: BATCH().indexSelect(0, SUPERNODES()) });

  it("within a radius, the lowest indices first", () => {
    expect(radius(POSITIONS(), query(), 1.3, { ...batches(), maxNumNeighbors: 2 }).t().toArray()).toEqual([
      [0, 0], [0, 2], [1, 0], [1, 2], [2, 0], [2, 3], [3, 7], [3, 9], [4, 8], [4, 10], [5, 7], [5, 10],
    ]); // prettier-ignore
  });

  it("of a fixed number, the nearest first", () => {
    expect(knn(POSITIONS(), query(), 3, batches()).index(1).toArray()).toEqual([
      0, 5, 2, 2, 0, 4, 5, 0, 3, 7, 12, 9, 8, 13, 10, 12, 7, 10,
    ]);
  });
});

describe("SupernodePooling", () => {
  const pool = (config: Partial<ConstructorParameters<typeof SupernodePooling>[0]>, features = false) =>
    scope(() => {
      const module = new SupernodePooling({ hidden_dim: 16, input_dim: 3, ...config });
      fillParameters(module);
      const inputFeatures = features ? inp(2.2, [14, 2]) : null;
      return module.forward({ inputPos: POSITIONS(), supernodeIdx: SUPERNODES(), batchIdx: BATCH(), inputFeatures });
    });

  it.each([
    [
      "abspos",
      { radius: 1.3, max_degree: 2 },
      false,
      4.133169,
      [0.226142, 0.828607, 1.01682, 0.668812],
      [0.63134, 0.042995, -0.49708, -0.712391],
    ],
    [
      "relpos",
      { radius: 1.3, max_degree: 2 },
      false,
      3.034534,
      [0.290561, 0.823282, 0.94444, 0.565915],
      [0.535067, -0.030043, -0.510011, -0.658688],
    ],
    [
      "absrelpos",
      { radius: 1.3, max_degree: 2 },
      false,
      4.108093,
      [0.38969, 1.044766, 1.176469, 0.691357],
      [0.592279, -0.112428, -0.690404, -0.846022],
    ],
    [
      "relpos",
      { k: 3, input_features_dim: 2 },
      true,
      5.129259,
      [-0.27631, 0.25955, 0.631443, 0.62994],
      [0.800223, 0.386586, -0.149638, -0.5477],
    ],
    [
      "abspos",
      { k: 3, input_features_dim: 2, aggregation: "sum", message_mode: "linear" },
      true,
      7.505872,
      [-0.380467, 0.38836, 0.976078, 1.111154],
      [0.644603, 0.097306, -0.572833, -1.024362],
    ],
  ] as const)("%s %j", (spool_pos_mode, config, features, sum, first, last) => {
    const pooled = pool({ spool_pos_mode, ...config }, features);
    expect(pooled.shape).toEqual([2, 3, 16]);
    expectSum(pooled, sum);
    expectEntries(entries(pooled).slice(0, 4), first);
    expectEntries(entries(pooled).slice(-4), last);
  });
});

describe("AnchoredBranchedUPT", () => {
  const build = () => {
    const model = new AnchoredBranchedUPT({
      kind: "noether.modeling.models.AnchoredBranchedUPT",
      name: "ab_upt",
      hidden_dim: 32,
      geometry_depth: 1,
      physics_blocks: ["perceiver", "shared", "cross", "joint"],
      num_surface_blocks: 1,
      num_volume_blocks: 1,
      supernode_pooling_config: { input_dim: 3, radius: 1.3, max_degree: 2 },
      transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, use_rope: true, layerscale: 0.5 },
      perceiver_block_config: { layerscale: null },
      data_specs: {
        position_dim: 3,
        surface_output_dims: { pressure: 1, friction: 3 },
        volume_output_dims: { velocity: 3 },
        conditioning_dims: { geometry_design_parameters: 2, inflow_design_parameters: 1 },
      },
    } as never);
    expect(fillParameters(model)).toBe(102);
    return model;
  };
  const inputs = () => ({
    geometry_position: POSITIONS(),
    geometry_supernode_idx: SUPERNODES(),
    geometry_batch_idx: BATCH(),
    surface_anchor_position: inp(1, [2, 4, 3]),
    volume_anchor_position: inp(2, [2, 3, 3]),
    query_surface_position: inp(3, [2, 2, 3]),
    geometry_design_parameters: inp(4, [2, 2]),
    inflow_design_parameters: inp(5, [2, 1]),
  });

  it("predicts the fields of the vector", () => {
    const fields = build().forward(inputs());
    expect(Object.keys(fields)).toEqual([
      "surface_pressure",
      "query_surface_pressure",
      "surface_friction",
      "query_surface_friction",
      "volume_velocity",
    ]);
    expectEntries(
      fields.surface_pressure!,
      [-0.893092, -0.896566, -0.894441, -0.883744, 0.368404, 0.36445, 0.367741, 0.367052],
      5e-6,
    );
    expectEntries(
      fields.surface_friction!.index(0),
      [
        -0.300632, 0.409732, 0.905436, -0.301274, 0.412247, 0.909838, -0.300623, 0.411094, 0.907465, -0.303936,
        0.395443, 0.887376,
      ],
      5e-6,
    );
    expectEntries(fields.query_surface_pressure!, [-0.88642, -0.895674, 0.364194, 0.36789], 5e-6);
    expectEntries(fields.volume_velocity!, [
      1.107215, 0.864249, 0.200944, 1.143506, 0.865829, 0.167017, 1.126809, 0.864996, 0.182469,
      -0.202175, 0.01553, 0.241349, -0.20234, 0.015073, 0.240831, -0.203513, 0.011733, 0.237009,
    ], 5e-6); // prettier-ignore
    expectEntries(
      [Object.values(fields).reduce((sum, field) => sum + Number(field.detach().sum().item()), 0)],
      [6.902997],
      5e-5,
    );
  });
});

describe("UPT", () => {
  it("predicts the channels of the vector", () => {
    const model = new UPT({
      kind: "noether.modeling.models.UPT",
      name: "upt",
      hidden_dim: 32,
      num_heads: 2,
      mlp_expansion_factor: 2,
      approximator_depth: 1,
      use_rope: true,
      supernode_pooling_config: { input_dim: 3, k: 3, spool_pos_mode: "relpos" },
      approximator_config: {},
      decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: {} },
      data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
    } as never);
    expect(fillParameters(model)).toBe(38);
    const y = model.forward({
      surface_position: POSITIONS(),
      surface_position_supernode_idx: SUPERNODES(),
      surface_position_batch_idx: BATCH(),
      query_position: inp(3, [2, 5, 3]),
    });
    expectSum(y, 12.629535, 5e-5);
    expectEntries(y.index(0), [
      -0.293384, 0.149685, 0.576784, 0.784071, -0.073553, 0.231304, 0.478987, 0.556228, -0.397221, 0.124631, 0.64316, 0.90837,
      -0.051659, 0.293234, 0.549689, 0.600012, -0.247793, 0.186437, 0.586144, 0.761314,
    ], 5e-6); // prettier-ignore
  });
});

describe("Transolver", () => {
  it("gives the vector's tokens", () => {
    const model = new Transolver({
      kind: "noether.modeling.models.Transolver",
      name: "transolver",
      hidden_dim: 16,
      depth: 2,
      attention_arguments: { num_slices: 5 },
      transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2 },
    } as never);
    expect(fillParameters(model)).toBe(36);
    const y = model.forward(inp(0, [2, 6, 16]));
    expectSum(y, 11.986189, 5e-5);
    expectEntries(entries(y).slice(0, 4), [0.398217, 0.983342, 0.785992, -0.112336], 5e-6);
    expectEntries(entries(y).slice(-4), [-0.325232, 0.47956, 0.891275, 0.531283], 5e-6);
  });

  it("gives the vector's tokens with the attention of Transolver++ and no noise", () => {
    const attention = new TransolverPlusPlusAttention({ hidden_dim: 16, num_heads: 2, num_slices: 5 });
    expect(fillParameters(attention)).toBe(13);
    const y = attention.eval().forward(inp(0, [2, 6, 16]));
    expectSum(y, -2.007894, 5e-5);
    expectEntries(entries(y).slice(0, 4), [0.149404, 0.102017, 0.040675, -0.026309], 5e-6);
    expectEntries(entries(y).slice(-4), [0.062794, 0.121101, 0.163076, 0.182983], 5e-6);
  });
});
