import type { z } from "zod";
import { register } from "../../../config/registry";
import { validateConfig, type FieldType } from "../../../config/schema";
import { Model } from "../../../core/models";
import type { ModelOptions } from "../../../core/models";
import { cat, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import type { LinearProjection } from "../../modules/layers";
import type { MLP } from "../../modules/mlp";
import { geometryInputs, UPT, UPTNetworkConfig } from "../upt";
import type { UPTSurfaceInputs } from "../upt";
import {
  adoptVolumeChannels,
  aeroFields,
  biasMlp,
  featureProjection,
  gatherFields,
  positionsOf,
  requireSurfaceAndVolume,
  withFeatures,
} from "./fields";

/** Config of {@link AeroUPT}. */
export const AeroUPTConfig = UPTNetworkConfig.extend("AeroUPTConfig", {
  fields: aeroFields,
  check: requireSurfaceAndVolume,
});
export type AeroUPTConfig = z.output<typeof AeroUPTConfig>;

register("noether.modeling.models.aerodynamics.AeroUPTConfig", { schema: AeroUPTConfig });

/** Batch of {@link AeroUPT.forward}, by the names of batch keys. */
export interface AeroUPTInputs extends Omit<UPTSurfaceInputs, "query_position"> {
  /** (B, Q, P) */
  readonly surface_query_position: Tensor;
  readonly volume_query_position: Tensor;
  /** (B, Q, F) of the queries, with physics features. */
  readonly surface_features?: Tensor | null;
  readonly volume_features?: Tensor | null;
}

/**
 * Trainable {@link UPT}: the points of the surface are encoded, fields are read at queries on the surface and in the volume. With
 * `bias_layers` the embedded queries of each domain go through an MLP; physics features are added to them.
 */
export class AeroUPT extends Model {
  static readonly schema: FieldType = AeroUPTConfig;
  readonly backbone: UPT;
  readonly surfaceBias: MLP | null;
  readonly volumeBias: MLP | null;
  readonly projectSurfaceFeatures: LinearProjection | null;
  readonly projectVolumeFeatures: LinearProjection | null;
  readonly config: AeroUPTConfig;

  constructor(config: z.input<typeof AeroUPTConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(AeroUPTConfig, config);
    super(parsed, options);
    this.config = parsed;
    const { volume_channels: _, ...network } = parsed;
    this.backbone = new UPT({ ...network, bias_layers: false });
    this.surfaceBias = parsed.bias_layers ? biasMlp(parsed.hidden_dim) : null;
    this.volumeBias = parsed.bias_layers ? biasMlp(parsed.hidden_dim) : null;
    this.projectSurfaceFeatures = featureProjection(parsed.data_specs, "surface", parsed.hidden_dim);
    this.projectVolumeFeatures = featureProjection(parsed.data_specs, "volume", parsed.hidden_dim);
  }

  override adoptStoredConfig(stored: Readonly<Record<string, unknown>>): void {
    adoptVolumeChannels(this.config, stored);
  }

  override forward(inputs: AeroUPTInputs): Record<string, Tensor> {
    const { surface_features, volume_features } = inputs;
    const surface_query_position = positionsOf(inputs, "surface_query_position");
    const volume_query_position = positionsOf(inputs, "volume_query_position");
    return scope(() => {
      const embed = (position: Tensor, bias: MLP | null) => {
        const x = this.backbone.posEmbed.forward(position); // (B, Q, D)
        return bias ? bias.forward(x) : x;
      };
      const surface = embed(surface_query_position, this.surfaceBias);
      const volume = embed(volume_query_position, this.volumeBias);
      const queries = [
        withFeatures(surface, this.projectSurfaceFeatures, surface_features),
        withFeatures(volume, this.projectVolumeFeatures, volume_features),
      ];
      const query_position = cat([surface_query_position, volume_query_position], 1);
      const y = this.backbone.predict({ ...geometryInputs({ ...inputs, query_position }), queries: cat(queries, 1) }); // (B, Q, C)
      return gatherFields(y, surface_query_position.size(1), this.config);
    });
  }
}

register("noether.modeling.models.AeroUPT", {
  class: AeroUPT,
  aliases: ["noether.modeling.models.aerodynamics.AeroUPT"],
});
