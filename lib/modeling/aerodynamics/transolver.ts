import type { z } from "zod";
import { register } from "../../config/registry";
import type { ModelOptions } from "../../core/models";
import { validateConfig, type FieldType } from "../../config/schema";
import { nn, rand, scope } from "../../torch";
import type { Tensor } from "../../torch";
import { Transolver as TransolverBackbone, TransolverConfig as BackboneConfig } from "../models/transolver";
import { AerodynamicsModel } from "./base-model";
import { aerodynamicsFields, requireSurfaceAndVolume } from "./config";
import { requireOutputProjection } from "./transformer";
import type { PointInputs } from "./transformer";

/** Config of {@link Transolver}. */
export const TransolverConfig = BackboneConfig.extend("TransolverConfig", {
  fields: aerodynamicsFields,
  check(config, report) {
    requireSurfaceAndVolume(config, report);
    requireOutputProjection(config, report);
  },
});
export type TransolverConfig = z.output<typeof TransolverConfig>;

/** Trainable Transolver and Transolver++ (`attention_constructor: transolver_plusplus`) on surface and volume points. */
export class Transolver extends AerodynamicsModel {
  static readonly schema: FieldType = TransolverConfig;
  /** (1, 1, D), added to every token. */
  readonly placeholder: nn.Parameter;
  readonly transolverBackbone: TransolverBackbone;

  constructor(config: z.input<typeof TransolverConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(TransolverConfig, config);
    super(parsed, options);
    const { hidden_dim } = parsed;
    this.placeholder = new nn.Parameter(rand([1, 1, hidden_dim]).div(hidden_dim));
    this.transolverBackbone = new TransolverBackbone(parsed);
  }

  override forward(inputs: PointInputs): Record<string, Tensor> {
    const { surface_position, volume_position } = inputs;
    return scope(() => {
      const x = this.tokens(
        { embedding: this.posEmbed.forward(surface_position), features: inputs.surface_features },
        { embedding: this.posEmbed.forward(volume_position), features: inputs.volume_features },
      ); // (B, N, D)
      const y = this.outputProjection(this.transolverBackbone.forward(x.add(this.placeholder)));
      return this.gatherOutputs(y, surface_position.size(1));
    });
  }
}

register("tutorial.model.Transolver", {
  class: Transolver,
  aliases: ["tutorial.model.transolver.Transolver"],
});
