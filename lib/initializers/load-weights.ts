import { scope, type Tensor } from "../torch";
import type { ModelBase } from "../core/models";
import { RuntimeError } from "../core/python-errors";
import type { Logger } from "../core/utils/logging";

/**
 * Loads weights into a model; all keys and shapes have to fit.
 *
 * Weights that change nothing are suspicious (a wrong file, a pattern that replaced everything); they are reported. If the
 * model does not hold what the file says afterwards, that is an error.
 *
 * @param source What the weights are from, for messages.
 */
export function loadWeights(
  model: ModelBase,
  stateDict: ReadonlyMap<string, Tensor>,
  source: string,
  logger: Logger,
): void {
  scope(() => {
    const before = new Map([...model.stateDict()].map(([name, tensor]) => [name, tensor.clone()]));
    try {
      model.loadStateDict(stateDict);
    } catch (cause) {
      throw new RuntimeError(
        `cannot load ${source} into model '${model.name}': ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
    const after = model.stateDict();
    for (const [name, tensor] of stateDict) {
      const held = after.get(name);
      if (held === undefined || !isSame(held, tensor.to({ dtype: held.dtype, device: held.device }))) {
        throw new RuntimeError(
          `weights of model '${model.name}' did not change: '${name}' differs from ${source} after loading`,
        );
      }
    }
    const changed = [...before].some(([name, tensor]) => !isSame(tensor, after.get(name) as Tensor));
    if (!changed && before.size > 0) {
      logger.warning(
        `loading ${source} did not change any weight of model '${model.name}': it held these values already`,
      );
    }
  });
}

/** Equal values; NaN equals NaN. */
function isSame(a: Tensor, b: Tensor): boolean {
  return a.equal(b) || Boolean(a.eq(b).logicalOr(a.isnan().logicalAnd(b.isnan())).all().item());
}
