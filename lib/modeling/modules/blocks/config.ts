import type { z } from "zod";
import {
  any,
  bool,
  defineConfig,
  float,
  int,
  isGiven,
  literal,
  mapping,
  optional,
  type Report,
  type FieldType,
  zodType,
} from "../../../config/schema";
import { InitWeightsMode } from "../../functional/init";
import { ATTENTION_NAMES, ATTENTION_REGISTRY } from "../attention/registry";

/** The part of a block config that the attention is built from. */
interface AttentionFields {
  readonly hidden_dim: number;
  readonly num_heads: number;
  readonly use_rope: boolean;
  readonly bias: boolean;
  readonly init_weights: InitWeightsMode;
  readonly attention_arguments: Readonly<Record<string, unknown>>;
}

/** Config of {@link TransformerBlock}. */
export const TransformerBlockConfig = defineConfig("TransformerBlockConfig", {
  extra: "forbid",
  fields: {
    /** Channels of the tokens. */
    hidden_dim: int({ ge: 1 }),
    /** Of the attention; they divide `hidden_dim`. */
    num_heads: int({ ge: 1 }),
    /** Channels of the MLP's hidden layer; null: hidden_dim · mlp_expansion_factor. */
    mlp_hidden_dim: optional(int({ ge: 1 })),
    /** Channels of the hidden layer over `hidden_dim`; this or `mlp_hidden_dim`. */
    mlp_expansion_factor: optional(int({ ge: 1 })),
    /** Probability that a sample skips a residual branch in training. */
    drop_path: float({ ge: 0, le: 1 }).default(0),
    /** Which attention the block has. */
    attention_constructor: literal(...ATTENTION_NAMES).default("dot_product"),
    /** Initial scale per channel of each residual branch; null: no scale. */
    layerscale: optional(float({ ge: 0 })),
    /** Width of the condition that modulates the block; null: no modulation. */
    condition_dim: optional(int({ ge: 1 })),
    /** Biases of norms, attention and MLP. */
    bias: bool().default(true),
    /** Added to the variance in layer norms. */
    eps: float({ gt: 0 }).default(1e-6),
    /** How weights are drawn. */
    init_weights: InitWeightsMode.default("truncnormal002"),
    /** Rotary positions; the forward then needs frequencies. */
    use_rope: bool().default(false),
    /** Longest wavelength of rotary positions and of the position embedding of models with such blocks. */
    max_wavelength: int({ ge: 1 }).nullable().default(10000),
    /** Further fields of the attention's config, e.g. `dropout`, `num_slices`. */
    attention_arguments: mapping(any()).default({}),
  },
  derived: [
    "linear_projection_config",
    "layerscale_config",
    "drop_path_config",
    "modulation_linear_projection_config",
    "up_act_down_mlp_config",
  ],
  check(config, report) {
    const { hidden_dim, num_heads, attention_constructor, condition_dim, bias, use_rope } = config;
    if (hidden_dim % num_heads !== 0) {
      report(`hidden_dim (${hidden_dim}) must be divisible by num_heads (${num_heads})`, "hidden_dim");
    }
    if (config.mlp_hidden_dim === null && config.mlp_expansion_factor === null) {
      report("one of mlp_hidden_dim and mlp_expansion_factor is required", "mlp_expansion_factor");
    } else {
      config.mlp_hidden_dim ??= hidden_dim * config.mlp_expansion_factor!;
      if (config.mlp_hidden_dim <= hidden_dim) {
        report(
          `the MLP's hidden layer (${config.mlp_hidden_dim}) must be wider than hidden_dim (${hidden_dim})`,
          "mlp_hidden_dim",
        );
      }
    }
    if (condition_dim !== null && !bias) report("conditioning (condition_dim) needs bias: true", "bias");
    if (use_rope && config.max_wavelength === null) report("use_rope needs it", "max_wavelength");
    if (use_rope && !ATTENTION_REGISTRY[attention_constructor].hasRope) {
      report(`${attention_constructor} attention has no rotary positions; remove use_rope`, "use_rope");
    }
    checkAttentionArguments(config, report);
  },
});
export type TransformerBlockConfig = z.output<typeof TransformerBlockConfig>;

/** Config of {@link PerceiverBlock}. */
export const PerceiverBlockConfig = TransformerBlockConfig.extend("PerceiverBlockConfig", {
  fields: {
    /** Channels of the tokens that are attended to; null: hidden_dim. */
    kv_dim: optional(int({ ge: 1 })),
  },
  derived: ["perceiver_attention_config"],
  check(config) {
    config.kv_dim ??= config.hidden_dim;
  },
});
export type PerceiverBlockConfig = z.output<typeof PerceiverBlockConfig>;

/** What was written in a block config, as opposed to filled in by defaults. */
export function writtenKeys(config: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => isGiven(config, key)));
}

/** The attention's config: what it shares with the block, and its own arguments. */
export function attentionConfig(
  block: AttentionFields,
): Record<string, unknown> & Omit<AttentionFields, "attention_arguments"> {
  const { hidden_dim, num_heads, use_rope, bias, init_weights, attention_arguments } = block;
  return { ...attention_arguments, hidden_dim, num_heads, use_rope, bias, init_weights };
}

/** Reports arguments that the attention does not know, or that are fields of the block itself. */
function checkAttentionArguments(
  config: AttentionFields & { attention_constructor: keyof typeof ATTENTION_REGISTRY },
  report: Report,
): void {
  for (const key of Object.keys(config.attention_arguments)) {
    if (key in TransformerBlockConfig.fields) report(`set ${key} in the block itself`, "attention_arguments", key);
  }
  if (config.hidden_dim % config.num_heads !== 0) return;
  const { config: schema } = ATTENTION_REGISTRY[config.attention_constructor];
  const result = zodType(schema as FieldType).safeParse(attentionConfig(config));
  for (const { message, path } of result.error?.issues ?? []) report(message, "attention_arguments", ...path);
}
