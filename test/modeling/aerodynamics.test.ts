import { Factory } from "../../lib/config/factory/factory";
import "../../lib/initializers";
import { ModelDataSpecs } from "../../lib/core";
import { oldKeys, toRelease11State } from "../../lib/core/release-1.1";
import { aerodynamics } from "../../lib/modeling";
import { manualSeed, ones, rand, scope, zeros } from "../../lib/torch";
import type { nn, Tensor } from "../../lib/torch";
import { CONFIGURATIONS } from "./configurations";
import { ints } from "./helpers";

const build = (config: Record<string, unknown>) => new Factory().create(config) as nn.Module;

describe("reference configurations", () => {
  it.each(CONFIGURATIONS)(
    "%s has the parameters of the specification",
    (_, config, parameters, tensors, buffers, bufferEntries) =>
      scope(() => {
        const model = build(config);
        const inRelease11 = oldKeys(model.namedParameters().map(([name]) => name));
        expect([model.numParameters(), inRelease11.length]).toEqual([parameters, tensors]);
        expect(model.buffers()).toHaveLength(buffers);
        expect(model.buffers().reduce((sum, buffer) => sum + buffer.numel(), 0)).toBe(bufferEntries);
      }),
  );

  it("have the state-dict keys of release 1.1 in its form, in order", () =>
    scope(() => {
      const state = toRelease11State(build(CONFIGURATIONS[0]![1]).stateDict());
      const keys = [...state].map(([name, value]) => `${name} ${value.shape.join("x")}`);
      expect(keys.slice(0, 8)).toEqual([
        "pos_embed.omega 32",
        "pos_embed.padding_tensor 0",
        "ab_upt.rope.omega 10",
        "ab_upt.pos_embed.omega 32",
        "ab_upt.pos_embed.padding_tensor 0",
        "ab_upt.encoder.pos_embed.omega 32",
        "ab_upt.encoder.pos_embed.padding_tensor 0",
        "ab_upt.encoder.message.0.project.weight 192x384",
      ]);
      expect(keys.slice(-4)).toEqual([
        "ab_upt.surface_decoder.project.weight 1x192",
        "ab_upt.surface_decoder.project.bias 1",
        "ab_upt.volume_decoder.project.weight 3x192",
        "ab_upt.volume_decoder.project.bias 3",
      ]);
    }));

  it("have the misspelt and the early keys of the Python framework", () =>
    scope(() => {
      const keys = (name: string) => [
        ...build(CONFIGURATIONS.find(([title]) => title === name)![1])
          .stateDict()
          .keys(),
      ];
      expect(keys("ShapeNet-Car Transformer")).toContain("transfomer_backbone.blocks.0.attention_block.q.weight");
      expect(keys("ShapeNet-Car Transolver")[0]).toBe("placeholder");
      expect(keys("ShapeNet-Car Transolver")).toContain(
        "transolver_backbone.blocks.11.attention_block.in_project_slice.project.weight",
      );
      expect(keys("ShapeNet-Car CompositeTransformer")).toEqual(
        expect.arrayContaining([
          "rope.omega",
          "low_level_blocks.surface_bias.2.project.weight",
          "high_level_blocks.output_projection.project.bias",
        ]),
      );
    }));
});

/** A small model of each kind. */
const SMALL = {
  data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
  hidden_dim: 24,
};
const BLOCK = { num_heads: 2, mlp_expansion_factor: 2 };
const POINTS = () => ({ surface_position: rand([1, 6, 3]), volume_position: rand([1, 5, 3]) });
const MODELS: readonly [string, Record<string, unknown>, () => Record<string, Tensor>][] = [
  [
    "tutorial.model.ABUPT",
    {
      ...SMALL,
      name: "ab_upt",
      use_bias_layers: false,
      geometry_depth: 1,
      physics_blocks: ["perceiver", "shared", "cross"],
      num_surface_blocks: 1,
      num_volume_blocks: 1,
      supernode_pooling_config: { input_dim: 3, k: 3 },
      transformer_block_config: { ...BLOCK, use_rope: true },
    },
    () => ({
      geometry_position: rand([8, 3]),
      geometry_supernode_idx: ints([0, 4]),
      geometry_batch_idx: zeros([8], { dtype: "int64" }),
      surface_anchor_position: rand([1, 6, 3]),
      volume_anchor_position: rand([1, 5, 3]),
    }),
  ],
  [
    "tutorial.model.UPT",
    {
      ...SMALL,
      ...BLOCK,
      name: "upt",
      approximator_depth: 1,
      use_rope: true,
      supernode_pooling_config: { input_dim: 3, k: 3 },
      approximator_config: {},
      decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: {} },
    },
    () => ({
      surface_position: rand([8, 3]),
      surface_position_supernode_idx: ints([0, 4]),
      surface_position_batch_idx: zeros([8], { dtype: "int64" }),
      surface_query_position: rand([1, 6, 3]),
      volume_query_position: rand([1, 5, 3]),
    }),
  ],
  [
    "tutorial.model.Transformer",
    {
      ...SMALL,
      name: "transformer",
      depth: 1,
      use_output_projection: true,
      transformer_block_config: { ...BLOCK, use_rope: true },
    },
    POINTS,
  ],
  [
    "tutorial.model.Transolver",
    {
      ...SMALL,
      name: "transolver",
      depth: 1,
      use_output_projection: true,
      attention_arguments: { num_slices: 4 },
      transformer_block_config: BLOCK,
    },
    POINTS,
  ],
  [
    "tutorial.model.Transolver",
    {
      ...SMALL,
      name: "transolver_plusplus",
      depth: 1,
      use_output_projection: true,
      attention_arguments: { num_slices: 4 },
      transformer_block_config: BLOCK,
    },
    POINTS,
  ],
  [
    "tutorial.model.CompositeTransformer",
    {
      ...SMALL,
      ...BLOCK,
      name: "composite_transformer",
      low_level_blocks: { depth: 1, projection_bias: true, transformer_config: {} },
      high_level_blocks: { depth: 1, use_output_projection: true, output_dim: 4, transformer_config: {} },
    },
    POINTS,
  ],
];

