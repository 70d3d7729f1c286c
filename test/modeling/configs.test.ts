import { readFileSync } from "node:fs";
import { join } from "node:path";
import { validateConfig } from "../../lib/config/schema";
import {
  AnchorBranchedUPTConfig,
  AnchoredBranchedUPT,
  PerceiverBlockConfig,
  Transformer,
  TransformerBlockConfig,
  TransformerConfig,
  Transolver,
  TransolverConfig,
  TransolverPlusPlusConfig,
  UPTConfig,
} from "../../lib/modeling";
import { randn, scope } from "../../lib/torch";

const DATA_SPECS = { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } };
const ABUPT = {
  kind: "noether.modeling.models.AnchoredBranchedUPT",
  name: "ab_upt",
  hidden_dim: 24,
  geometry_depth: 1,
  physics_blocks: ["perceiver", "shared"],
  num_surface_blocks: 1,
  num_volume_blocks: 1,
  supernode_pooling_config: { input_dim: 3, k: 3 },
  transformer_block_config: { num_heads: 2, mlp_expansion_factor: 4, use_rope: true },
  data_specs: DATA_SPECS,
};
const UPT = {
  kind: "noether.modeling.models.UPT",
  name: "upt",
  hidden_dim: 24,
  num_heads: 2,
  mlp_expansion_factor: 4,
  approximator_depth: 1,
  supernode_pooling_config: { input_dim: 3, k: 3 },
  approximator_config: {},
  decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: {} },
  data_specs: DATA_SPECS,
};
const TRANSOLVER = {
  kind: "noether.modeling.models.Transolver",
  name: "transolver",
  hidden_dim: 16,
  depth: 1,
  transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2 },
};

type Input = Record<string, unknown>;
const abUpt = (changes: Input = {}, block: Input = {}) =>
  validateConfig(AnchorBranchedUPTConfig, {
    ...ABUPT,
    transformer_block_config: { ...ABUPT.transformer_block_config, ...block },
    ...changes,
  });
const upt = (changes: Input = {}) => validateConfig(UPTConfig, { ...UPT, ...changes });
const block = (changes: Input) =>
  validateConfig(TransformerBlockConfig, { hidden_dim: 16, num_heads: 2, mlp_expansion_factor: 4, ...changes });

describe("values that a model hands down", () => {
  it("reach the parts of AB-UPT", () => {
    const config = abUpt({ init_weights: "torch" });
    expect(config.supernode_pooling_config).toMatchObject({ hidden_dim: 24, init_weights: "torch" });
    expect(config.transformer_block_config).toMatchObject({ hidden_dim: 24, init_weights: "torch" });
  });

  it("reach the parts of UPT, two levels deep", () => {
    const shared = { hidden_dim: 24, num_heads: 2, mlp_expansion_factor: 4, use_rope: true };
    const config = upt({ use_rope: true });
    expect(config.supernode_pooling_config.hidden_dim).toBe(24);
    expect(config.approximator_config).toMatchObject(shared);
    expect(config.decoder_config.perceiver_block_config).toMatchObject(shared);
  });

  it("leave explicit values alone", () => {
    const config = upt({
      decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: { mlp_expansion_factor: 2 } },
    });
    expect(config.decoder_config.perceiver_block_config.mlp_expansion_factor).toBe(2);
  });

  it("do not come from defaults", () => {
    expect(
      abUpt({ supernode_pooling_config: { input_dim: 3, k: 3, init_weights: "torch" } }).supernode_pooling_config!
        .init_weights,
    ).toBe("torch");
  });

  it("leave the caller's objects alone", () => {
    const before = JSON.stringify(ABUPT);
    abUpt();
    expect(JSON.stringify(ABUPT)).toBe(before);
  });
});

describe("TransformerBlockConfig", () => {
  it("fills in the width of the MLP; an explicit width wins", () => {
    expect(block({}).mlp_hidden_dim).toBe(64);
    expect(block({ mlp_hidden_dim: 40 }).mlp_hidden_dim).toBe(40);
  });

  it.each([
    [{ hidden_dim: 15 }, "must be divisible by num_heads"],
    [{ hidden_dim: 0 }, "hidden_dim"],
    [{ mlp_expansion_factor: null }, "one of mlp_hidden_dim and mlp_expansion_factor"],
    [{ mlp_expansion_factor: 1 }, "must be wider than hidden_dim"],
    [{ dropout: 0.1 }, "dropout"],
    [{ normalization_constructor: "rms" }, "normalization_constructor"],
    [{ condition_dim: 4, bias: false }, "needs bias"],
    [{ attention_arguments: { bias: false } }, "set bias in the block itself"],
    [{ attention_arguments: { num_slices: 4 } }, "num_slices"],
    [{ attention_constructor: "transolver", use_rope: true }, "no rotary positions"],
  ])("refuses %j", (changes, message) => {
    expect(() => block(changes)).toThrow(message);
  });

  it("passes arguments to the attention", () => {
    expect(block({ attention_arguments: { dropout: 0.1 } }).attention_arguments).toEqual({ dropout: 0.1 });
  });

  it("drops the sub-configs that stored configs derive from the fields", () => {
    expect(block({ up_act_down_mlp_config: { input_dim: 16 }, layerscale_config: null })).toEqual(block({}));
  });
});

