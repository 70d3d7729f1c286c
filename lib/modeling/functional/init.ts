/**
 * Weight initialisation of the building blocks.
 *
 * A layer first draws its default ("torch") weights when it is constructed; the functions here then overwrite them. Both steps consume
 * random numbers, so a seed gives the same weights as the same modules built in Python (with the truncated normal of torch ≤ 2.11).
 */
import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { literal } from "../../config/schema";
import { nn } from "../../torch";
import type { Tensor } from "../../torch";

/** Names of the initialisation methods; which module accepts which is checked when the module is built. */
export const InitWeightsMode = literal(
  "truncnormal002",
  "torch",
  "truncnormal",
  "truncnormal002-identity",
  "torchs",
  "zeros",
);
export type InitWeightsMode = z.output<typeof InitWeightsMode>;

/** Standard deviation that "truncnormal" and "truncnormal002" stand for. */
const STANDARD_DEVIATION = 0.02;

/** A layer with a weight matrix and perhaps a bias: linear or convolution. */
interface AffineLayer extends nn.Module {
  weight: Tensor;
  bias: Tensor | null;
}

function isAffineLayer(layer: nn.Module): layer is AffineLayer {
  return (
    layer instanceof nn.Linear || layer instanceof nn.Conv1d || layer instanceof nn.Conv2d || layer instanceof nn.Conv3d
  );
}

/** Sets the bias of a linear or convolution layer to zero; other modules are left alone. */
export function initBiasToZero(layer: nn.Module): void {
  if (isAffineLayer(layer) && layer.bias) nn.init.zeros_(layer.bias);
}

/**
 * Weight from a normal distribution cut at ±2 (absolute, so with the usual `std` hardly ever cut), bias zero.
 * Modules that are neither linear nor convolution are left alone.
 */
export function initTruncNormalZeroBias(layer: nn.Module, { std = STANDARD_DEVIATION } = {}): void {
  if (!isAffineLayer(layer)) return;
  nn.init.truncNormal_(layer.weight, 0, std, -2, 2);
  initBiasToZero(layer);
}

/**
 * Re-initialises every linear layer of `module`.
 *
 * @param projection weight that "truncnormal002-identity" sets to zero, so that a residual block starts as the identity
 * @throws Error when no such module accepts `method`
 */
export function applyInitMethod(module: nn.Module, projection: Tensor, method: InitWeightsMode): void {
  if (method === "torch") return;
  if (method === "zeros" || method === "torchs") {
    throw unsupportedInit(module, method, ["torch", "truncnormal", "truncnormal002", "truncnormal002-identity"]);
  }
  module.apply((layer) => initTruncNormalZeroBias(layer));
  if (method === "truncnormal002-identity") nn.init.zeros_(projection);
}

/** The error of a module that does not know an initialisation method. */
export function unsupportedInit(
  module: nn.Module,
  method: InitWeightsMode,
  known: readonly InitWeightsMode[],
): ValueError {
  return new ValueError(`${module.constructor.name}: init_weights must be one of ${known.join(", ")}, got ${method}`);
}
