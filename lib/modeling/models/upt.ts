import type { z } from "zod";
import { register } from "../../config/registry";
import { bool, int, shared, validateConfig } from "../../config/schema";
import { AeroDataSpecs, totalOutputDim } from "../../core/data-specs/aero-data-specs";
import { totalDim } from "../../core/data-specs/field-dim-spec";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { nn, scope } from "../../torch";
import type { Tensor } from "../../torch";
import { TransformerBlock, TransformerBlockConfig } from "../modules/blocks";
import type { AttentionKwargs } from "../modules/blocks";
import { DeepPerceiverDecoder, DeepPerceiverDecoderConfig } from "../modules/decoders";
import { SupernodePooling, SupernodePoolingConfig } from "../modules/encoders";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../modules/layers";

/** Config of {@link UPT}. */
export const UPTConfig = ModelBaseConfig.extend("UPTConfig", {
  fields: {
    num_heads: int({ ge: 1 }),
    hidden_dim: int({ ge: 1 }),
    mlp_expansion_factor: int({ ge: 1 }),
    /** Transformer blocks between encoder and decoder. */
    approximator_depth: int({ ge: 1 }),
    use_rope: bool().default(false),
    supernode_pooling_config: shared(SupernodePoolingConfig),
    approximator_config: shared(TransformerBlockConfig),
    decoder_config: shared(DeepPerceiverDecoderConfig),
    /** Of no effect in a bare UPT; the trainable model has `use_bias_layers`. */
    bias_layers: bool().default(false),
    data_specs: AeroDataSpecs,
  },
  derived: ["linear_output_projection_config", "rope_frequency_config", "pos_embedding_config"],
  check(config, report) {
    const { hidden_dim, num_heads, use_rope, data_specs, supernode_pooling_config: pooling } = config;
    if (config.bias_layers) report("has no effect here; set use_bias_layers of the trainable model", "bias_layers");
    if (hidden_dim % num_heads !== 0)
      report(`must be divisible by num_heads (${num_heads}), got ${hidden_dim}`, "hidden_dim");
    if (pooling.hidden_dim !== hidden_dim) {
      report(
        `must be the model's hidden_dim (${hidden_dim}), got ${pooling.hidden_dim}`,
        "supernode_pooling_config",
        "hidden_dim",
      );
    }
    if (data_specs.use_physics_features) pooling.input_features_dim = totalDim(data_specs.surface_feature_dim) || null;
    const blocks = [
      [["approximator_config"], config.approximator_config],
      [["decoder_config", "perceiver_block_config"], config.decoder_config.perceiver_block_config],
    ] as const;
    for (const [path, block] of blocks) {
      if (block.hidden_dim !== hidden_dim)
        report(`must be the model's hidden_dim (${hidden_dim}), got ${block.hidden_dim}`, ...path, "hidden_dim");
      if (block.use_rope !== use_rope)
        report(`must be the model's use_rope (${use_rope}), got ${block.use_rope}`, ...path, "use_rope");
      if (use_rope && block.num_heads !== num_heads) {
        report(
          `with use_rope it must be the model's num_heads (${num_heads}), got ${block.num_heads}`,
          ...path,
          "num_heads",
        );
      }
    }
  },
});
export type UPTConfig = z.output<typeof UPTConfig>;

register("noether.core.schemas.models.upt.UPTConfig", { schema: UPTConfig });

/** Batch of {@link UPT.forward}, by the names of batch keys. */
export interface UPTInputs {
  /** (ΣN,) int64, sample of each point. */
  readonly surface_position_batch_idx: Tensor;
  /** (S,) int64, indices of the supernodes, sample by sample, equally many for each. */
  readonly surface_position_supernode_idx: Tensor;
  /** (ΣN, P) */
  readonly surface_position: Tensor;
  /** (B, Q, P) */
  readonly query_position: Tensor;
}

/**
 * Universal Physics Transformer (https://arxiv.org/abs/2402.12365): a point cloud is pooled into supernodes, a transformer works on these,
 * and a perceiver decoder reads the fields at any query position.
 */
export class UPT extends nn.Module {
  static readonly schema: z.ZodType = UPTConfig;
  readonly encoder: SupernodePooling;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly rope: RopeFrequency | null;
  readonly approximatorBlocks: nn.ModuleList<TransformerBlock>;
  readonly decoder: DeepPerceiverDecoder;
  readonly norm: nn.LayerNorm;
  readonly predictionLayer: LinearProjection;

  constructor(config: z.input<typeof UPTConfig>) {
    super();
    const parsed = validateConfig(UPTConfig, config);
    const { hidden_dim, num_heads, approximator_depth, approximator_config, decoder_config, data_specs } = parsed;
    const { eps, init_weights } = decoder_config.perceiver_block_config;
    const input_dim = data_specs.position_dim;

    this.encoder = new SupernodePooling(parsed.supernode_pooling_config);
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    this.rope = parsed.use_rope
      ? new RopeFrequency({ hidden_dim: hidden_dim / num_heads, input_dim, implementation: "complex" })
      : null;
    this.approximatorBlocks = new nn.ModuleList(
      Array.from({ length: approximator_depth }, () => new TransformerBlock(approximator_config)),
    );
    this.decoder = new DeepPerceiverDecoder(decoder_config);
    this.norm = new nn.LayerNorm(hidden_dim, { eps });
    this.predictionLayer = new LinearProjection({
      input_dim: hidden_dim,
      output_dim: totalOutputDim(data_specs),
      init_weights,
    });
  }

  /** Fields at the query positions, (B, Q, channels of all outputs). */
  override forward(inputs: UPTInputs): Tensor {
    return this.predict({ ...inputs, queries: this.posEmbed.forward(inputs.query_position) });
  }

  /**
   * Forward with embedded queries (B, Q, D), for models that embed queries their own way.
   *
   * @param inputs.surface_features (ΣN, F), exactly when the encoder takes features
   */
  predict(inputs: UPTInputs & { readonly queries: Tensor; readonly surface_features?: Tensor | null }): Tensor {
    return scope(() => {
      const rope = this.computeRopeArgs(inputs);
      let x = this.encoder.forward({
        inputPos: inputs.surface_position,
        supernodeIdx: inputs.surface_position_supernode_idx,
        batchIdx: inputs.surface_position_batch_idx,
        inputFeatures: inputs.surface_features,
      }); // (B, S, D)
      for (const block of this.approximatorBlocks) x = block.forward(x, { attnKwargs: rope.approximator });
      const queries = this.decoder.forward({ kv: x, queries: inputs.queries, attnKwargs: rope.decoder }); // (B, Q, D)
      return this.predictionLayer.forward(this.norm.forward(queries));
    });
  }

  /** Rotary frequencies of the supernodes and the queries; nothing without `use_rope`. */
  computeRopeArgs(inputs: UPTInputs): { approximator: AttentionKwargs; decoder: AttentionKwargs } {
    if (!this.rope) return { approximator: {}, decoder: {} };
    const positions = inputs.surface_position.indexSelect(0, inputs.surface_position_supernode_idx); // (B·S, P)
    const supernodes = this.rope.table(positions.unflatten(0, [inputs.query_position.size(0), -1])); // (B, S, d/2)
    return {
      approximator: { freqs: supernodes },
      decoder: { qFreqs: this.rope.table(inputs.query_position), kFreqs: supernodes },
    };
  }
}

register("noether.modeling.models.UPT", {
  class: UPT,
  aliases: ["noether.modeling.models.upt.UPT"],
});
