import type { nn, Tensor } from "../../../torch";
import { ValueError } from "../../../config/python-errors";
import type { ParamGroupModifierConfig } from "../optimizer-config";
import { pyNumber } from "../../../config/python-format";
import type { ParamGroupModifierBase, ParamGroupProperties } from "./base";

/** Scales the learning rate of one parameter, given by its full name. */
export class LrScaleByNameModifier implements ParamGroupModifierBase {
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
