/** Registers optimizers and parameter-group modifiers under the names that configurations use. */
import { optim } from "../../torch";
import { register } from "../factory/registry";
import type { Fields } from "../schemas/config-class";
import { bool, float, tuple } from "../schemas/fields";
import { OptimizerConfig, ParamGroupModifierConfig } from "../schemas/optimizers";
import { Lion } from "./lion";
import { LrScaleByNameModifier } from "./param-group-modifiers/lr-scale-by-name";
import { WeightDecayByNameModifier } from "./param-group-modifiers/weight-decay-by-name";

/** Options of an optimizer beside those that all have; absent ones are left to the optimizer. */
function withOptions<F extends Fields>(name: string, fields: F): ReturnType<typeof OptimizerConfig.extend<F>> {
  return OptimizerConfig.extend(name, { fields });
}

const betas = tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 })).optional();

const AdamConfig = withOptions("AdamConfig", {
  betas,
  eps: float({ ge: 0 }).optional(),
  amsgrad: bool().optional(),
  maximize: bool().optional(),
  foreach: bool().optional(),
  fused: bool().optional(),
});

const SGDConfig = withOptions("SGDConfig", {
  momentum: float({ ge: 0 }).optional(),
  dampening: float().optional(),
  nesterov: bool().optional(),
  maximize: bool().optional(),
  foreach: bool().optional(),
  fused: bool().optional(),
});

const LionConfig = withOptions("LionConfig", {
  betas,
  caution: bool().optional(),
  maximize: bool().optional(),
  foreach: bool().optional(),
});

register("torch.optim.AdamW", { class: optim.AdamW, schema: AdamConfig, aliases: ["torch.optim.adamw.AdamW"] });
register("torch.optim.Adam", { class: optim.Adam, schema: AdamConfig, aliases: ["torch.optim.adam.Adam"] });
register("torch.optim.SGD", { class: optim.SGD, schema: SGDConfig, aliases: ["torch.optim.sgd.SGD"] });
register("noether.core.optimizer.Lion", {
  class: Lion,
  schema: LionConfig,
  aliases: ["noether.core.optimizer.lion.Lion"],
});

const modifiers = "noether.core.optimizer.param_group_modifiers";
register("noether.core.optimizer.LrScaleByNameModifier", {
  class: LrScaleByNameModifier,
  schema: ParamGroupModifierConfig,
  aliases: [`${modifiers}.LrScaleByNameModifier`, `${modifiers}.lr_scale_by_name.LrScaleByNameModifier`],
});
register("noether.core.optimizer.WeightDecayByNameModifier", {
  class: WeightDecayByNameModifier,
  schema: ParamGroupModifierConfig,
  aliases: [`${modifiers}.WeightDecayByNameModifier`, `${modifiers}.weight_decay_by_name.WeightDecayByNameModifier`],
});
