/** PyTorch's older functions for weight norm and spectral norm, which keep what they need as members of the module itself. */
import { byPositionOrName, integer, nullable, refuseSurplus, text } from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { _weightNorm, normExceptDim } from "../../operators.generated";
import type { Tensor } from "../../tensor";
import { normalize } from "../functional/normalization";
import type { Module } from "../module";
import { Parameter } from "../parameter";
import {
  asMatrix,
  outputDim,
  powerMethod,
  SPECTRAL_NORM,
  tensorOf,
  type SpectralNormOptions,
  type WeightNormOptions,
} from "./parametrizations";

/** A module as this file sees it. */
type Members = Module & Record<string, Tensor>;

/** Marks the accessor that stands for a normed tensor. */
const kinds = new WeakMap<object, "weightNorm" | "spectralNorm">();

/** Puts a computed tensor in the place of a parameter. A copy of the module has the same accessor, hence `this`. */
function compute(
  module: Module,
  name: string,
  kind: "weightNorm" | "spectralNorm",
  get: (module: Members) => Tensor,
): () => Tensor {
  const accessor = function (this: Members): Tensor {
    return get(this);
  };
  kinds.set(accessor, kind);
  Reflect.deleteProperty(module, name);
  Object.defineProperty(module, name, { get: accessor, enumerable: false, configurable: true });
  return accessor;
}

function accessorOf(module: Module, name: string): object | undefined {
  const descriptor: { get?: object } = Object.getOwnPropertyDescriptor(module, name) ?? {};
  return descriptor.get;
}

function kindOf(module: Module, name: string): string | undefined {
  const get = accessorOf(module, name);
  return get === undefined ? undefined : kinds.get(get);
}

/** Puts a parameter in the place of a computed tensor, and takes away what it was computed from. */
function uncompute(where: string, module: Module, name: string, kind: string, from: readonly string[]): void {
  if (kindOf(module, name) !== kind)
    throw new TorchError(`${where}: expected a tensor of ${module.constructor.name} with ${kind}, got "${name}"`);
  const value = new Parameter(noGrad(() => (module as Members)[name]!));
  for (const part of [name, ...from.map((suffix) => name + suffix)]) Reflect.deleteProperty(module, part);
  module.registerParameter(name, value);
}

/**
 * `nn.utils.parametrizations.weightNorm` with the state-dict keys of PyTorch's older `torch.nn.utils.weight_norm`, `weight_g` and `weight_v`. New
 * code takes the other one, which also loads these.
 *
 * @returns the module.
 */
export function weightNorm<M extends Module>(module: M, name?: string, dim?: number | null): M;
export function weightNorm<M extends Module>(module: M, options: WeightNormOptions): M;
export function weightNorm<M extends Module>(module: M, ...given: unknown[]): M {
  const options = byPositionOrName<WeightNormOptions>("weightNorm", { name: text, dim: nullable(integer) }, given);
  const { name = "weight" } = options;
  const dim = (options.dim === undefined ? 0 : options.dim) ?? -1;
  const weight = tensorOf("weightNorm", module, name);
  if (kindOf(module, name) !== undefined)
    throw new TorchError(`weightNorm: expected a tensor without a norm, got "${name}", which has one`);
  const magnitude = noGrad(() => normExceptDim(weight, 2, dim));
  compute(module, name, "weightNorm", (from) => _weightNorm(from[`${name}V`]!, from[`${name}G`]!, dim));
  module.registerParameter(`${name}G`, new Parameter(magnitude));
  module.registerParameter(`${name}V`, new Parameter(weight));
  return module;
}

/** Undoes {@link weightNorm}: the weight keeps its value. */
export function removeWeightNorm<M extends Module>(module: M, name = "weight", ...surplus: never[]): M {
  refuseSurplus("removeWeightNorm", surplus);
  uncompute("removeWeightNorm", module, name, "weightNorm", ["G", "V"]);
  return module;
}

/**
 * `nn.utils.parametrizations.spectralNorm` with the state-dict keys of PyTorch's older `torch.nn.utils.spectral_norm`, `weight_orig`, `weight_u`
 * and `weight_v`. New code takes the other one, which also loads these.
 *
 * @returns the module.
 */
export function spectralNorm<M extends Module>(
  module: M,
  name?: string,
  nPowerIterations?: number,
  eps?: number,
  dim?: number | null,
): M;
export function spectralNorm<M extends Module>(module: M, options: SpectralNormOptions): M;
export function spectralNorm<M extends Module>(module: M, ...given: unknown[]): M {
  const options = byPositionOrName<SpectralNormOptions>("spectralNorm", SPECTRAL_NORM, given);
  const { name = "weight", nPowerIterations = 1, eps = 1e-12 } = options;
  const dim = options.dim ?? outputDim(module);
  const weight = tensorOf("spectralNorm", module, name);
  if (kindOf(module, name) !== undefined)
    throw new TorchError(`spectralNorm: expected a tensor without a norm, got "${name}", which has one`);
  const [rows, columns] = asMatrix(weight, dim).shape as [number, number];
  const start = (length: number): Tensor =>
    noGrad(() => normalize(weight.newEmpty([length]).normal_(0, 1), { dim: 0, eps }));
  const [u, v] = [start(rows), start(columns)];
  const accessor = compute(module, name, "spectralNorm", (from) => {
    const original = from[`${name}Orig`]!;
    // copies, since the next pass writes the vectors while the graph still needs them
    return original.div(from[`${name}U`]!.clone().dot(asMatrix(original, dim).mv(from[`${name}V`]!.clone())));
  });
  module.registerParameter(`${name}Orig`, new Parameter(weight));
  module.registerBuffer(`${name}U`, u);
  module.registerBuffer(`${name}V`, v);
  module.registerForwardPreHook((from) => {
    // another accessor: this norm was removed
    if (!from.training || accessorOf(from, name) !== accessor) return;
    const held = from as Members;
    const matrix = noGrad(() => asMatrix(held[`${name}Orig`]!, dim));
    // this function begins with the other vector
    powerMethod(matrix.H, held[`${name}V`]!, held[`${name}U`]!, nPowerIterations, eps);
  });
  return module;
}

/** Undoes {@link spectralNorm}: the weight keeps its value, divided by the norm. */
export function removeSpectralNorm<M extends Module>(module: M, name = "weight", ...surplus: never[]): M {
  refuseSurplus("removeSpectralNorm", surplus);
  uncompute("removeSpectralNorm", module, name, "spectralNorm", ["Orig", "U", "V"]);
  return module;
}
