import type { z } from "zod";
import { register } from "../../config/registry";
import type { ModelOptions } from "../../core/models";
import { validateConfig, type FieldType } from "../../config/schema";
import { cat, scope } from "../../torch";
import type { Tensor } from "../../torch";
import { Transformer as TransformerBackbone, TransformerConfig as BackboneConfig } from "../models/transformer";
import { ContinuousSincosEmbed, RopeFrequency } from "../modules/layers";
import { AerodynamicsModel } from "./base-model";
import { aerodynamicsFields, requireSurfaceAndVolume } from "./config";

/** Config of {@link Transformer}. */
export const TransformerConfig = BackboneConfig.extend("TransformerConfig", {
  fields: aerodynamicsFields,
  derived: ["pos_encoding_config", "rope_frequency_config"],
  check(config, report) {
    requireSurfaceAndVolume(config, report);
    requireOutputProjection(config, report);
  },
});
export type TransformerConfig = z.output<typeof TransformerConfig>;

/** Batch of {@link Transformer.forward} and {@link Transolver.forward}, by the names of batch keys. */
export interface PointInputs {
  /** (B, N, P) */
  readonly surface_position: Tensor;
  readonly volume_position: Tensor;
  /** (B, N, F), with physics features. */
  readonly surface_features?: Tensor | null;
  readonly volume_features?: Tensor | null;
}

/** A trunk has no output layer of its own. */
export function requireOutputProjection(
  config: { use_output_projection: boolean },
  report: (message: string, key: string) => void,
): void {
  if (!config.use_output_projection)
    report("must be true: the model has no other output layer", "use_output_projection");
}

/** Trainable transformer on surface and volume points, with rotary positions of the "real" kind where the blocks use them. */
export class Transformer extends AerodynamicsModel {
  static readonly schema: FieldType = TransformerConfig;
  readonly encoder: ContinuousSincosEmbed;
  readonly rope: RopeFrequency | null;
  /** Misspelt in the state dict of the Python framework, too. */
  readonly transfomerBackbone: TransformerBackbone;

  constructor(config: z.input<typeof TransformerConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(TransformerConfig, config);
    super(parsed, options);
    const { hidden_dim, transformer_block_config: block, data_specs } = parsed;
    const input_dim = data_specs.position_dim;
    this.encoder = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    this.rope = block.use_rope
      ? new RopeFrequency({ hidden_dim: hidden_dim / block.num_heads, input_dim, implementation: "real" })
      : null;
    this.transfomerBackbone = new TransformerBackbone(parsed);
  }

  override forward(inputs: PointInputs): Record<string, Tensor> {
    const { surface_position, volume_position } = inputs;
    return scope(() => {
      const x = this.tokens(
        { embedding: this.encoder.forward(surface_position), features: inputs.surface_features },
        { embedding: this.encoder.forward(volume_position), features: inputs.volume_features },
      ); // (B, N, D)
      const freqs = this.rope?.table(cat([surface_position, volume_position], 1));
      const y = this.outputProjection(this.transfomerBackbone.forward(x, { freqs }));
      return this.gatherOutputs(y, surface_position.size(1));
    });
  }
}

register("tutorial.model.Transformer", {
  class: Transformer,
  aliases: ["tutorial.model.transformer.Transformer"],
});
