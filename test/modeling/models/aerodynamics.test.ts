import { Factory } from "../../../lib/config/factory/factory";
import "../../../lib/initializers";
import type { Model } from "../../../lib/core/models";
import { manualSeed, noGrad, rand, scope, type Tensor } from "../../../lib/torch";
import { relativeError } from "../../golden/cases";
import { ints } from "../helpers";

const BLOCK = { num_heads: 2, mlp_expansion_factor: 2 };
const SPECS = {
  position_dim: 3,
  domains: { surface: { output_dims: { pressure: 1 } }, volume: { output_dims: { velocity: 3 } } },
};
const transformer = (options: object = {}) => ({
  kind: "noether.modeling.models.AeroTransformer",
  name: "net",
  hidden_dim: 12,
  depth: 1,
  transformer_block_config: BLOCK,
  data_specs: SPECS,
  ...options,
});
const build = (config: object) => new Factory().create(config as never) as Model;
const points = () => ({ surface_position: rand([1, 4, 3]), volume_position: rand([1, 5, 3]) });
const fieldsOf = (model: Model, inputs: object) => noGrad(() => model.forward(inputs) as Record<string, Tensor>);

describe("fields of the volume", () => {
  it("have channels of their own, which all train; those of the Python framework start at the first", () =>
    scope(() => {
      const model = build(transformer());
      const inputs = points();
      const own = fieldsOf(model, inputs)["volume_velocity"]!;
      const theirs = build(transformer({ volume_channels: "shared" }));
      theirs.loadStateDict(model.stateDict());
      const shared = fieldsOf(theirs, inputs)["volume_velocity"]!;
      expect(relativeError(own.narrow(-1, 0, 2), shared.narrow(-1, 1, 2))).toBeLessThan(1e-6);
      const losses = Object.values(model.forward(inputs) as Record<string, Tensor>).map((field) =>
        field.square().sum(),
      );
      losses.reduce((sum, loss) => sum.add(loss)).backward();
      const out = (model as unknown as { out: { project: { weight: Tensor } } }).out.project.weight.grad!;
      expect(out.abs().sum(1).gt(0).toArray()).toEqual([true, true, true, true]);
    }));

  it.each(["AeroTransformer", "AeroTransolver"])("of %s are read as stored configs without the key say", (name) =>
    scope(() => {
      const config = (more: object = {}) => transformer({ kind: `noether.modeling.models.${name}`, ...more });
      const channels = (stored: object, more: object = {}) => {
        const model = build(config(more)) as Model & { config: { volume_channels: string } };
        model.adoptStoredConfig(stored as Record<string, unknown>);
        return model.config.volume_channels;
      };
      expect(channels(config())).toBe("shared");
      expect(channels(config({ volume_channels: "own" }))).toBe("own");
      expect(channels(config(), { volume_channels: "own" })).toBe("own");
    }),
  );
});

it.each(["AeroTransformer", "AeroTransolver"])("%s: a batch without the points of a domain", (name) =>
  scope(() => {
    const { surface_position } = points();
    const model = build(transformer({ kind: `noether.modeling.models.${name}` }));
    expect(() => model.forward({ surface_position })).toThrow(/expected "volume_position" in the batch/);
  }),
);

it("AeroUPT: a batch without the queries of a domain", () =>
  scope(() => {
    const model = build({
      kind: "noether.modeling.models.AeroUPT",
      name: "net",
      hidden_dim: 12,
      num_heads: 2,
      mlp_expansion_factor: 2,
      approximator_depth: 1,
      use_rope: true,
      supernode_pooling_config: { input_dim: 3, radius: 1 },
      approximator_config: { use_rope: true },
      decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: { use_rope: true } },
      data_specs: SPECS,
    });
    const message = /expected "volume_query_position" in the batch/;
    expect(() => model.forward({ surface_query_position: rand([1, 4, 3]) })).toThrow(message);
  }));

it("features of one domain alone count", () =>
  scope(() => {
    manualSeed(0);
    const domains = {
      surface: { output_dims: { pressure: 1 }, feature_dim: { sdf: 2 } },
      volume: { output_dims: { velocity: 3 } },
    };
    const model = build(transformer({ data_specs: { position_dim: 3, use_physics_features: true, domains } }));
    const inputs = points();
    const without = fieldsOf(model, inputs)["surface_pressure"]!;
    const fields = fieldsOf(model, { ...inputs, surface_features: rand([1, 4, 2]) });
    expect(relativeError(fields["surface_pressure"], without)).toBeGreaterThan(1e-6);
  }));

it("AeroTransolver is Transolver++ where its blocks say so", () =>
  scope(() => {
    const model = build(
      transformer({
        kind: "noether.modeling.models.AeroTransolver",
        attention_arguments: { num_slices: 4 },
        transformer_block_config: { ...BLOCK, attention_constructor: "transolver_plusplus" },
      }),
    );
    expect([...model.stateDict().keys()]).toContain(
      "backbone.blocks.0.attention_block.proj_temperature.0.project.weight",
    );
    expect(Object.keys(fieldsOf(model, points()))).toEqual(["surface_pressure", "volume_velocity"]);
  }));

it("domains other than surface and volume are refused", () => {
  const domains = { ...SPECS.domains, wake: { output_dims: { k: 1 } } };
  expect(() => build(transformer({ data_specs: { position_dim: 3, domains } }))).toThrow('"surface" and "volume" only');
});

describe("AeroABUPT", () => {
  const config = (domains: object) => ({
    kind: "noether.modeling.models.AeroABUPT",
    name: "ab_upt",
    hidden_dim: 12,
    geometry_depth: 1,
    physics_blocks: ["perceiver_untied", "self_untied", "cross"],
    num_domain_decoder_blocks: Object.fromEntries(Object.keys(domains).map((domain) => [domain, 1])),
    supernode_pooling_config: { input_dim: 3, k: 2 },
    transformer_block_config: { ...BLOCK, use_rope: true },
    data_specs: { position_dim: 3, domains, conditioning_dims: { speed: 1 } },
  });
  const geometry = () => ({
    geometry_position: rand([8, 3]),
    geometry_supernode_idx: ints([0, 4]),
    geometry_batch_idx: ints(Array<number>(8).fill(0)),
  });

  it("takes positions and conditions by name, also of domains whose names begin alike", () =>
    scope(() => {
      const model = build(config({ wing: { output_dims: { p: 1 } }, wing_rear: { output_dims: { p: 2 } } }));
      const inputs = {
        ...geometry(),
        wing_anchor_position: rand([1, 4, 3]),
        wing_rear_anchor_position: rand([1, 3, 3]),
        query_wing_rear_position: rand([1, 2, 3]),
        speed: rand([1, 1]),
        something_else: rand([1]),
      };
      const shapes = Object.entries(fieldsOf(model, inputs)).map(([name, { shape }]) => `${name} ${shape.join("x")}`);
      expect(shapes).toEqual(["wing_p 1x4x1", "wing_rear_p 1x3x2", "query_wing_rear_p 1x2x2"]);
      const { speed: _, ...unconditioned } = inputs;
      expect(() => fieldsOf(model, unconditioned)).toThrow("no condition is given");
    }));
});
