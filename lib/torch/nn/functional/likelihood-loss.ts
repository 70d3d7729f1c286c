/** Losses of distributions and sequences: (negative) log-likelihoods and divergences. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  integer,
  oneOf,
  real,
  tensor,
} from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import * as operators from "../../operators.generated";
import { Tensor } from "../../tensor";
import { type LossOptions, REDUCTION, reductionCode } from "./loss";

/** Options of {@link poissonNllLoss}. */
export interface PoissonNllLossOptions extends LossOptions {
  /** The input is the logarithm of the rate (default true). */
  logInput?: boolean;
  /** Add Stirling's approximation of ln target! (default false). */
  full?: boolean;
  /** Added to rates before their logarithm (default 1e-8). */
  eps?: number;
}

/** Negative log-likelihood of counts under a Poisson distribution. */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  options: PoissonNllLossOptions = {},
  ...surplus: never[]
): Tensor {
  checkArgument("poissonNllLoss", "input", input, tensor);
  checkArgument("poissonNllLoss", "target", target, tensor);
  checkOptions("poissonNllLoss", options, { reduction: REDUCTION, logInput: flag, full: flag, eps: real }, surplus);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  const code = reductionCode("poissonNllLoss", options.reduction);
  return operators.poissonNllLoss(input, target, logInput, full, eps, code);
}

/** Options of {@link gaussianNllLoss}. */
export interface GaussianNllLossOptions extends LossOptions {
  /** Add the constant ½ ln 2π (default false). */
  full?: boolean;
  /** Smallest variance (default 1e-6). */
  eps?: number;
}

/**
 * Negative log-likelihood under normal distributions.
 *
 * @param input their means.
 * @param variance of the input's shape, without its last dimension or with 1 in others, or one number.
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor | number,
  options: GaussianNllLossOptions = {},
  ...surplus: never[]
): Tensor {
  checkArgument("gaussianNllLoss", "input", input, tensor);
  checkArgument("gaussianNllLoss", "target", target, tensor);
  checkArgument("gaussianNllLoss", "variance", variance, either(tensor, real));
  checkOptions("gaussianNllLoss", options, { reduction: REDUCTION, full: flag, eps: real }, surplus);
  const { full = false, eps = 1e-6 } = options;
  const code = reductionCode("gaussianNllLoss", options.reduction);
  let spread = variance instanceof Tensor ? variance : operators.fullLike(input.detach(), variance);
  const [own, wanted] = [spread.shape, input.shape];
  if (own.join() !== wanted.join()) {
    const ahead = wanted.slice(0, -1).join();
    if (own.join() === ahead) spread = spread.unsqueeze(-1);
    else if (own.length !== wanted.length || own.some((size, d) => size !== wanted[d] && size !== 1))
      throw new TorchError(
        `gaussianNllLoss: expected a variance of the input's shape [${wanted.join(", ")}], without its last dimension or with 1 in others, got [${own.join(", ")}]`,
      );
  }
  if (noGrad(() => spread.lt(0).any().item()))
    throw new TorchError("gaussianNllLoss: expected variances of at least 0, got a negative one");
  // The bound takes no gradient: variances below it still get that of the formula.
  const bounded = spread.clone();
  noGrad(() => bounded.clampMin_(eps));
  let loss = bounded.log().add(input.sub(target).square().div(bounded)).mul(0.5);
  if (full) loss = loss.add(0.5 * Math.log(2 * Math.PI));
  return code === 0 ? loss : code === 1 ? loss.mean() : loss.sum();
}

/** Options of {@link klDiv}. */
export interface KlDivOptions {
  /** Default `"mean"`, over all entries; `"batchmean"` divides the sum by the first dimension, as the definition asks. */
  reduction?: "none" | "mean" | "sum" | "batchmean";
  /** The target is a logarithm too (default false). */
  logTarget?: boolean;
}

/** Kullback-Leibler divergence target·(ln target − input) of log-probabilities `input`. */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("klDiv", "input", input, tensor);
  checkArgument("klDiv", "target", target, tensor);
  const kinds = { reduction: oneOf("none", "mean", "sum", "batchmean"), logTarget: flag };
  checkOptions("klDiv", options, kinds, surplus);
  const { reduction = "mean", logTarget = false } = options;
  const code = reductionCode("klDiv", reduction === "batchmean" ? "sum" : reduction);
  const divergence = operators.klDiv(input, target, code, { logTarget });
  return reduction === "batchmean" && input.ndim > 0 ? divergence.div(input.size(0)) : divergence;
}

/** Options of {@link ctcLoss}. */
export interface CtcLossOptions extends LossOptions {
  /** The class that stands for "no label" (default 0). */
  blank?: number;
  /** Count sequences that cannot be aligned as 0, with no gradient, instead of infinity (default false). */
  zeroInfinity?: boolean;
}

/**
 * Connectionist temporal classification, Graves et al. 2006: log-probabilities (T, N, C) against targets (N, S), or all in one list,
 * with the lengths of both: (N) each.
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor | readonly number[],
  targetLengths: Tensor | readonly number[],
  options: CtcLossOptions = {},
  ...surplus: never[]
): Tensor {
  const lengths = either(tensor, arrayOf(count));
  checkArgument("ctcLoss", "logProbs", logProbs, tensor);
  checkArgument("ctcLoss", "targets", targets, tensor);
  checkArgument("ctcLoss", "inputLengths", inputLengths, lengths);
  checkArgument("ctcLoss", "targetLengths", targetLengths, lengths);
  checkOptions("ctcLoss", options, { reduction: REDUCTION, blank: integer, zeroInfinity: flag }, surplus);
  const { blank = 0, zeroInfinity = false } = options;
  const code = reductionCode("ctcLoss", options.reduction);
  // the overloads want both lengths of one kind
  const [ofInputs, ofTargets] = [inputLengths as Tensor, targetLengths as Tensor];
  return operators.ctcLoss(logProbs, targets, ofInputs, ofTargets, blank, code, zeroInfinity);
}
