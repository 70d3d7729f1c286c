import type { nn, optim } from "../../torch";
import { lookupKind } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import { OPTIMIZER_WRAPPER_KEYS, type OptimizerConfig } from "./optimizer-config";
import type { UpdateCounter } from "../iteration/update-counter";
import { OptimizerWrapper, type TorchOptimizerConstructor } from "./optimizer-wrapper";

/** Builds the optimizer once the model is there. */
export type OptimizerConstructor = (
  model: nn.Module,
  options?: { updateCounter?: UpdateCounter | null },
) => OptimizerWrapper;

/**
 * What a configuration says about a model's optimizer, ready to be applied to the model; null for null.
 *
 * Options of the wrapper (clipping, schedules, weight decay exemptions) stay with it; all others go to the optimizer.
 */
export function createOptimizer(config: OptimizerConfig | null | undefined): OptimizerConstructor | null {
  if (config === null || config === undefined) {
    return null;
  }
  const { kind } = config;
  if (kind === null) {
    throw new ValueError("optimizer_config needs a kind, e.g. torch.optim.AdamW");
  }
  if (config.lr === null || config.weight_decay === null) {
    throw new ValueError(
      `optimizer_config of ${kind}: expected numbers for lr and weight_decay, but got lr ${config.lr} and weight_decay ${config.weight_decay}`,
    );
  }
  const type = lookupKind(kind).class as new (
    groups: optim.ParamGroupInput<object>[],
    options: object,
  ) => optim.Optimizer;
  const own = Object.entries(config).filter(
    ([key, value]) =>
      key !== "kind" && value !== undefined && !(OPTIMIZER_WRAPPER_KEYS as readonly string[]).includes(key),
  );
  const options = Object.fromEntries(own.map(([key, value]) => [camelCase(key), value]));
  const construct: TorchOptimizerConstructor = (groups) => new type(groups, options);
  return (model, { updateCounter = null } = {}) => new OptimizerWrapper(model, construct, config, { updateCounter });
}

/** `weight_decay` -> `weightDecay`. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
