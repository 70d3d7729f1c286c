import { scope, type Tensor } from "../torch";
import type { ModelBase } from "../core/models";
import { toCurrentState } from "../core/release-1.1";
import { RuntimeError } from "../config/python-errors";
import type { Logger } from "../core/logging";
import { otherAttention } from "./other-attention";

/**
 * Loads weights of either release of the Python framework into a model; all keys and shapes have to fit.
 *
 * Weights that change nothing are suspicious (a wrong file, a pattern that replaced everything); they are reported. If the
 * model does not hold what the file says afterwards, that is an error.
 *
 * @param source What the weights are from, for messages.
 * @param storedConfig Config of the model that had the weights, as the file has it.
 */
export function loadWeights(
  model: ModelBase,
  stateDict: ReadonlyMap<string, Tensor>,
  source: string,
  logger: Logger,
  storedConfig: Readonly<Record<string, unknown>> | null = null,
): void {
  scope(() => {
    stateDict = toCurrentState(stateDict, model.stateDict().keys());
    const differing = (): string | undefined => {
      const held = model.stateDict();
      return [...stateDict].find(([name, loaded]) => differs(held.get(name), loaded))?.[0];
    };
    const wasEqual = differing() === undefined;
    try {
      model.loadStateDict(stateDict);
    } catch (cause) {
      throw new RuntimeError(
        `cannot load ${source} into model '${model.name}': ${otherAttention(model.stateDict(), stateDict) ?? (cause instanceof Error ? cause.message : String(cause))}`,
        { cause },
      );
    }
    const wrong = differing();
    if (wrong !== undefined) {
      throw new RuntimeError(
        `weights of model '${model.name}' did not change: '${wrong}' differs from ${source} after loading`,
      );
    }
    if (storedConfig !== null) model.adoptStoredConfig(storedConfig);
    if (wasEqual && stateDict.size > 0) {
      logger.warning(
        `loading ${source} did not change any weight of model '${model.name}': it held these values already`,
      );
    }
  });
}

/** Whether a model's tensor holds other values than a file's; NaN equals NaN. */
function differs(own: Tensor | undefined, loaded: Tensor): boolean {
  if (own === undefined || own.shape.join() !== loaded.shape.join()) return true;
  return scope(() => {
    const value = loaded.to({ dtype: own.dtype, device: own.device });
    return !own.equal(value) && !own.eq(value).logicalOr(own.isnan().logicalAnd(value.isnan())).all().item();
  });
}
