import { Factory } from "../../config/factory/factory";
import { ValueError } from "../../config/python-errors";
import type { ParamGroupModifierBase, ParamGroupModifierConfig } from "./param-group-modifiers/base";

/** Modifiers of parameter groups, in the order of the configuration. */
export function createModifiers(configs: readonly ParamGroupModifierConfig[] | null): ParamGroupModifierBase[] {
  return (configs ?? []).map((config) => {
    if (config.kind === null) {
      throw new ValueError(
        `the param group modifier of '${config.name}' needs a kind, e.g. noether.core.optimizer.LrScaleByNameModifier`,
      );
    }
    return new Factory().instantiate(config) as ParamGroupModifierBase;
  });
}
