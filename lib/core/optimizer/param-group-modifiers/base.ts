import type { nn, Tensor } from "../../../torch";

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
