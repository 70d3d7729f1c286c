/** Activations that are no operator of their own. */
import {
  byPositionOrName,
  checkArgument,
  checkOptions,
  dtype as dtypeKind,
  flag,
  integer,
  nullable,
  real,
  refuseSurplus,
  tensor,
} from "../../arguments";
import type { DTypeLike } from "../../dtype";
import { noGrad } from "../../autograd";
import { emptyLike, softmax, tanh } from "../../operators.generated";
import type { Tensor } from "../../tensor";
import { TorchError } from "../../errors";

/** The arguments of {@link softmin}. */
export interface SoftminOptions {
  dim: number;
  /** The input is converted first (default: as it is). */
  dtype?: DTypeLike | null;
}

/** Softmax of −x along `dim`. */
export function softmin(input: Tensor, dim: number, options?: { dtype?: DTypeLike | null }): Tensor;
export function softmin(input: Tensor, options: SoftminOptions): Tensor;
export function softmin(input: Tensor, ...given: unknown[]): Tensor {
  checkArgument("softmin", "input", input, tensor);
  const kinds = { dim: integer, dtype: nullable(dtypeKind) };
  const { dim, dtype } = byPositionOrName<SoftminOptions>("softmin", kinds, given);
  checkArgument("softmin", "dim", dim, integer);
  return softmax(input.neg(), dim!, dtype);
}

/** x / (1 + |x|). */
export function softsign(input: Tensor, ...surplus: never[]): Tensor {
  checkArgument("softsign", "input", input, tensor);
  refuseSurplus("softsign", surplus);
  return input.div(input.abs().add(1));
}

/** x − tanh(x). */
export function tanhshrink(input: Tensor, ...surplus: never[]): Tensor {
  checkArgument("tanhshrink", "input", input, tensor);
  refuseSurplus("tanhshrink", surplus);
  return input.sub(tanh(input));
}

/** Options of {@link gumbelSoftmax}. */
export interface GumbelSoftmaxOptions {
  /** Temperature (default 1). */
  tau?: number;
  /** Give one-hot samples, with the gradient of the soft ones (default false). */
  hard?: boolean;
  /** The dimension of the categories (default −1). */
  dim?: number;
}

/** Samples of the Gumbel-softmax distribution of logits. Jang et al. 2016, arXiv 1611.01144. */
export function gumbelSoftmax(logits: Tensor, options: GumbelSoftmaxOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("gumbelSoftmax", "logits", logits, tensor);
  checkOptions("gumbelSoftmax", options, { tau: real, hard: flag, dim: integer }, surplus);
  const { tau = 1, hard = false, dim = -1 } = options;
  if (!(tau > 0)) throw new TorchError(`gumbelSoftmax: expected a temperature tau above 0, got ${tau}`);
  const gumbels = noGrad(() => emptyLike(logits.detach()).exponential_().log().neg());
  const soft = softmax(logits.add(gumbels).div(tau), dim);
  if (!hard) return soft;
  const index = soft.argmax(dim, true);
  const oneHot = noGrad(() => emptyLike(soft.detach()).zero_().scatter_(dim, index, 1));
  return oneHot.sub(soft.detach()).add(soft);
}
