import type { z } from "zod";
import { register } from "../../../config/registry";
import { validateConfig, type FieldType } from "../../../config/schema";
import { ModelDataSpecs, totalOutputDim } from "../../../core/data-specs/model-data-specs";
import { Model } from "../../../core/models";
import type { ModelOptions } from "../../../core/models";
import { cat, nn, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../../modules/layers";
import type { MLP } from "../../modules/mlp";
import { Transformer, TransformerConfig } from "../transformer";
import {
  adoptVolumeChannels,
  aeroFields,
  biasMlp,
  embedPoints,
  featureProjection,
  gatherFields,
  requireSurfaceAndVolume,
  type AeroPointInputs,
} from "./fields";

/** Config of {@link AeroTransformer}. */
export const AeroTransformerConfig = TransformerConfig.extend("AeroTransformerConfig", {
  fields: {
    /** Fields that are predicted, and positions and features that are given. */
    data_specs: ModelDataSpecs,
    ...aeroFields,
  },
  check(config, report) {
    requireSurfaceAndVolume(config, report);
    if (config.transformer_block_config.max_wavelength === null)
      report("the position embedding needs it", "transformer_block_config", "max_wavelength");
  },
});
export type AeroTransformerConfig = z.output<typeof AeroTransformerConfig>;

register("noether.modeling.models.aerodynamics.AeroTransformerConfig", { schema: AeroTransformerConfig });

/**
 * Trainable transformer on the points of the surface and of the volume, one sequence: embedded positions, an MLP for each domain,
 * blocks with rotary positions where they use them, and a head for all fields.
 */
export class AeroTransformer extends Model {
  static readonly schema: FieldType = AeroTransformerConfig;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly rope: RopeFrequency | null;
  readonly surfaceBias: MLP;
  readonly volumeBias: MLP;
  readonly projectSurfaceFeatures: LinearProjection | null;
  readonly projectVolumeFeatures: LinearProjection | null;
  readonly backbone: Transformer;
  readonly norm: nn.LayerNorm;
  readonly out: LinearProjection;
  readonly config: AeroTransformerConfig;

  constructor(config: z.input<typeof AeroTransformerConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(AeroTransformerConfig, config);
    super(parsed, options);
    this.config = parsed;
    const { hidden_dim, transformer_block_config: block, data_specs } = parsed;
    const input_dim = data_specs.position_dim;
    const max_wavelength = block.max_wavelength!;
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim, max_wavelength });
    this.rope = block.use_rope
      ? new RopeFrequency({
          hidden_dim: hidden_dim / block.num_heads,
          input_dim,
          max_wavelength,
          implementation: "complex",
        })
      : null;
    this.surfaceBias = biasMlp(hidden_dim);
    this.volumeBias = biasMlp(hidden_dim);
    this.projectSurfaceFeatures = featureProjection(data_specs, "surface", hidden_dim);
    this.projectVolumeFeatures = featureProjection(data_specs, "volume", hidden_dim);
    this.backbone = new Transformer(parsed);
    this.norm = new nn.LayerNorm(hidden_dim, { eps: 1e-6 });
    this.out = new LinearProjection({
      input_dim: hidden_dim,
      output_dim: totalOutputDim(data_specs),
      init_weights: "truncnormal002",
    });
  }

  override adoptStoredConfig(stored: Readonly<Record<string, unknown>>): void {
    adoptVolumeChannels(this.config, stored);
  }

  override forward(inputs: AeroPointInputs): Record<string, Tensor> {
    const { surface_position, volume_position } = inputs;
    return scope(() => {
      const x = embedPoints(this, inputs); // (B, N, D)
      const freqs = this.rope?.table(cat([surface_position, volume_position], 1));
      const y = this.out.forward(this.norm.forward(this.backbone.forward(x, { freqs }))); // (B, N, C)
      return gatherFields(y, surface_position.size(1), this.config);
    });
  }
}

register("noether.modeling.models.AeroTransformer", {
  class: AeroTransformer,
  aliases: ["noether.modeling.models.aerodynamics.AeroTransformer"],
});