describe("trainable models", () => {
  it.each(MODELS)("%s predicts fields and trains every parameter", (kind, config, inputs) =>
    scope(() => {
      manualSeed(0);
      const model = build({ kind, ...config });
      const fields = model.forward(inputs()) as Record<string, Tensor>;
      expect(Object.entries(fields).map(([name, { shape }]) => [name, ...shape])).toEqual([
        ["surface_pressure", 1, 6, 1],
        ["volume_velocity", 1, 5, 3],
      ]);
      const losses = aerodynamics.aerodynamicsLosses(
        fields,
        { surface_pressure_target: ones([1, 6, 1]), volume_velocity_target: ones([1, 5, 3]) },
        ["surface_pressure_target", "volume_velocity_target"],
        aerodynamics.AerodynamicsLossWeights.create({}),
      );
      Object.values(losses)
        .reduce((sum, loss) => sum.add(loss))
        .backward();
      const untrained = model.namedParameters().filter(([, parameter]) => parameter.grad === null);
      expect(untrained.map(([name]) => name)).toEqual([]);
    }),
  );

  it("take physics features", () =>
    scope(() => {
      const data_specs = {
        ...SMALL.data_specs,
        use_physics_features: true,
        surface_feature_dim: { surface_sdf: 1, surface_normals: 3 },
        volume_feature_dim: { volume_sdf: 1 },
      };
      const [, config, inputs] = MODELS[1]!;
      const upt = build({ kind: "tutorial.model.UPT", ...config, data_specs });
      const fields = upt.forward({
        ...inputs(),
        surface_features: rand([1, 8, 4]),
        surface_query_features: rand([1, 6, 4]),
        volume_query_features: rand([1, 5, 1]),
      }) as Record<string, Tensor>;
      expect(fields["surface_pressure"]!.shape).toEqual([1, 6, 1]);
      expect(() => upt.forward(inputs())).toThrow("features must be given exactly when");
    }));
});

describe("CompositeTransformer", () => {
  // as the Python framework ships it: the layers before and after the blocks are not in the config
  const part = (depth: number, lr: number) => ({
    depth,
    optimizer_config: { kind: "torch.optim.AdamW", lr, weight_decay: 0.05, clip_grad_norm: 1 },
  });
  const shipped = {
    kind: "tutorial.model.CompositeTransformer",
    name: "composite_transformer",
    hidden_dim: 192,
    num_heads: 3,
    mlp_expansion_factor: 4,
    use_rope: true,
    low_level_blocks: part(6, 1e-4),
    high_level_blocks: part(4, 1e-3),
    data_specs: SMALL.data_specs,
    forward_properties: ["surface_position", "volume_position"],
  };

  it("takes the config that the Python framework ships", () =>
    scope(() => {
      const model = build(shipped);
      expect([model.numParameters(), oldKeys(model.namedParameters().map(([name]) => name)).length]).toEqual([
        4_598_020, 132,
      ]);
      const keys = [...model.stateDict().keys()];
      expect(keys).toContain("low_level_blocks.surface_bias.2.project.weight");
      expect(keys).not.toContain("high_level_blocks.surface_bias.2.project.weight");
      expect(model.stateDict().get("high_level_blocks.output_projection.project.weight")!.shape).toEqual([4, 192]);
    }));

  const parse = (config: object) => aerodynamics.CompositeTransformerConfig.parse({ ...shipped, ...config });

  it("has as many output channels as its data specs say", () => {
    const volume_output_dims = { velocity: 3, pressure: 1 };
    expect(parse({ data_specs: { ...SMALL.data_specs, volume_output_dims } }).high_level_blocks.output_dim).toBe(5);
  });

  it("keeps what a part says itself", () => {
    const config = parse({
      low_level_blocks: { ...part(1, 1), projection_bias: false, name: "low" },
      high_level_blocks: { ...part(1, 1), output_dim: 6, transformer_config: { mlp_expansion_factor: 2 } },
    });
    expect(config.low_level_blocks).toMatchObject({ name: "low", projection_bias: false });
    expect(config.high_level_blocks).toMatchObject({ output_dim: 6, transformer_config: { mlp_expansion_factor: 2 } });
    expect(() => parse({ high_level_blocks: { ...part(1, 1), use_output_projection: false } })).toThrow("must be true");
    expect(() => parse({ low_level_blocks: { ...part(1, 1), transformer_config: 5 } })).toThrow("a mapping");
  });

  it("hands its parts the size of the blocks and nothing else", () => {
    const { low_level_blocks, high_level_blocks } = parse({
      initializers: [
        { kind: "noether.core.initializers.PreviousRunInitializer", run_id: "old", checkpoint_tag: "latest" },
      ],
      is_frozen: true,
      optimizer_config: { kind: "torch.optim.SGD", lr: 1 },
      high_level_blocks: { depth: 4 },
    });
    expect(low_level_blocks.optimizer_config).toMatchObject({ kind: "torch.optim.AdamW" });
    expect(high_level_blocks).toMatchObject({
      kind: "tutorial.models.composite_components.CompositeTransformerBlockModel",
      name: "high_level_blocks",
      initializers: null,
      is_frozen: false,
      forward_properties: [],
      optimizer_config: null,
      use_rope: true,
      transformer_config: { hidden_dim: 192, num_heads: 3, mlp_expansion_factor: 4, use_rope: true },
    });
  });
});

