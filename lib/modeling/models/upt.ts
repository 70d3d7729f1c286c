import type { z } from "zod";
import { register } from "../../config/registry";
import { bool, int, shared, validateConfig, type FieldType } from "../../config/schema";
import { ModelDataSpecs, totalOutputDim } from "../../core/data-specs/model-data-specs";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { loadEitherRelease } from "../../core/release-1.1";
import { nn, scope } from "../../torch";
import type { Tensor } from "../../torch";
import { TransformerBlock, TransformerBlockConfig } from "../modules/blocks";
import type { AttentionKwargs } from "../modules/blocks";
import { DeepPerceiverDecoder, DeepPerceiverDecoderConfig } from "../modules/decoders";
import { SupernodePooling, SupernodePoolingConfig } from "../modules/encoders";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../modules/layers";

/** What {@link UPTConfig} has in common with the configs of trainable models. */
export const UPTNetworkConfig = ModelBaseConfig.extend("UPTNetworkConfig", {
  fields: {
    /** Attention heads of each block. */
    num_heads: int({ ge: 1 }),
    /** Channels of a token. */
    hidden_dim: int({ ge: 1 }),
    /** Channels inside of an MLP are this times `hidden_dim`. */
    mlp_expansion_factor: int({ ge: 1 }),
    /** Transformer blocks between encoder and decoder. */
    approximator_depth: int({ ge: 1 }),
    /** Rotary positions in attention. */
    use_rope: bool().default(false),
    /** Encoder: points to supernodes. */
    supernode_pooling_config: shared(SupernodePoolingConfig),
    /** Transformer blocks on the supernodes. */
    approximator_config: shared(TransformerBlockConfig),
    /** Decoder: supernodes to the query points. */
    decoder_config: shared(DeepPerceiverDecoderConfig),
    /** An MLP for the queries of each domain behind the embedding; a bare UPT has none. */
    bias_layers: bool().default(false),
    /** Fields that are predicted, and positions and features that are given. */
    data_specs: ModelDataSpecs,
  },
  derived: ["linear_output_projection_config", "rope_frequency_config", "pos_embedding_config"],
  check(config, report) {
    if (config.approximator_config.max_wavelength === null)
      report("the position embedding needs it", "approximator_config", "max_wavelength");
    const { hidden_dim, num_heads, use_rope, supernode_pooling_config: pooling } = config;
    if (hidden_dim % num_heads !== 0)
      report(`must be divisible by num_heads (${num_heads}), got ${hidden_dim}`, "hidden_dim");
    if (pooling.hidden_dim !== hidden_dim) {
      report(
        `must be the model's hidden_dim (${hidden_dim}), got ${pooling.hidden_dim}`,
        "supernode_pooling_config",
        "hidden_dim",
      );
    }
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
export type UPTNetworkConfig = z.output<typeof UPTNetworkConfig>;

/** Config of {@link UPT}. */
export const UPTConfig = UPTNetworkConfig.extend("UPTConfig", {
  fields: {},
  check({ bias_layers }, report) {
    if (bias_layers) report("has no effect here: it is for trainable models, such as AeroUPT", "bias_layers");
  },
});
export type UPTConfig = z.output<typeof UPTConfig>;

register("noether.core.schemas.models.upt.UPTConfig", { schema: UPTConfig });

/** Batch of {@link UPT.forward}, by the names of batch keys. */
export interface UPTInputs {
  /** (ΣN,) int64, sample of each point. */
  readonly geometry_batch_idx: Tensor;
  /** (S,) int64, indices of the supernodes, sample by sample, equally many for each. */
  readonly geometry_supernode_idx: Tensor;
  /** (ΣN, P) */
  readonly geometry_position: Tensor;
  /** (B, Q, P) */
  readonly query_position: Tensor;
}

/** The same by the names of release 1.1 of the Python framework. */
export interface UPTSurfaceInputs {
  readonly surface_position_batch_idx: Tensor;
  readonly surface_position_supernode_idx: Tensor;
  readonly surface_position: Tensor;
  readonly query_position: Tensor;
}

/**
 * Universal Physics Transformer (https://arxiv.org/abs/2402.12365): a point cloud is pooled into supernodes, a transformer works on these,
 * and a perceiver decoder reads the fields at any query position.
 */
export class UPT extends nn.Module {
  static readonly schema: FieldType = UPTConfig;
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
    const { max_wavelength } = parsed.approximator_config;
    const { hidden_dim, num_heads, approximator_depth, approximator_config, decoder_config, data_specs } = parsed;
    const { eps, init_weights } = decoder_config.perceiver_block_config;
    const input_dim = data_specs.position_dim;

    this.encoder = new SupernodePooling(parsed.supernode_pooling_config);
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim, max_wavelength: max_wavelength! });
    this.rope = parsed.use_rope
      ? new RopeFrequency({
          hidden_dim: hidden_dim / num_heads,
          input_dim,
          max_wavelength: max_wavelength!,
          implementation: "complex",
        })
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

  /** Takes weights of release 1.1 of the Python framework, too. */
  override loadStateDict(state: nn.StateDict, options: { strict?: boolean } = {}): nn.LoadResult {
    return loadEitherRelease(this, state, (current) => super.loadStateDict(current, options));
  }

  /** Channels of all outputs at the query positions, (B, Q, C). */
  override forward(inputs: UPTInputs | UPTSurfaceInputs): Tensor {
    return this.predict({ ...geometryInputs(inputs), queries: this.posEmbed.forward(inputs.query_position) });
  }

  /**
   * Forward with embedded queries (B, Q, D), for models that embed queries their own way.
   *
   * @param inputs.features (ΣN, F), exactly when the encoder takes features
   */
  predict(inputs: UPTInputs & { readonly queries: Tensor; readonly features?: Tensor | null }): Tensor {
    return scope(() => {
      const rope = this.computeRopeArgs(inputs);
      let x = this.encoder.forward({
        inputPos: inputs.geometry_position,
        supernodeIdx: inputs.geometry_supernode_idx,
        batchIdx: inputs.geometry_batch_idx,
        batchSize: inputs.query_position.size(0),
        inputFeatures: inputs.features,
      }); // (B, S, D)
      for (const block of this.approximatorBlocks) x = block.forward(x, { attnKwargs: rope.approximator });
      const queries = this.decoder.forward({ kv: x, queries: inputs.queries, attnKwargs: rope.decoder }); // (B, Q, D)
      return this.predictionLayer.forward(this.norm.forward(queries));
    });
  }

  /** Rotary frequencies of the supernodes and the queries; nothing without `use_rope`. */
  computeRopeArgs(inputs: UPTInputs): { approximator: AttentionKwargs; decoder: AttentionKwargs } {
    if (!this.rope) return { approximator: {}, decoder: {} };
    const positions = inputs.geometry_position.indexSelect(0, inputs.geometry_supernode_idx); // (B·S, P)
    const supernodes = this.rope.table(positions.unflatten(0, [inputs.query_position.size(0), -1])); // (B, S, d/2)
    return {
      approximator: { freqs: supernodes },
      decoder: { qFreqs: this.rope.table(inputs.query_position), kFreqs: supernodes },
    };
  }
}

/** Inputs under the names of this release. */
export function geometryInputs<T extends UPTInputs | UPTSurfaceInputs>(inputs: T): UPTInputs {
  if ("geometry_position" in inputs) return inputs;
  const { surface_position_batch_idx, surface_position_supernode_idx, surface_position, query_position } = inputs;
  return {
    geometry_batch_idx: surface_position_batch_idx,
    geometry_supernode_idx: surface_position_supernode_idx,
    geometry_position: surface_position,
    query_position,
  };
}

register("noether.modeling.models.UPT", {
  class: UPT,
  aliases: ["noether.modeling.models.upt.UPT"],
});
