import type { z } from "zod";
import { defineConfig, type AnyConfigClass, type Fields } from "./config-class";
import { bool, float, int, list, optional, str, tuple } from "./fields";
import { registered } from "./registered";
import { AnyScheduleConfig } from "./schedules";

/** Optimizers (core-optim-schedules spec 1.1, 1.2). */

/** Changes one parameter's learning rate or weight decay. Unknown keys are ignored. */
export const ParamGroupModifierConfig = defineConfig("ParamGroupModifierConfig", {
  extra: "ignore",
  fields: {
    /** `noether.core.optimizer.param_group_modifiers.LrScaleByNameModifier` or `…WeightDecayByNameModifier`. */
    kind: optional(str()),
    /** Factor on the learning rate. */
    scale: optional(float({ ge: 0 })),
    /** Weight decay to use. */
    value: optional(float({ ge: 0 })),
    /** Full parameter name, e.g. `backbone.cls_token`. */
    name: str(),
  },
  check: (config, complain) => {
    if ((config.scale === null) === (config.value === null)) complain("expected exactly one of scale and value");
  },
});
export type ParamGroupModifierConfig = z.output<typeof ParamGroupModifierConfig>;

/** Options of the optimizer wrapper; everything else except `kind` goes to the optimizer's constructor. */
export const OPTIMIZER_WRAPPER_KEYS = [
  "clip_grad_value",
  "clip_grad_norm",
  "param_group_modifiers_config",
  "exclude_bias_from_weight_decay",
  "exclude_normalization_params_from_weight_decay",
  "weight_decay_schedule",
  "schedule_config",
] as const;

/** `optimizer_config` of a model. Unknown keys are errors. */
export const OptimizerConfig = defineConfig("OptimizerConfig", {
  extra: "forbid",
  fields: {
    /** `torch.optim.AdamW`, `noether.core.optimizer.Lion`, … */
    kind: optional(str()),
    /** Learning rate before a schedule takes over. */
    lr: optional(float({ gt: 0 })),
    /** Always handed to the optimizer, so its own default never applies. */
    weight_decay: optional(float({ ge: 0 })).default(0),
    /** Clamp of each gradient entry. */
    clip_grad_value: optional(float({ ge: 0 })),
    /** Bound of the norm over all gradients of the model. */
    clip_grad_norm: optional(float({ ge: 0 })),
    param_group_modifiers_config: optional(list(ParamGroupModifierConfig)),
    exclude_bias_from_weight_decay: bool().default(true),
    exclude_normalization_params_from_weight_decay: bool().default(true),
    weight_decay_schedule: optional(AnyScheduleConfig),
    schedule_config: optional(AnyScheduleConfig),
  },
});
export type OptimizerConfig = z.output<typeof OptimizerConfig>;

/** The `optimizer_config` field of models: schema by `kind`, so that each optimizer's own options are known. */
export const AnyOptimizerConfig = registered(OptimizerConfig);

const number = () => optional(float());
const betas = () => optional(tuple(float(), float()));
const flags = <const K extends string>(...names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, optional(bool())])) as Record<
    K,
    ReturnType<typeof optional<boolean, boolean>>
  >;

/**
 * Options beyond `lr` and `weight_decay` of each optimizer, under torch's names; null: torch's default.
 * A superset: the Python framework refuses these keys.
 */
const ownOptions: Readonly<Record<string, Fields>> = {
  "torch.optim.SGD": { momentum: number(), dampening: number(), ...flags("nesterov", "maximize") },
  "torch.optim.Adam": { betas: betas(), eps: number(), ...flags("amsgrad", "maximize") },
  "torch.optim.AdamW": { betas: betas(), eps: number(), ...flags("amsgrad", "maximize") },
  "torch.optim.RMSprop": { alpha: number(), eps: number(), momentum: number(), ...flags("centered", "maximize") },
  "torch.optim.Adagrad": {
    lr_decay: number(),
    initial_accumulator_value: number(),
    eps: number(),
    ...flags("maximize"),
  },
  "torch.optim.Adadelta": { rho: number(), eps: number(), ...flags("maximize") },
  "torch.optim.Adamax": { betas: betas(), eps: number(), ...flags("maximize") },
  "torch.optim.NAdam": {
    betas: betas(),
    eps: number(),
    momentum_decay: number(),
    ...flags("decoupled_weight_decay", "maximize"),
  },
  "torch.optim.RAdam": { betas: betas(), eps: number(), ...flags("decoupled_weight_decay", "maximize") },
  "torch.optim.ASGD": { lambd: number(), alpha: number(), t0: number(), ...flags("maximize") },
  "torch.optim.Adafactor": {
    beta2_decay: number(),
    eps: optional(tuple(optional(float()), float())),
    d: number(),
    ...flags("maximize"),
  },
  "torch.optim.Muon": { momentum: number(), ns_steps: optional(int()), eps: number(), ...flags("nesterov") },
  "noether.core.optimizer.Lion": { betas: betas() },
};

/** Config class of each optimizer kind: {@link OptimizerConfig} plus the optimizer's own options. */
export const optimizerConfigs: Readonly<Record<string, AnyConfigClass>> = Object.fromEntries(
  Object.entries(ownOptions).map(([kind, fields]) => [
    kind,
    OptimizerConfig.extend(`${kind.slice(kind.lastIndexOf(".") + 1)}OptimizerConfig`, {
      fields,
    }) as unknown as AnyConfigClass,
  ]),
);
