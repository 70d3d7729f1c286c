import type { z } from "zod";
import { float, int, list, literal, shared } from "../../../config/schema";
import { AeroDataSpecs } from "../../../core/data-specs/aero-data-specs";
import { totalDim } from "../../../core/data-specs/field-dim-spec";
import { ModelBaseConfig } from "../../../core/models/model-base-config";
import { InitWeightsMode } from "../../functional/init";
import { PerceiverBlockConfig, TransformerBlockConfig, writtenKeys } from "../../modules/blocks";
import { SupernodePoolingConfig } from "../../modules/encoders";
import { register } from "../../../config/registry";

/** Config of {@link AnchoredBranchedUPT}. */
export const AnchorBranchedUPTConfig = ModelBaseConfig.extend("AnchorBranchedUPTConfig", {
  fields: {
    /** Geometry encoder. */
    supernode_pooling_config: shared(SupernodePoolingConfig),
    /** Blocks of geometry, physics and decoders. */
    transformer_block_config: shared(TransformerBlockConfig),
    /** Transformer blocks after the geometry encoder. */
    geometry_depth: int({ ge: 0 }),
    hidden_dim: int({ ge: 1 }),
    /** "perceiver": attend to the geometry; "shared": to the anchors of the same branch; "cross": of the other; "joint": of both. */
    physics_blocks: list(literal("shared", "cross", "joint", "perceiver")),
    num_surface_blocks: int({ ge: 1 }),
    num_volume_blocks: int({ ge: 1 }),
    /** Of blocks and geometry encoder, where they do not say it themselves. */
    init_weights: InitWeightsMode.default("truncnormal002"),
    /** Drop path of all blocks, where transformer_block_config does not say it itself. */
    drop_path_rate: float({ ge: 0, le: 1 }).default(0),
    data_specs: AeroDataSpecs,
    /** Perceiver blocks, where they should differ from transformer_block_config. */
    perceiver_block_config: PerceiverBlockConfig,
  },
  derived: [
    "rope_frequency_config",
    "pos_embed_config",
    "bias_mlp_config",
    "surface_decoder_config",
    "volume_decoder_config",
  ],
  prepare: completeBlocks,
  check(config, report) {
    const { hidden_dim, data_specs, transformer_block_config: block } = config;
    for (const name of ["supernode_pooling_config", "transformer_block_config", "perceiver_block_config"] as const) {
      const found = config[name].hidden_dim;
      if (found !== hidden_dim)
        report(`must be the model's hidden_dim (${hidden_dim}), got ${found}`, name, "hidden_dim");
    }
    if (!block.use_rope)
      report("AB-UPT needs rotary positions: set use_rope: true", "transformer_block_config", "use_rope");
    if (block.attention_constructor !== "dot_product") {
      report(
        `must be "dot_product", got "${block.attention_constructor}"`,
        "transformer_block_config",
        "attention_constructor",
      );
    }
    const conditionDim = totalDim(data_specs.conditioning_dims) || null;
    if (block.condition_dim !== conditionDim) {
      const expected =
        conditionDim === null
          ? "left out, as data_specs has no conditioning_dims"
          : `${conditionDim}, the total of conditioning_dims`;
      report(`must be ${expected}; got ${block.condition_dim}`, "transformer_block_config", "condition_dim");
    }
    if (totalDim(data_specs.volume_output_dims) <= 0)
      report("AB-UPT needs volume outputs", "data_specs", "volume_output_dims");
    if (totalDim(data_specs.surface_output_dims) <= 0)
      report("AB-UPT needs surface outputs", "data_specs", "surface_output_dims");
    if (config.supernode_pooling_config.input_features_dim !== null) {
      report("AB-UPT's geometry has no features", "supernode_pooling_config", "input_features_dim");
    }
  },
});
export type AnchorBranchedUPTConfig = z.output<typeof AnchorBranchedUPTConfig>;

register("noether.core.schemas.models.ab_upt.AnchorBranchedUPTConfig", { schema: AnchorBranchedUPTConfig });

/** Fills in what block configs take from the model: the width of the condition, drop path, and the perceiver blocks as a whole. */
function completeBlocks(raw: Record<string, unknown>): Record<string, unknown> {
  const written = raw["transformer_block_config"];
  const specs = AeroDataSpecs.safeParse(raw["data_specs"]);
  if (typeof written !== "object" || written === null || !specs.success) return raw;
  const block = writtenKeys(written);
  if (raw["drop_path_rate"] !== undefined) block["drop_path"] ??= raw["drop_path_rate"];
  const conditionDim = totalDim(specs.data.conditioning_dims) || null;
  const perceiver = { ...block, condition_dim: conditionDim, ...writtenKeys(raw["perceiver_block_config"] ?? {}) };
  block["condition_dim"] ??= conditionDim;
  return { ...raw, transformer_block_config: block, perceiver_block_config: perceiver };
}
