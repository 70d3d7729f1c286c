import type { z } from "zod";
import { register } from "../../../config/registry";
import { validateConfig, type FieldType } from "../../../config/schema";
import { Model } from "../../../core/models";
import type { ModelOptions } from "../../../core/models";
import type { Tensor } from "../../../torch";
import { AnchorBranchedUPTConfig, AnchoredBranchedUPT } from "../ab-upt";
import type { AnchorInputs, ConditionInputs, Fields, GeometryInputs, QueryInputs } from "../ab-upt";

/**
 * Batch of {@link AeroABUPT.forward}: geometry, `<domain>_anchor_position`, `query_<domain>_position`, and an entry for each of the
 * data specs' `conditioning_dims`. Other entries have no effect.
 */
export type AeroABUPTInputs = GeometryInputs & ConditionInputs & AnchorInputs & QueryInputs;

/** Trainable {@link AnchoredBranchedUPT}, with the positions of each domain as an entry of the batch. */
export class AeroABUPT extends Model {
  static readonly schema: FieldType = AnchorBranchedUPTConfig;
  readonly backbone: AnchoredBranchedUPT;

  constructor(config: z.input<typeof AnchorBranchedUPTConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(AnchorBranchedUPTConfig, config);
    super(parsed, options);
    this.backbone = new AnchoredBranchedUPT(parsed);
  }

  override adoptStoredConfig(stored: Readonly<Record<string, unknown>>): void {
    this.backbone.adoptStoredConfig(stored);
  }

  override forward(inputs: AeroABUPTInputs): Fields {
    const { geometry_design_parameters: _, inflow_design_parameters: __, ...rest } = inputs;
    const batch = inputs as Readonly<Record<string, Tensor | null | undefined>>;
    const names = Object.keys(this.backbone.config.data_specs.conditioning_dims ?? {});
    const conditioning_inputs = Object.fromEntries(
      names.flatMap((name) => (batch[name] ? [[name, batch[name]] as const] : [])),
    );
    return this.backbone.forward({
      ...rest,
      conditioning_inputs: { ...conditioning_inputs, ...inputs.conditioning_inputs },
    });
  }
}

register("noether.modeling.models.AeroABUPT", {
  class: AeroABUPT,
  aliases: ["noether.modeling.models.aerodynamics.AeroABUPT"],
});
