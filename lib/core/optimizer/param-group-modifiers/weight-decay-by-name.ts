import type { FieldType } from "../../../config/schema";
import { RuntimeError, ValueError } from "../../../config/python-errors";
import { pyFloatRepr } from "../../../config/python-format";
import { register } from "../../../config/registry";
import type { nn, Tensor } from "../../../torch";
import { type ParamGroupModifierBase, ParamGroupModifierConfig, type ParamGroupProperties } from "./base";

/** Sets the weight decay of one parameter, given by its full name. */
export class WeightDecayByNameModifier implements ParamGroupModifierBase {
  static readonly schema: FieldType = ParamGroupModifierConfig;
  readonly value: number;
  readonly name: string;
  paramWasFound = false;

  constructor(
    config: Pick<ParamGroupModifierConfig, "name" | "value"> & Partial<Pick<ParamGroupModifierConfig, "scale">>,
  ) {
    if (config.scale !== null && config.scale !== undefined) {
      throw new ValueError(`WeightDecayByNameModifier for '${config.name}' takes value, not scale`);
    }
    this.value = config.value ?? 0;
    this.name = config.name;
  }

  getProperties(_model: nn.Module | null, name: string, _param: Tensor | null): ParamGroupProperties {
    if (name !== this.name) {
      return {};
    }
    if (this.paramWasFound) {
      throw new RuntimeError(`${this}: found two parameters matching name '${name}'`);
    }
    this.paramWasFound = true;
    return { weight_decay: this.value };
  }

  wasAppliedSuccessfully(): boolean {
    return this.paramWasFound;
  }

  toString(): string {
    return `WeightDecayByNameModifier(name=${this.name}), value=${pyFloatRepr(this.value)})`;
  }
}

register("noether.core.optimizer.WeightDecayByNameModifier", {
  class: WeightDecayByNameModifier,
  aliases: [
    "noether.core.optimizer.param_group_modifiers.WeightDecayByNameModifier",
    "noether.core.optimizer.param_group_modifiers.weight_decay_by_name.WeightDecayByNameModifier",
  ],
});
