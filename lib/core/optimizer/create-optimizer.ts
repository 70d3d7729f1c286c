import type { nn, optim } from "../../torch";
import { isMapping } from "../../config/schema";
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

/** A class that a `kind` of an optimizer names. */
export type OptimizerClass = new (groups: optim.ParamGroupInput<object>[], options: object) => optim.AnyOptimizer;

/** The optimizer class behind a kind. */
export function optimizerClass(kind: string): OptimizerClass {
  return lookupKind(kind).class as OptimizerClass;
}

/**
 * What a configuration says about a model's optimizer, ready to be applied to the model; null for null.
 *
 * Options of the wrapper (clipping, schedules, weight decay exemptions) stay with it; all others go to the optimizer. What is
 * null there has the optimizer's own default.
 */
export function createOptimizer(config: OptimizerConfig | null | undefined): OptimizerConstructor | null {
  if (config === null || config === undefined) {
    return null;
  }
  const { kind } = config;
  if (kind === null) {
    throw new ValueError("optimizer_config needs a kind, e.g. torch.optim.AdamW");
  }
  const type = optimizerClass(kind);
  const own = Object.entries(config).filter(
    ([key]) => key !== "kind" && !(OPTIMIZER_WRAPPER_KEYS as readonly string[]).includes(key),
  );
  const options = givenOptions(Object.fromEntries(own));
  const construct: TorchOptimizerConstructor = (groups) => new type(groups, options);
  return (model, { updateCounter = null } = {}) => new OptimizerWrapper(model, construct, config, { updateCounter });
}

/** The options of a config that are not null, as constructors take them: `weight_decay` is `weightDecay`. */
function givenOptions(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.entries(config).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [camelCase(key), isMapping(value) ? givenOptions(value) : value]),
  );
}

/** `weight_decay` -> `weightDecay`. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
