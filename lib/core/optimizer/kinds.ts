/** Registers optimizers and parameter-group modifiers under the names that configurations use. */
import type { z } from "zod";

import { optim } from "../../torch";
import { type KindClass, register } from "../../config/registry";
import { bool, float, tuple, type Fields } from "../../config/schema";
import { OptimizerConfig, ParamGroupModifierConfig } from "./optimizer-config";
import { Lion } from "./lion";
import { LrScaleByNameModifier } from "./param-group-modifiers/lr-scale-by-name";
import { WeightDecayByNameModifier } from "./param-group-modifiers/weight-decay-by-name";

/** Options of an optimizer beside those that all have; absent ones are left to the optimizer. */
function withOptions<F extends Fields>(name: string, fields: F): ReturnType<typeof OptimizerConfig.extend<F>> {
  return OptimizerConfig.extend(name, { fields });
}

const betas = tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 })).optional();
const eps = float({ ge: 0 }).optional();
const flag = bool().optional();
const number = float().optional();
const common = { foreach: flag, maximize: flag };

const AdamConfig = withOptions("AdamConfig", { betas, eps, amsgrad: flag, fused: flag, ...common });
const SGDConfig = withOptions("SGDConfig", {
  momentum: float({ ge: 0 }).optional(),
  dampening: number,
  nesterov: flag,
  fused: flag,
  ...common,
});
const LionConfig = withOptions("LionConfig", { betas, caution: flag, ...common });
const RMSpropConfig = withOptions("RMSpropConfig", {
  momentum: float({ ge: 0 }).optional(),
  alpha: number,
  eps,
  centered: flag,
  ...common,
});
const AdagradConfig = withOptions("AdagradConfig", {
  lr_decay: number,
  eps,
  initial_accumulator_value: number,
  ...common,
});
const AdadeltaConfig = withOptions("AdadeltaConfig", { rho: number, eps, ...common });
const AdamaxConfig = withOptions("AdamaxConfig", { betas, eps, ...common });
const NAdamConfig = withOptions("NAdamConfig", {
  betas,
  eps,
  momentum_decay: number,
  decoupled_weight_decay: flag,
  ...common,
});
const RAdamConfig = withOptions("RAdamConfig", { betas, eps, decoupled_weight_decay: flag, ...common });

/** PyTorch's optimizers, `torch.optim.AdamW` also as `torch.optim.adamw.AdamW`. */
const torchOptimizers: readonly [type: KindClass, schema: z.ZodType][] = [
  [optim.AdamW, AdamConfig],
  [optim.Adam, AdamConfig],
  [optim.SGD, SGDConfig],
  [optim.RMSprop, RMSpropConfig],
  [optim.Adagrad, AdagradConfig],
  [optim.Adadelta, AdadeltaConfig],
  [optim.Adamax, AdamaxConfig],
  [optim.NAdam, NAdamConfig],
  [optim.RAdam, RAdamConfig],
];
for (const [type, schema] of torchOptimizers) {
  const { name } = type;
  register(`torch.optim.${name}`, { class: type, schema, aliases: [`torch.optim.${name.toLowerCase()}.${name}`] });
}
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