describe("PerceiverBlockConfig", () => {
  const perceiver = (changes: Input) =>
    validateConfig(PerceiverBlockConfig, { hidden_dim: 16, num_heads: 2, mlp_expansion_factor: 4, ...changes });

  it("attends to tokens of its own width by default", () => {
    expect(perceiver({}).kv_dim).toBe(16);
    expect(perceiver({ kv_dim: 8 }).kv_dim).toBe(8);
  });

  it("takes another width together with a condition", () => {
    expect(perceiver({ kv_dim: 8, condition_dim: 4 }).kv_dim).toBe(8);
    expect(perceiver({ condition_dim: 4 }).kv_dim).toBe(16);
  });
});

describe("AnchorBranchedUPTConfig", () => {
  it("hands all of the block's fields to perceiver blocks", () => {
    const fields = { layerscale: 0.5, drop_path: 0.1, eps: 1e-5, mlp_hidden_dim: 50, init_weights: "torch" };
    expect(abUpt({}, fields).perceiver_block_config).toMatchObject(fields);
  });

  it("lets perceiver blocks differ, as those of stored configs of the Python framework do", () => {
    const config = abUpt({ perceiver_block_config: { layerscale: null } }, { layerscale: 0.5 });
    expect([config.transformer_block_config.layerscale, config.perceiver_block_config.layerscale]).toEqual([0.5, null]);
  });

  it("takes drop_path_rate where the block says nothing", () => {
    expect(abUpt({ drop_path_rate: 0.2 }).transformer_block_config.drop_path).toBe(0.2);
    expect(abUpt({ drop_path_rate: 0.2 }, { drop_path: 0 }).transformer_block_config.drop_path).toBe(0);
  });

  it("sets the width of the condition", () => {
    const data_specs = { ...DATA_SPECS, conditioning_dims: { a: 5, b: 2 } };
    const config = abUpt({ data_specs });
    expect([config.transformer_block_config.condition_dim, config.perceiver_block_config.condition_dim]).toEqual([
      7, 7,
    ]);
  });

  it("passes attention arguments to physics and decoder blocks", () =>
    scope(() => {
      const model = new AnchoredBranchedUPT(abUpt({}, { attention_arguments: { dropout: 0.3 } }));
      const dropouts = model
        .modules()
        .map((module) => (module as unknown as { config?: { dropout?: number } }).config?.dropout);
      expect(new Set(dropouts.filter((dropout) => dropout !== undefined))).toEqual(new Set([0.3]));
    }));

  it("parses what it gave, and a stored config of the Python framework", () => {
    const config = abUpt();
    expect(validateConfig(AnchorBranchedUPTConfig, JSON.parse(JSON.stringify(config)))).toEqual(config);
    const stored = {
      ...(JSON.parse(JSON.stringify(config)) as Input),
      rope_frequency_config: {},
      pos_embed_config: {},
      bias_mlp_config: {},
      surface_decoder_config: {},
      volume_decoder_config: null,
    };
    expect(validateConfig(AnchorBranchedUPTConfig, stored)).toEqual(config);
  });

  it.each<[Input, Input, string]>([
    [{}, { use_rope: false }, "needs rotary positions"],
    [{}, { hidden_dim: 48 }, "must be the model's hidden_dim (24), got 48"],
    [{}, { condition_dim: 3 }, "condition_dim"],
    [{}, { attention_constructor: "transolver", use_rope: true }, "rotary"],
    [{ data_specs: { position_dim: 3 } }, {}, "at least one domain"],
    [{ data_specs: { ...DATA_SPECS, volume_output_dims: {} } }, {}, "needs outputs"],
    [{ data_specs: { position_dim: 3, surface_output_dims: { p: 1 } }, physics_blocks: ["cross"] }, {}, "two domains"],
    [{ num_surface_blocks: undefined }, {}, "num_domain_decoder_blocks"],
    [{ num_domain_decoder_blocks: { surface: 1 } }, {}, "num_surface_blocks"],
    [{ supernode_pooling_config: null }, {}, "need its encoder"],
    [{ supernode_pooling_config: { input_dim: 3, k: 3, input_features_dim: 2 } }, {}, "has no features"],
    [{ physics_blocks: ["own"] }, {}, "physics_blocks"],
    [{ num_blocks: 3 }, {}, "num_blocks"],
  ])("refuses %j with block %j", (changes, blockChanges, message) => {
    expect(() => abUpt(changes, blockChanges)).toThrow(message);
  });
});

