/**
 * PyTorch's optimizers as kinds (`torch.optim.AdamW`, also `torch.optim.adamw.AdamW`), with their options. The classes
 * are in `lib/torch/optim` and know nothing of configs, so their schemas are here. Options that are absent or null are left to
 * the optimizer.
 */
import { type KindClass, register } from "../../config/registry";
import { type AnyConfigClass, bool, type Fields, float, optional, tuple } from "../../config/schema";
import { optim } from "../../torch";
import { OptimizerConfig } from "./optimizer-config";

const betas = optional(tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 })));
const eps = optional(float({ ge: 0 }));
const momentum = optional(float({ ge: 0 }));
const flag = optional(bool());
const number = optional(float());

/** Options besides `foreach` and `maximize`, which all have. */
const optimizers: readonly [type: KindClass, options: Fields][] = [
  [optim.AdamW, { betas, eps, amsgrad: flag, fused: flag }],
  [optim.Adam, { betas, eps, amsgrad: flag, fused: flag }],
  [optim.SGD, { momentum, dampening: number, nesterov: flag, fused: flag }],
  [optim.RMSprop, { momentum, alpha: number, eps, centered: flag }],
  [optim.Adagrad, { lr_decay: number, eps, initial_accumulator_value: number }],
  [optim.Adadelta, { rho: number, eps }],
  [optim.Adamax, { betas, eps }],
  [optim.NAdam, { betas, eps, momentum_decay: number, decoupled_weight_decay: flag }],
  [optim.RAdam, { betas, eps, decoupled_weight_decay: flag }],
  [optim.ASGD, { lambd: number, alpha: number, t0: number }],
  [
    optim.Adafactor,
    { beta2_decay: number, eps: optional(tuple(float({ ge: 0 }).nullable(), float({ ge: 0 }))), d: number },
  ],
];

for (const [type, options] of optimizers) {
  const { name } = type;
  const schema: AnyConfigClass = OptimizerConfig.extend(`${name}Config`, {
    fields: { ...options, foreach: flag, maximize: flag },
  });
  register(`torch.optim.${name}`, { class: type, schema, aliases: [`torch.optim.${name.toLowerCase()}.${name}`] });
}
