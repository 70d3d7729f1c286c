/** Activation functions by the names that configs use. */
import type { z } from "zod";
import { literal } from "../../config/schema";
import { nn } from "../../torch";

/** The activation modules, each with PyTorch's defaults (GELU exact, LeakyReLU slope 0.01, Softplus β = 1, ELU α = 1). */
export const Activation = {
  GELU: nn.GELU,
  TANH: nn.Tanh,
  SIGMOID: nn.Sigmoid,
  RELU: nn.ReLU,
  LEAKY_RELU: nn.LeakyReLU,
  SOFTPLUS: nn.Softplus,
  ELU: nn.ELU,
  SILU: nn.SiLU,
} as const;

/** Names of the activations. */
export const ActivationTypes = literal("GELU", "TANH", "SIGMOID", "RELU", "LEAKY_RELU", "SOFTPLUS", "ELU", "SILU");
export type ActivationTypes = z.output<typeof ActivationTypes>;

/** A fresh activation module. */
export function buildActivation(name: ActivationTypes): nn.Module {
  return new Activation[name]();
}
