import type { z } from "zod";
import { register } from "../../config/registry";
import type { ModelOptions } from "../../core/models";
import { validateConfig, type FieldType } from "../../config/schema";
import { cat, scope } from "../../torch";
import type { Tensor } from "../../torch";
import { UPT as UPTBackbone, UPTConfig as BackboneConfig } from "../models/upt";
import type { UPTSurfaceInputs } from "../models/upt";
import { geometryInputs } from "../models/upt";
import { AerodynamicsModel } from "./base-model";
import { aerodynamicsFields, featureDims, requireSurfaceAndVolume } from "./config";

/** Config of {@link UPT}. */
export const UPTConfig = BackboneConfig.extend("UPTConfig", {
  fields: aerodynamicsFields,
  check(config, report) {
    requireSurfaceAndVolume(config, report);
    config.supernode_pooling_config.input_features_dim = featureDims(config.data_specs).surface || null;
  },
});
export type UPTConfig = z.output<typeof UPTConfig>;

/** Batch of {@link UPT.forward}, by the names of batch keys. */
export interface UPTInputs extends Omit<UPTSurfaceInputs, "query_position"> {
  /** (B, Q, P) */
  readonly surface_query_position: Tensor;
  readonly volume_query_position: Tensor;
  /** (ΣN, F) or (1, ΣN, F), with physics features. */
  readonly surface_features?: Tensor | null;
  /** (B, Q, F), with physics features. */
  readonly surface_query_features?: Tensor | null;
  readonly volume_query_features?: Tensor | null;
}

/** Trainable UPT: queries on the surface and in the volume, fields by name. */
export class UPT extends AerodynamicsModel {
  static readonly schema: FieldType = UPTConfig;
  readonly uptBackbone: UPTBackbone;

  constructor(config: z.input<typeof UPTConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(UPTConfig, config);
    super(parsed, options);
    this.uptBackbone = new UPTBackbone(parsed);
  }

  override forward(inputs: UPTInputs): Record<string, Tensor> {
    const { surface_query_position, volume_query_position, surface_features } = inputs;
    return scope(() => {
      const { posEmbed } = this.uptBackbone;
      const query_position = cat([surface_query_position, volume_query_position], 1);
      const y = this.uptBackbone.predict({
        ...geometryInputs({ ...inputs, query_position }),
        queries: this.tokens(
          { embedding: posEmbed.forward(surface_query_position), features: inputs.surface_query_features },
          { embedding: posEmbed.forward(volume_query_position), features: inputs.volume_query_features },
        ),
        features: surface_features?.ndim === 3 ? surface_features.flatten(0, 1) : surface_features,
      }); // (B, Q, C)
      return this.gatherOutputs(y, surface_query_position.size(1));
    });
  }
}

register("tutorial.model.UPT", { class: UPT, aliases: ["tutorial.model.upt.UPT"] });
