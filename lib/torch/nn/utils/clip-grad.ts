/** Norms of gradients, and limits for them. */
import {
  checkArgument,
  checkOptions,
  flag,
  nonNegative,
  real,
  refuseSurplus,
  tensor as tensorKind,
  type KindsOf,
} from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { vectorNorm } from "../../linalg.generated";
import {
  _foreachClampMax_,
  _foreachClampMin_,
  _foreachMul_,
  _foreachNorm,
  stack,
  zeros,
} from "../../operators.generated";
import { ops } from "../../overloads";
import { scope } from "../../scope";
import { Tensor } from "../../tensor";
import { listOf } from "./lists";

/** How gradients are measured. */
export interface NormOptions {
  /** Order of the norm (default 2); Infinity takes the largest entry. */
  normType?: number;
  /** Throw when the total is NaN or infinite (default false). */
  errorIfNonfinite?: boolean;
}

const OPTIONS = { normType: real, errorIfNonfinite: flag } satisfies KindsOf<NormOptions>;

/** Norm over all tensors as if they were one vector, as a 0-dim tensor on the first one's device. */
export function getTotalNorm(tensors: Iterable<Tensor>, options: NormOptions = {}, ...surplus: never[]): Tensor {
  checkOptions("getTotalNorm", options, OPTIONS, surplus);
  const { normType = 2, errorIfNonfinite = false } = options;
  return scope(() => {
    const list = listOf("getTotalNorm", tensors);
    const first = list[0];
    if (first === undefined) return zeros([]);
    const total = normOf(list, normType);
    if (errorIfNonfinite && !Number.isFinite(total.item())) {
      throw new TorchError(
        `The total norm of order ${normType}: expected a finite number, got ${total.item()}; pass errorIfNonfinite: false to continue`,
      );
    }
    return total;
  });
}

/** The norm of all entries. That of a training step is native (`native/src/ops/total_norm.cpp`): one parallel pass over memory. */
function normOf(tensors: readonly Tensor[], normType: number): Tensor {
  const { device } = tensors[0]!;
  if (normType === 2 && tensors.every((tensor) => tensor.device === device && !tensor.requiresGrad)) {
    return ops.call("noether::total_norm", tensors) as Tensor;
  }
  return vectorNorm(stack(_foreachNorm([...tensors], normType).map((norm) => norm.to({ device }))), normType);
}

/**
 * Scales all gradients in place by min(1, maxNorm / (total + 1e-6)), also by 1; NaN passes through.
 *
 * @returns the total norm before clipping, a 0-dim tensor (0 when there is no gradient).
 */
export function clipGradNorm_(
  parameters: Iterable<Tensor> | Tensor,
  maxNorm: number,
  options: NormOptions = {},
  ...surplus: never[]
): Tensor {
  checkArgument("clipGradNorm_", "maxNorm", maxNorm, nonNegative);
  checkOptions("clipGradNorm_", options, OPTIONS, surplus);
  return noGrad(() =>
    scope(() => {
      const gradients = gradientsOf("clipGradNorm_", parameters);
      const total = getTotalNorm(gradients, options);
      scaleToNorm(gradients, maxNorm, total);
      return total;
    }),
  );
}

/** {@link clipGradNorm_} with a total norm that has been measured already ({@link getTotalNorm}), 0-dim. */
export function clipGradsWithNorm_(
  parameters: Iterable<Tensor> | Tensor,
  maxNorm: number,
  totalNorm: Tensor,
  ...surplus: never[]
): void {
  checkArgument("clipGradsWithNorm_", "maxNorm", maxNorm, nonNegative);
  checkArgument("clipGradsWithNorm_", "totalNorm", totalNorm, tensorKind);
  refuseSurplus("clipGradsWithNorm_", surplus);
  noGrad(() => scope(() => scaleToNorm(gradientsOf("clipGradsWithNorm_", parameters), maxNorm, totalNorm)));
}

function scaleToNorm(gradients: Tensor[], maxNorm: number, total: Tensor): void {
  if (gradients.length > 0) _foreachMul_(gradients, total.add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1));
}

/** Limits every entry of all gradients to ±clipValue, in place. */
export function clipGradValue_(parameters: Iterable<Tensor> | Tensor, clipValue: number, ...surplus: never[]): void {
  checkArgument("clipGradValue_", "clipValue", clipValue, nonNegative);
  refuseSurplus("clipGradValue_", surplus);
  noGrad(() =>
    scope(() => {
      const gradients = gradientsOf("clipGradValue_", parameters);
      if (gradients.length === 0) return;
      _foreachClampMin_(gradients, -clipValue);
      _foreachClampMax_(gradients, clipValue);
    }),
  );
}

function gradientsOf(where: string, parameters: Iterable<Tensor> | Tensor): Tensor[] {
  const list = parameters instanceof Tensor ? [parameters] : listOf(where, parameters);
  return list.map((parameter) => parameter.grad).filter((gradient) => gradient !== null);
}
