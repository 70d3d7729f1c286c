/** Batch norms with fixed statistics as part of the layer before them. */
import { checkOptions, flag, refuseSurplus } from "../../arguments";
import { noGrad } from "../../autograd";
import { deepcopy } from "../../deepcopy";
import { TorchError } from "../../errors";
import { onesLike, zerosLike } from "../../operators.generated";
import type { Tensor } from "../../tensor";
import type { BatchNorm1d, BatchNorm2d, BatchNorm3d } from "../batch-norm";
import type { Module } from "../module";
import { Parameter } from "../parameter";

type BatchNorm = BatchNorm1d | BatchNorm2d | BatchNorm3d;
type Weighted = Module & { weight: Parameter; bias: Parameter | null };

/** Options of {@link fuseConvBnEval}. */
export interface FuseOptions {
  /** The layer is a transposed convolution, with its outputs in dimension 1 (default false). */
  transpose?: boolean;
}

/** A copy of a convolution that also does what the batch norm behind it does. Both are in evaluation mode. */
export function fuseConvBnEval<Conv extends Weighted>(
  conv: Conv,
  bn: BatchNorm,
  options: FuseOptions = {},
  ...surplus: never[]
): Conv {
  checkOptions("fuseConvBnEval", options, { transpose: flag }, surplus);
  return fuse("fuseConvBnEval", conv, bn, (mean, variance) =>
    fuseConvBnWeights(conv.weight, conv.bias, mean, variance, bn.eps, bn.weight, bn.bias, options),
  );
}

/** A copy of a linear layer that also does what the batch norm behind it does. Both are in evaluation mode. */
export function fuseLinearBnEval<Layer extends Weighted>(linear: Layer, bn: BatchNorm, ...surplus: never[]): Layer {
  refuseSurplus("fuseLinearBnEval", surplus);
  const features = linear.weight.size(0);
  if (bn.numFeatures !== features && bn.numFeatures !== 1)
    throw new TorchError(`fuseLinearBnEval: expected a batch norm of ${features} features or 1, got ${bn.numFeatures}`);
  return fuse("fuseLinearBnEval", linear, bn, (mean, variance) =>
    fuseLinearBnWeights(linear.weight, linear.bias, mean, variance, bn.eps, bn.weight, bn.bias),
  );
}

function fuse<Layer extends Weighted>(
  where: string,
  layer: Layer,
  bn: BatchNorm,
  weights: (mean: Tensor, variance: Tensor) => [Parameter, Parameter],
): Layer {
  if (layer.training || bn.training)
    throw new TorchError(`${where}: expected both modules in evaluation mode, got one that trains: call eval()`);
  const { runningMean, runningVar } = bn;
  if (!runningMean || !runningVar)
    throw new TorchError(`${where}: expected a batch norm with running statistics, got one without`);
  const fused = deepcopy(layer);
  [fused.weight, fused.bias] = weights(runningMean, runningVar);
  return fused;
}

/** Weight and bias of {@link fuseConvBnEval}. Null stands for a weight of 1, a bias of 0. */
export function fuseConvBnWeights(
  convWeight: Tensor,
  convBias: Tensor | null,
  runningMean: Tensor,
  runningVar: Tensor,
  eps: number,
  bnWeight: Tensor | null,
  bnBias: Tensor | null,
  options: FuseOptions = {},
  ...surplus: never[]
): [weight: Parameter, bias: Parameter] {
  checkOptions("fuseConvBnWeights", options, { transpose: flag }, surplus);
  return noGrad(() => {
    const gain = bnWeight ?? onesLike(runningMean);
    const scale = runningVar.add(eps).rsqrt();
    const ones = new Array<number>(convWeight.ndim - 2).fill(1);
    const shape = options.transpose ? [1, -1, ...ones] : [-1, 1, ...ones];
    const weight = convWeight.mul(gain.mul(scale).reshape(shape)).to(convWeight.dtype);
    const offset = convBias ?? zerosLike(runningMean);
    const bias = offset
      .sub(runningMean)
      .mul(scale)
      .mul(gain)
      .add(bnBias ?? zerosLike(runningMean))
      .to((convBias ?? convWeight).dtype);
    const train = { requiresGrad: convWeight.requiresGrad };
    return [
      new Parameter(weight, train),
      new Parameter(bias, { requiresGrad: convBias?.requiresGrad ?? train.requiresGrad }),
    ];
  });
}

/** Weight and bias of {@link fuseLinearBnEval}. */
export function fuseLinearBnWeights(
  linearWeight: Tensor,
  linearBias: Tensor | null,
  runningMean: Tensor,
  runningVar: Tensor,
  eps: number,
  bnWeight: Tensor | null,
  bnBias: Tensor | null,
  ...surplus: never[]
): [weight: Parameter, bias: Parameter] {
  refuseSurplus("fuseLinearBnWeights", surplus);
  return fuseConvBnWeights(linearWeight, linearBias, runningMean, runningVar, eps, bnWeight, bnBias);
}
