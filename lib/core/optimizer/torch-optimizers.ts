/**
 * PyTorch's optimizers as kinds (`torch.optim.AdamW`, also `torch.optim.adamw.AdamW`), with their options. The classes
 * are in `lib/torch/optim` and know nothing of configs, so their schemas are here. Options that are absent or null are left to
 * the optimizer.
 */
import { type KindClass, register } from "../../config/registry";
import { type AnyConfigClass, bool, type Fields, float, optional, tuple } from "../../config/schema";
import { optim } from "../../torch";
import { OptimizerConfig } from "./optimizer-config";

const flag = (does: string) => optional(bool()).describe(does);
const number = (does: string) => optional(float()).describe(does);
const atLeast0 = (does: string) => optional(float({ ge: 0 })).describe(does);

const betas = optional(tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 }))).describe(
  "Shares of the old running averages: of gradients, of their squares.",
);
const eps = atLeast0("Added to denominators.");
const momentum = atLeast0("Share of the old step in the new one.");
const amsgrad = flag("Divides by the largest average of squares so far.");
const fused = flag("One kernel for all parameters; the result is the same.");
const decoupled_weight_decay = flag("Weight decay as in AdamW, apart from the gradients.");

/** Options besides `foreach` and `maximize`, which all have. */
const optimizers: readonly [type: KindClass, options: Fields][] = [
  [optim.AdamW, { betas, eps, amsgrad, fused }],
  [optim.Adam, { betas, eps, amsgrad, fused }],
  [
    optim.SGD,
    {
      momentum,
      dampening: number("Share of the gradient that momentum leaves out."),
      nesterov: flag("Looks ahead along the momentum."),
      fused,
    },
  ],
  [
    optim.RMSprop,
    {
      momentum,
      alpha: number("Share of the old average of squares."),
      eps,
      centered: flag("Divides by the deviation instead of the root of the squares."),
    },
  ],
  [
    optim.Adagrad,
    {
      lr_decay: number("How fast the learning rate falls with the steps."),
      eps,
      initial_accumulator_value: number("Sum of squares at the beginning."),
    },
  ],
  [optim.Adadelta, { rho: number("Share of the old averages."), eps }],
  [optim.Adamax, { betas, eps }],
  [optim.NAdam, { betas, eps, momentum_decay: number("How fast the momentum grows."), decoupled_weight_decay }],
  [optim.RAdam, { betas, eps, decoupled_weight_decay }],
  [
    optim.ASGD,
    {
      lambd: number("How fast weights shrink."),
      alpha: number("Power with which the learning rate falls."),
      t0: number("Steps before averaging begins."),
    },
  ],
  [
    optim.Adafactor,
    {
      beta2_decay: number("Power with which the old average of squares loses its share."),
      eps: optional(tuple(float({ ge: 0 }).nullable(), float({ ge: 0 }))).describe(
        "Smallest square, and smallest size of parameters that steps are relative to.",
      ),
      d: number("Largest root mean square of a step."),
    },
  ],
];

const foreach = flag("One operation over all parameters; the result is the same.");
const maximize = flag("Goes up instead of down.");

for (const [type, options] of optimizers) {
  const { name } = type;
  const schema: AnyConfigClass = OptimizerConfig.extend(`${name}Config`, {
    fields: { ...options, foreach, maximize },
  });
  register(`torch.optim.${name}`, { class: type, schema, aliases: [`torch.optim.${name.toLowerCase()}.${name}`] });
}