describe("outputFields", () => {
  const specs = (surface: Record<string, number>, volume: Record<string, number>) =>
    aerodynamics
      .outputFields(
        ModelDataSpecs.create({
          position_dim: 3,
          domains: { surface: { output_dims: surface }, volume: { output_dims: volume } },
        }),
      )
      .map(({ name, start, dim }) => [name, start, dim]);

  it("gives the usual fields fixed channels, whatever their order in the data specs", () => {
    expect(specs({ friction: 3, pressure: 1 }, { vorticity: 3, velocity: 3, pressure: 1 })).toEqual([
      ["surface_pressure", 0, 1],
      ["volume_velocity", 1, 3],
      ["surface_friction", 4, 3],
      ["volume_pressure", 7, 1],
      ["volume_vorticity", 8, 3],
    ]);
  });

  it("lays other fields out in the order of the data specs", () => {
    expect(specs({ heat_flux: 1 }, { temperature: 1, velocity: 2 })).toEqual([
      ["surface_heat_flux", 0, 1],
      ["volume_temperature", 1, 1],
      ["volume_velocity", 2, 2],
    ]);
  });
});

describe("aerodynamicsLosses", () => {
  const weights = aerodynamics.AerodynamicsLossWeights.create({
    volume_weight: 2,
    volume_velocity_weight: 3,
    surface_pressure_weight: 0,
  });
  const outputs = () => ({
    surface_pressure: ones([1, 2, 1]),
    volume_velocity: ones([1, 2, 3]),
    query_surface_pressure: ones([1, 2, 1]),
  });

  it("weighs fields and groups and leaves out what has no weight", () => {
    const losses = aerodynamics.aerodynamicsLosses(
      outputs(),
      { volume_velocity_target: zeros([1, 2, 3]) },
      ["surface_pressure_target", "volume_velocity_target"],
      weights,
    );
    expect(Object.entries(losses).map(([name, loss]) => [name, loss.item()])).toEqual([["volume_velocity_loss", 6]]);
  });

  it.each([
    ["an unknown target", {}, ["wheel_target"], "wheel_target"],
    ["a missing target", {}, ["volume_velocity_target"], "volume_velocity_target"],
    ["no loss at all", {}, ["surface_pressure_target"], "no loss"],
  ])("refuses %s", (_, targets, properties, message) => {
    expect(() => aerodynamics.aerodynamicsLosses(outputs(), targets, properties, weights)).toThrow(message);
  });
});

describe("domains that a model of the tutorial does not have", () => {
  const models = CONFIGURATIONS.map(([, config]) => config).filter(
    ({ kind }) => /^tutorial\./.test(String(kind)) && !String(kind).endsWith("ABUPT"),
  );
  it("are tried on every such model", () => {
    const names = new Set(models.map(({ kind }) => String(kind).split(".").at(-1)));
    expect([...names]).toEqual(expect.arrayContaining(["UPT", "Transformer", "Transolver"]));
  });
  it.each(models.map((config) => [String(config["name"]), config] as const))("%s refuses them", (_, config) => {
    const data_specs = {
      position_dim: 3,
      domains: {
        surface: { output_dims: { pressure: 1 } },
        volume: { output_dims: { velocity: 3 } },
        wheels: { output_dims: { pressure: 1 } },
      },
    };
    expect(() => build({ ...config, data_specs })).toThrow(
      /data_specs.domains: this model predicts the domains surface and volume only, received also wheels/,
    );
  });
});
