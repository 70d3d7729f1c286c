import { cat, isGradEnabled, nn } from "../../torch";
import type { Tensor } from "../../torch";
import { joinedView, joinStorage } from "../../torch/joined-storage";

/** Lets {@link jointLinear} read the weights of `layers`, and their biases, as one tensor each. */
export function joinLayers(layers: readonly nn.Linear[]): void {
  joinStorage(layers.map(({ weight }) => weight));
  const biases = layers.flatMap(({ bias }) => bias ?? []);
  if (biases.length > 0) joinStorage(biases);
}

/**
 * The outputs of several linear layers of one input side by side, as one product: that is faster than a product for each.
 *
 * Shapes: x (..., in) → (..., sum of the layers' outputs).
 *
 * @param layers all with a bias or all without; without a copy of their weights after {@link joinLayers}, where no gradients are recorded
 */
export function jointLinear(x: Tensor, layers: readonly nn.Linear[]): Tensor {
  const biases = layers.flatMap(({ bias }) => bias ?? []);
  return nn.functional.linear(x, joint(layers.map(({ weight }) => weight)), biases.length > 0 ? joint(biases) : null);
}

function joint(parameters: readonly nn.Parameter[]): Tensor {
  const isRecorded = isGradEnabled() && parameters.some(({ requiresGrad }) => requiresGrad);
  return (isRecorded ? null : joinedView(parameters)) ?? cat([...parameters], 0);
}
