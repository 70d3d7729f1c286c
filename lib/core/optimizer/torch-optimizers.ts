/**
 * PyTorch's optimizers as kinds (`torch.optim.AdamW`, also `torch.optim.adamw.AdamW`), with their options. The classes
 * are in `lib/torch/optim` and know nothing of configs, so their schemas are here. Options that are absent or null are left to
 * the optimizer.
 */
import { type KindClass, register } from "../../config/registry";
import { type AnyConfigClass, bool, type Fields, float, optional, tuple } from "../../config/schema";
import { optim } from "../../torch";
import { OptimizerConfig } from "./optimizer-config";

const says = (text: string) => ({
  flag: optional(bool()).describe(text),
  number: optional(float()).describe(text),
  atLeast0: optional(float({ ge: 0 })).describe(text),
});

const betas = optional(tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 }))).describe(
  "Shares of the old running averages: of gradients, of their squares.",
);
const eps = says("Added to denominators.").atLeast0;
const momentum = says("Share of the old step in the new one.").atLeast0;
const amsgrad = says("Divides by the largest average of squares so far.").flag;
const fused = says("One kernel for all parameters; the result is the same.").flag;
const decoupled_weight_decay = says("Weight decay as in AdamW, apart from the gradients.").flag;

/** Options besides `foreach` and `maximize`, which all have. */
const optimizers: readonly [type: KindClass, options: Fields][] = [
  [optim.AdamW, { betas, eps, amsgrad, fused }],
  [optim.Adam, { betas, eps, amsgrad, fused }],
  [
    optim.SGD,
    {
      momentum,
      dampening: says("Share of the gradient that momentum leaves out.").number,
      nesterov: says("Looks ahead along the momentum.").flag,
      fused,
    },
  ],
  [
    optim.RMSprop,
    {
      momentum,
      alpha: says("Share of the old average of squares.").number,
      eps,
      centered: says("Divides by the deviation instead of the root of the squares.").flag,
    },
  ],
  [
    optim.Adagrad,
    {
      lr_decay: says("How fast the learning rate falls with the steps.").number,
      eps,
      initial_accumulator_value: says("Sum of squares at the beginning.").number,
    },
  ],
  [optim.Adadelta, { rho: says("Share of the old averages.").number, eps }],
  [optim.Adamax, { betas, eps }],
  [optim.NAdam, { betas, eps, momentum_decay: says("How fast the momentum grows.").number, decoupled_weight_decay }],
  [optim.RAdam, { betas, eps, decoupled_weight_decay }],
  [
    optim.ASGD,
    {
      lambd: says("How fast weights shrink.").number,
      alpha: says("Power with which the learning rate falls.").number,
      t0: says("Steps before averaging begins.").number,
    },
  ],
  [
    optim.Adafactor,
    {
      beta2_decay: says("Power with which the old average of squares loses its share.").number,
      eps: optional(tuple(float({ ge: 0 }).nullable(), float({ ge: 0 }))).describe(
        "Smallest square, and smallest size of parameters that steps are relative to.",
      ),
      d: says("Largest root mean square of a step.").number,
    },
  ],
];

const foreach = says("One operation over all parameters; the result is the same.").flag;
const maximize = says("Goes up instead of down.").flag;

for (const [type, options] of optimizers) {
  const { name } = type;
  const schema: AnyConfigClass = OptimizerConfig.extend(`${name}Config`, {
    fields: { ...options, foreach, maximize },
  });
  register(`torch.optim.${name}`, { class: type, schema, aliases: [`torch.optim.${name.toLowerCase()}.${name}`] });
}
