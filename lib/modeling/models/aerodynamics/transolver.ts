import type { z } from "zod";
import { register } from "../../../config/registry";
import { validateConfig, type FieldType } from "../../../config/schema";
import { ModelDataSpecs, totalOutputDim } from "../../../core/data-specs/model-data-specs";
import { Model } from "../../../core/models";
import type { ModelOptions } from "../../../core/models";
import { nn, rand, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { ContinuousSincosEmbed, LinearProjection } from "../../modules/layers";
import type { MLP } from "../../modules/mlp";
import { Transolver, TransolverConfig } from "../transolver";
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

/** Config of {@link AeroTransolver}. */
export const AeroTransolverConfig = TransolverConfig.extend("AeroTransolverConfig", {
  fields: {
    /** Fields that are predicted, and positions and features that are given. */
    data_specs: ModelDataSpecs,
    ...aeroFields,
  },
  check: requireSurfaceAndVolume,
});
export type AeroTransolverConfig = z.output<typeof AeroTransolverConfig>;

register("noether.modeling.models.aerodynamics.AeroTransolverConfig", { schema: AeroTransolverConfig });

/**
 * Trainable Transolver on the points of the surface and of the volume, one sequence; Transolver++ with
 * `attention_constructor: transolver_plusplus` in the block config.
 */
export class AeroTransolver extends Model {
  static readonly schema: FieldType = AeroTransolverConfig;
  /** (1, 1, D), added to every token. */
  readonly placeholder: nn.Parameter;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly surfaceBias: MLP;
  readonly volumeBias: MLP;
  readonly projectSurfaceFeatures: LinearProjection | null;
  readonly projectVolumeFeatures: LinearProjection | null;
  readonly backbone: Transolver;
  readonly norm: nn.LayerNorm;
  readonly out: LinearProjection;
  readonly config: AeroTransolverConfig;

  constructor(config: z.input<typeof AeroTransolverConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(AeroTransolverConfig, config);
    super(parsed, options);
    this.config = parsed;
    const { hidden_dim, data_specs } = parsed;
    this.placeholder = new nn.Parameter(rand([1, 1, hidden_dim]).div(hidden_dim));
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim: data_specs.position_dim });
    this.surfaceBias = biasMlp(hidden_dim);
    this.volumeBias = biasMlp(hidden_dim);
    this.projectSurfaceFeatures = featureProjection(data_specs, "surface", hidden_dim);
    this.projectVolumeFeatures = featureProjection(data_specs, "volume", hidden_dim);
    this.backbone = new Transolver(parsed);
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
    const { surface_position } = inputs;
    return scope(() => {
      const x = embedPoints(this, inputs); // (B, N, D)
      const y = this.out.forward(this.norm.forward(this.backbone.forward(x.add(this.placeholder)))); // (B, N, C)
      return gatherFields(y, surface_position.size(1), this.config);
    });
  }
}

register("noether.modeling.models.AeroTransolver", {
  class: AeroTransolver,
  aliases: ["noether.modeling.models.aerodynamics.AeroTransolver"],
});
