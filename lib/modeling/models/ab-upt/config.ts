import type { z } from "zod";
import { inCurrentForm } from "../../../config/migration";
import { register } from "../../../config/registry";
import { float, int, list, literal, mapping, optional, shared } from "../../../config/schema";
import { totalDim } from "../../../core/data-specs/field-dim-spec";
import { ModelDataSpecs } from "../../../core/data-specs/model-data-specs";
import { ModelBaseConfig } from "../../../core/models/model-base-config";
import { InitWeightsMode } from "../../functional/init";
import { PerceiverBlockConfig, TransformerBlockConfig, writtenKeys } from "../../modules/blocks";
import { SupernodePoolingConfig } from "../../modules/encoders";
import { SquareWeights } from "../../modules/untied/linear";

/** What the points of a physics block attend to, and whether each domain has weights of its own. */
export const PhysicsBlock = literal(
  "self",
  "cross",
  "joint",
  "perceiver",
  "self_untied",
  "cross_untied",
  "joint_untied",
  "perceiver_untied",
);
export type PhysicsBlock = z.output<typeof PhysicsBlock>;

/** Config of {@link AnchoredBranchedUPT}. */
export const AnchorBranchedUPTConfig = ModelBaseConfig.extend("AnchorBranchedUPTConfig", {
  fields: {
    /** Geometry encoder; needed exactly by perceiver blocks. */
    supernode_pooling_config: optional(shared(SupernodePoolingConfig)),
    /** Blocks of geometry, physics and decoders. */
    transformer_block_config: shared(TransformerBlockConfig),
    /** Transformer blocks behind the geometry encoder. */
    geometry_depth: int({ ge: 0 }),
    /** Channels of a token. */
    hidden_dim: int({ ge: 1 }),
    /**
     * "perceiver": attend to the geometry; "self": to the anchors of the same domain; "cross": of the others; "joint": of all. With
     * "_untied", each domain has weights of its own for attention and MLP.
     */
    physics_blocks: list(PhysicsBlock),
    /** Decoder blocks of each domain, `{ surface: 2, volume: 2 }`; names of other domains have no effect, so that data sets can share it. */
    num_domain_decoder_blocks: mapping(int({ ge: 0 })),
    /** Of blocks and geometry encoder, where they do not say it themselves. */
    init_weights: InitWeightsMode.default("truncnormal002"),
    /** Drop path of all blocks, where transformer_block_config does not say it itself. */
    drop_path_rate: float({ ge: 0, le: 1 }).default(0),
    /** Fields that are predicted, and positions and features that are given. */
    data_specs: ModelDataSpecs,
    /** Perceiver blocks, where they are to differ from transformer_block_config. */
    perceiver_block_config: PerceiverBlockConfig,
    /** How untied blocks multiply with square weights. */
    untied_square_weights: SquareWeights.default("consistent"),
  },
  derived: [
    "rope_frequency_config",
    "pos_embed_config",
    "bias_mlp_config",
    "surface_decoder_config",
    "volume_decoder_config",
    "domain_decoder_configs",
  ],
  migrate: inCurrentForm,
  prepare: completeBlocks,
  check(config, report) {
    const { hidden_dim, data_specs, transformer_block_config: block, supernode_pooling_config: pooling } = config;
    for (const name of ["supernode_pooling_config", "transformer_block_config", "perceiver_block_config"] as const) {
      const found = config[name]?.hidden_dim ?? hidden_dim;
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
    const domains = Object.entries(data_specs.domains);
    if (domains.length === 0) report("AB-UPT needs at least one domain", "data_specs", "domains");
    for (const [domain, { output_dims }] of domains) {
      if (totalDim(output_dims) <= 0) report("AB-UPT needs outputs", "data_specs", "domains", domain, "output_dims");
      if (config.num_domain_decoder_blocks[domain] === undefined)
        report("missing: the number of decoder blocks of this domain", "num_domain_decoder_blocks", domain);
    }
    const between = config.physics_blocks.findIndex((kind) => /^(cross|joint)/.test(kind));
    if (domains.length === 1 && between >= 0)
      report(`"${config.physics_blocks[between]}" needs at least two domains`, "physics_blocks", between);
    const perceiver = config.physics_blocks.find((kind) => kind.startsWith("perceiver"));
    if (perceiver !== undefined && pooling === null)
      report(`"${perceiver}" blocks attend to the geometry, so they need its encoder`, "supernode_pooling_config");
    if (pooling !== null && pooling.input_features_dim !== null)
      report("AB-UPT's geometry has no features", "supernode_pooling_config", "input_features_dim");
  },
});
export type AnchorBranchedUPTConfig = z.output<typeof AnchorBranchedUPTConfig>;

register("noether.core.schemas.models.ab_upt.AnchorBranchedUPTConfig", { schema: AnchorBranchedUPTConfig });

/** Fills in what block configs take from the model: the width of the condition, drop path, and the perceiver blocks as a whole. */
function completeBlocks(raw: Record<string, unknown>): Record<string, unknown> {
  const written = raw["transformer_block_config"];
  const specs = ModelDataSpecs.safeParse(raw["data_specs"]);
  if (typeof written !== "object" || written === null || !specs.success) return raw;
  const block = writtenKeys(written);
  if (raw["drop_path_rate"] !== undefined) block["drop_path"] ??= raw["drop_path_rate"];
  const conditionDim = totalDim(specs.data.conditioning_dims) || null;
  const perceiver = { ...block, condition_dim: conditionDim, ...writtenKeys(raw["perceiver_block_config"] ?? {}) };
  block["condition_dim"] ??= conditionDim;
  return { ...raw, transformer_block_config: block, perceiver_block_config: perceiver };
}
