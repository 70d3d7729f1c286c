/** A linear layer and cross entropy in one. */
import { checkArgument, checkOptions, integer, nullable, oneOf, real, tensor, type KindsOf } from "../../arguments";
import { TorchError } from "../../errors";
import { linear } from "../../operators.generated";
import type { Tensor } from "../../tensor";
import { crossEntropy, type CrossEntropyOptions } from "./loss";

/** Options of {@link linearCrossEntropy}. */
export interface LinearCrossEntropyOptions extends CrossEntropyOptions {
  /** (C, …K), or null. */
  linearBias?: Tensor | null;
}

const OPTIONS = {
  reduction: oneOf("none", "mean", "sum"),
  weight: nullable(tensor),
  ignoreIndex: integer,
  labelSmoothing: real,
  linearBias: nullable(tensor),
} satisfies KindsOf<LinearCrossEntropyOptions>;

/**
 * Cross entropy of the logits `input · linearWeightᵀ + linearBias`: input (N, F) or (F), linearWeight (C, …K, F), target (N, …K) int64 or
 * probabilities (N, C, …K).
 */
export function linearCrossEntropy(
  input: Tensor,
  linearWeight: Tensor,
  target: Tensor,
  options: LinearCrossEntropyOptions = {},
  ...surplus: never[]
): Tensor {
  const where = "linearCrossEntropy";
  checkArgument(where, "input", input, tensor);
  checkArgument(where, "linearWeight", linearWeight, tensor);
  checkArgument(where, "target", target, tensor);
  checkOptions(where, options, OPTIONS, surplus);
  const { linearBias = null, ...loss } = options;
  const [inputShape, weightShape] = [`[${input.shape.join(", ")}]`, `[${linearWeight.shape.join(", ")}]`];
  if (input.ndim < 1 || input.ndim > 2)
    throw new TorchError(`${where}: expected an input of 1 or 2 dimensions, got shape ${inputShape}`);
  if (linearWeight.ndim < 2)
    throw new TorchError(`${where}: expected a linearWeight of at least 2 dimensions, got shape ${weightShape}`);
  const features = input.size(-1);
  if (linearWeight.size(-1) !== features)
    throw new TorchError(`${where}: expected linearWeight for ${features} features, got shape ${weightShape}`);
  if (linearWeight.ndim > 2 && input.ndim === 1)
    throw new TorchError(
      `${where}: expected a batch, (N, ${features}), for linearWeight of shape ${weightShape}, got ${inputShape}`,
    );
  const outputs = linearWeight.shape.slice(0, -1);
  if (linearBias !== null && linearBias.shape.join() !== outputs.join())
    throw new TorchError(
      `${where}: expected linearBias of shape [${outputs.join(", ")}], got [${linearBias.shape.join(", ")}]`,
    );
  const shape = [...input.shape.slice(0, -1), ...outputs];
  if (loss.ignoreIndex !== undefined && target.shape.join() === shape.join())
    throw new TorchError(`${where}: expected no ignoreIndex for a target of probabilities, got ${loss.ignoreIndex}`);
  const logits = linear(input, linearWeight.reshape([-1, features]), linearBias?.reshape([-1]) ?? null); // (N, C·∏K)
  return crossEntropy(logits.reshape(shape), target, loss);
}
