import type { z } from "zod";
import { defineConfig, float, optional, str } from "../../../config/schema";
import type { nn, Tensor } from "../../../torch";

/** Changes one parameter's learning rate or weight decay. Unknown keys are ignored. */
export const ParamGroupModifierConfig = defineConfig("ParamGroupModifierConfig", {
  extra: "ignore",
  fields: {
    /** `noether.core.optimizer.param_group_modifiers.LrScaleByNameModifier` or `…WeightDecayByNameModifier`. */
    kind: optional(str()),
    /** Factor on the learning rate. */
    scale: optional(float({ ge: 0 })),
    /** Weight decay to use. */
    value: optional(float({ ge: 0 })),
    /** Full parameter name, e.g. `backbone.cls_token`. */
    name: str(),
  },
  check: (config, complain) => {
    if ((config.scale === null) === (config.value === null)) complain("expected exactly one of scale and value");
  },
});
export type ParamGroupModifierConfig = z.output<typeof ParamGroupModifierConfig>;

/** Properties that a modifier gives to a parameter: `lr_scale`, `weight_decay`. */
export type ParamGroupProperties = Readonly<Record<string, number>>;

/** Gives single parameters their own learning rate or weight decay. */
export interface ParamGroupModifierBase {
  /** Properties of a parameter; empty if it is not concerned. Asked once for each parameter of the model. */
  getProperties(model: nn.Module | null, name: string, param: Tensor | null): ParamGroupProperties;
  /** Whether the modifier found what it is meant for; asked after the last parameter. */
  wasAppliedSuccessfully(): boolean;
  toString(): string;
}
