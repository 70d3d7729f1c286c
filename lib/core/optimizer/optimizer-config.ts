import type { z } from "zod";
import { bool, defineConfig, float, list, optional, registered, str } from "../../config/schema";
import { AnyScheduleConfig } from "../schedules/any-schedule";
import { ParamGroupModifierConfig } from "./param-group-modifiers/base";

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
    /** Learning rate before a schedule takes over; null: the optimizer's default. */
    lr: optional(float({ gt: 0 })),
    /** 0 where it is left out, whatever the optimizer's own default is; that one is meant by null. */
    weight_decay: optional(float({ ge: 0 })).default(0),
    /** Clamp of each gradient entry. */
    clip_grad_value: optional(float({ ge: 0 })),
    /** Bound of the norm over all gradients of the model. */
    clip_grad_norm: optional(float({ ge: 0 })),
    /** Learning rates and weight decays of single parameters, by name. */
    param_group_modifiers_config: optional(list(ParamGroupModifierConfig)),
    /** Biases have no weight decay. */
    exclude_bias_from_weight_decay: bool().default(true),
    /** Parameters with fewer than two dimensions have no weight decay. */
    exclude_normalization_params_from_weight_decay: bool().default(true),
    /** Weight decay over the run, absolute values. */
    weight_decay_schedule: optional(AnyScheduleConfig),
    /** Learning rate over the run, absolute values. */
    schedule_config: optional(AnyScheduleConfig),
  },
});
export type OptimizerConfig = z.output<typeof OptimizerConfig>;

/**
 * The `optimizer_config` field of models: schema by `kind`, so that each optimizer's own options (`betas`, `momentum`)
 * are known. A superset: the Python framework refuses these.
 */
export const AnyOptimizerConfig = registered(OptimizerConfig);
