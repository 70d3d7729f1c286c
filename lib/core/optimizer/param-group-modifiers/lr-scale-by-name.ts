import type { FieldType } from "../../../config/schema";
import { ValueError } from "../../../config/python-errors";
import { pyNumber } from "../../../config/python-format";
import { register } from "../../../config/registry";
import type { nn, Tensor } from "../../../torch";
import { type ParamGroupModifierBase, ParamGroupModifierConfig, type ParamGroupProperties } from "./base";

/** Scales the learning rate of one parameter, given by its full name. */
export class LrScaleByNameModifier implements ParamGroupModifierBase {
  static readonly schema: FieldType = ParamGroupModifierConfig;
  readonly scale: number;
  readonly name: string;
  paramWasFound = false;

  constructor(config: Pick<ParamGroupModifierConfig, "name" | "scale">) {
    if (config.scale === null || config.scale === undefined) {
      throw new ValueError(`LrScaleByNameModifier for '${config.name}' needs scale`);
    }
    this.scale = config.scale;
    this.name = config.name;
  }

  getProperties(_model: nn.Module | null, name: string, _param: Tensor | null): ParamGroupProperties {
    if (name !== this.name) {
      return {};
    }
    if (this.paramWasFound) {
      throw new ValueError(`${this}: found two parameters matching name '${name}'`);
    }
    this.paramWasFound = true;
    return { lr_scale: this.scale };
  }

  wasAppliedSuccessfully(): boolean {
    return this.paramWasFound;
  }

  toString(): string {
    return `LrScaleByNameModifier(name=${this.name},scale=${pyNumber(this.scale)})`;
  }
}

register("noether.core.optimizer.LrScaleByNameModifier", {
  class: LrScaleByNameModifier,
  aliases: [
    "noether.core.optimizer.param_group_modifiers.LrScaleByNameModifier",
    "noether.core.optimizer.param_group_modifiers.lr_scale_by_name.LrScaleByNameModifier",
  ],
});
