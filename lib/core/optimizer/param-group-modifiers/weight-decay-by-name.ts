import type { nn, Tensor } from "../../../torch";
import { RuntimeError, ValueError } from "../../../config/python-errors";
import type { ParamGroupModifierConfig } from "../optimizer-config";
import { pyFloatRepr } from "../../../config/python-format";
import type { ParamGroupModifierBase, ParamGroupProperties } from "./base";

/** Sets the weight decay of one parameter, given by its full name. */
export class WeightDecayByNameModifier implements ParamGroupModifierBase {
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