describe("UPTConfig", () => {
  it.each<[Input, string]>([
    [{ use_rope: true, approximator_config: { use_rope: false } }, "must be the model's use_rope (true)"],
    [{ use_rope: false, approximator_config: { use_rope: true } }, "must be the model's use_rope (false)"],
    [{ use_rope: true, approximator_config: { num_heads: 4 } }, "must be the model's num_heads (2)"],
    [{ num_heads: 5 }, "must be divisible by num_heads"],
    [{ supernode_pooling_config: { input_dim: 3, k: 3, hidden_dim: 48 } }, "must be the model's hidden_dim"],
    [{ bias_layers: true }, "trainable models"],
  ])("refuses %j", (changes, message) => {
    expect(() => upt(changes)).toThrow(message);
  });
});

describe("TransolverConfig", () => {
  const constructorOf = (config: Input) =>
    validateConfig(TransolverConfig, { ...TRANSOLVER, ...config }).transformer_block_config;

  it("gives the blocks physics attention by default", () => {
    expect(constructorOf({})).toMatchObject({
      attention_constructor: "transolver",
      attention_arguments: { num_slices: 512 },
    });
    expect(constructorOf({ attention_arguments: { num_slices: 8 } })).toMatchObject({
      attention_arguments: { num_slices: 8 },
    });
  });

  it("keeps dot-product attention where a stored config names it", () => {
    const stored = {
      attention_arguments: { num_slices: 512 },
      transformer_block_config: {
        ...TRANSOLVER.transformer_block_config,
        attention_constructor: "dot_product",
        attention_arguments: { num_slices: 512 },
      },
    };
    expect(constructorOf(stored)).toMatchObject({ attention_constructor: "dot_product", attention_arguments: {} });
    const keys = [...new Transolver({ ...TRANSOLVER, ...stored } as never).stateDict().keys()];
    expect(keys).toContain("blocks.0.attention_block.q.weight");
  });

  it("takes built block configs whose attention was not named", () => {
    expect(constructorOf({ transformer_block_config: block({}) })).toMatchObject({
      attention_constructor: "transolver",
    });
  });

  it("of Transolver++ gives the blocks its attention", () => {
    const config = validateConfig(TransolverPlusPlusConfig, { ...TRANSOLVER, name: "transolver_plusplus" });
    expect(config.transformer_block_config.attention_constructor).toBe("transolver_plusplus");
    expect(constructorOf({ name: "transolver_plusplus" }).attention_constructor).toBe("transolver_plusplus");
  });

  it.each(["transolver", "transolver_plusplus"])("builds trunks that keep shapes (%s)", (attention_constructor) =>
    scope(() => {
      const config = {
        ...TRANSOLVER,
        hidden_dim: 3,
        depth: 2,
        attention_constructor,
        transformer_block_config: { num_heads: 1, mlp_expansion_factor: 4 },
      };
      const model = new Transolver(config as never);
      for (const shape of [[4, 10, 3], [3, 7, 3]]) expect(model.forward(randn(shape)).shape).toEqual(shape); // prettier-ignore
    }),
  );
});

describe("TransformerConfig", () => {
  it("refuses blocks of another width and keys at the wrong place", () => {
    const config = { kind: "noether.modeling.models.Transformer", name: "t", hidden_dim: 16, depth: 1 };
    const transformer_block_config = { num_heads: 2, mlp_expansion_factor: 2 };
    expect(() =>
      validateConfig(TransformerConfig, {
        ...config,
        transformer_block_config: { ...transformer_block_config, hidden_dim: 8 },
      }),
    ).toThrow("must be the model's hidden_dim");
    expect(() => validateConfig(TransformerConfig, { ...config, num_heads: 2, transformer_block_config })).toThrow(
      "num_heads",
    );
    expect(new Transformer({ ...config, transformer_block_config } as never).blocks).toHaveLength(1);
  });
});

it("the golden training run's config is read", () => {
  const trace = JSON.parse(readFileSync(join(__dirname, "..", "golden", "training", "trace.json"), "utf8")) as {
    model_config: Input;
  };
  const { optimizer_config: _, ...config } = trace.model_config;
  expect(validateConfig(AnchorBranchedUPTConfig, config).transformer_block_config.hidden_dim).toBe(32);
});
