import type { z } from "zod";
import { register } from "../../config/registry";
import type { ModelOptions } from "../../core/models";
import { validateConfig, type FieldType } from "../../config/schema";
import { AnchorBranchedUPTConfig, AnchoredBranchedUPT } from "../models/ab-upt";
import type { ABUPTInputs, Fields } from "../models/ab-upt";
import { AerodynamicsModel } from "./base-model";
import { aerodynamicsFields } from "./config";

/** Config of {@link ABUPT}. */
export const ABUPTConfig = AnchorBranchedUPTConfig.extend("ABUPTConfig", { fields: aerodynamicsFields });
export type ABUPTConfig = z.output<typeof ABUPTConfig>;

/** Trainable AB-UPT. The network embeds positions itself: set `use_bias_layers: false` to leave out the layers it does not use. */
export class ABUPT extends AerodynamicsModel {
  static readonly schema: FieldType = ABUPTConfig;
  readonly abUpt: AnchoredBranchedUPT;

  constructor(config: z.input<typeof ABUPTConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(ABUPTConfig, config);
    super(parsed, options);
    this.abUpt = new AnchoredBranchedUPT(parsed);
  }

  override adoptStoredConfig(stored: Readonly<Record<string, unknown>>): void {
    this.abUpt.adoptStoredConfig(stored);
  }

  override forward(inputs: ABUPTInputs): Fields {
    return this.abUpt.forward(inputs);
  }
}

register("tutorial.model.ABUPT", { class: ABUPT, aliases: ["tutorial.model.ab_upt.ABUPT"] });
