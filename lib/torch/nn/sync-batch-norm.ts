import { Function, type FunctionContext, noGrad } from "../autograd";
import { allGather, allReduce } from "../distributed/blocking";
import { defaultGroup, isInitialized, type ProcessGroup } from "../distributed/process-group";
import type { DType } from "../dtype";
import { TorchError } from "../errors";
import { cat, full, stack, sum } from "../operators.generated";
import type { Tensor } from "../tensor";
import { BatchNorm, type BatchNormOptions } from "./batch-norm";
import { ModuleDict } from "./containers";
import { Module } from "./module";

/** Options of {@link SyncBatchNorm}. */
export interface SyncBatchNormOptions extends BatchNormOptions {
  /** Processes whose samples count as one batch. Default: all. */
  processGroup?: ProcessGroup;
}

/**
 * Batch norm of `(N, C, …)` by the statistics of all processes' samples while training: what one process computes that has the whole batch.
 * In evaluation, and where there is one process, it is the ordinary batch norm. Each pass exchanges 2·C + 1 numbers, forward and backward;
 * processes may have different N, also none.
 *
 * The weights' gradients are those of this process's samples, as of every module: `DistributedDataParallel` averages them.
 */
export class SyncBatchNorm extends BatchNorm {
  /** Null: all processes. */
  readonly processGroup: ProcessGroup | null;

  constructor(numFeatures: number, options: SyncBatchNormOptions = {}, ...surplus: never[]) {
    const { processGroup, ...rest } = options;
    super(numFeatures, rest, ...surplus);
    this.processGroup = processGroup ?? null;
  }

  override forward(input: Tensor, ...surplus: never[]): Tensor {
    const isShared = this.training && isInitialized() && (this.processGroup ?? defaultGroup()).size > 1;
    if (!isShared) return super.forward(input, ...surplus);
    if (!this.accepts(input.ndim)) this.refuse(input, this.expected);
    const group = this.processGroup ?? defaultGroup();
    const statistics = noGrad(() => statisticsOf(input, group));
    noGrad(() => follow(this, statistics));
    const { mean, variance, count } = statistics;
    const scale = noGrad(() => variance.add(this.eps).rsqrt());
    const normal = Normalize.apply(input, mean, scale, count, group) as Tensor;
    const shape = channelShape(input);
    const scaled = this.weight === null ? normal : normal.mul(this.weight.reshape(shape));
    return (this.bias === null ? scaled : scaled.add(this.bias.reshape(shape))).to(input.dtype);
  }

  /**
   * Puts synchronized batch norms in the place of the ordinary ones, with their weights and statistics.
   *
   * @returns the module; another one where it is a batch norm itself
   */
  static convertSyncBatchnorm(module: Module, processGroup?: ProcessGroup): Module {
    return converted(module, processGroup, new Map());
  }

  protected accepts(dims: number): boolean {
    return dims >= 2;
  }

  protected get expected(): string {
    return "2 dimensions or more";
  }
}

function converted(module: Module, group: ProcessGroup | undefined, done: Map<Module, Module>): Module {
  const known = done.get(module);
  if (known !== undefined) return known;
  const result =
    module instanceof BatchNorm && !(module instanceof SyncBatchNorm) ? synchronized(module, group) : module;
  done.set(module, result);
  if (module instanceof ModuleDict) {
    for (const [key, child] of [...(module as ModuleDict).entries()]) module.set(key, converted(child, group, done));
    return module;
  }
  for (const [key, child] of Object.entries(module) as [string, unknown][]) {
    if (!(child instanceof Module)) continue;
    const replaced = converted(child, group, done);
    if (replaced !== child) Object.assign(module, { [key]: replaced });
  }
  return result;
}

function synchronized(norm: BatchNorm, processGroup: ProcessGroup | undefined): SyncBatchNorm {
  const { numFeatures, eps, momentum, affine, trackRunningStats } = norm;
  const made = new SyncBatchNorm(numFeatures, {
    eps,
    momentum,
    affine,
    trackRunningStats,
    ...(processGroup === undefined ? {} : { processGroup }),
  });
  made.weight = norm.weight;
  made.bias = norm.bias;
  made.runningMean = norm.runningMean;
  made.runningVar = norm.runningVar;
  made.numBatchesTracked = norm.numBatchesTracked;
  made.train(norm.training);
  return made;
}

/** Of all samples and positions, (C); the variance is the mean of squared distances. */
interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** Samples times positions, of all processes. */
  readonly count: number;
}

/** Each process's mean and sum of squared distances from it, put together without cancellation (Chan, Golub & LeVeque, 1979). */
function statisticsOf(input: Tensor, group: ProcessGroup): Statistics {
  const channels = input.shape[1]!;
  const dims = otherDims(input);
  const value = input.detach().to(input.dtype === "float64" ? "float64" : "float32");
  const own = value.numel() / channels;
  const ownMean = sum(value, dims).div(Math.max(own, 1));
  const ownSquares = sum(value.sub(ownMean.reshape(channelShape(input))).square(), dims);
  const numbers = cat([ownMean, ownSquares, full([1], own, { dtype: value.dtype, device: value.device })]);
  // (W, 2·C + 1)
  const all = stack(allGather(numbers, { group }));
  const counts = all.narrow(1, 2 * channels, 1);
  const count = Number(counts.sum().item());
  if (count <= 1) {
    throw new TorchError(
      `SyncBatchNorm: expected more than one value per channel while training, got ${count} in all processes`,
    );
  }
  const means = all.narrow(1, 0, channels);
  const mean = means.mul(counts).sum(0).div(count);
  const squares = all.narrow(1, channels, channels).add(means.sub(mean).square().mul(counts)).sum(0);
  return { mean, variance: squares.div(count), count };
}

/** Moves the running statistics towards those of a batch. */
function follow(norm: SyncBatchNorm, { mean, variance, count }: Statistics): void {
  if (norm.runningMean === null || norm.runningVar === null || norm.numBatchesTracked === null) return;
  norm.numBatchesTracked.add_(1);
  const momentum = norm.momentum ?? 1 / Number(norm.numBatchesTracked.item());
  norm.runningMean.lerp_(mean.to(norm.runningMean.dtype), momentum);
  // of a sample: n / (n − 1)
  norm.runningVar.lerp_(variance.mul(count / (count - 1)).to(norm.runningVar.dtype), momentum);
}

/** (x − mean) · scale, whose mean and scale depend on the samples of all processes. */
class Normalize extends Function {
  static forward(
    context: FunctionContext,
    input: Tensor,
    mean: Tensor,
    scale: Tensor,
    count: number,
    group: ProcessGroup,
  ): Tensor {
    const shape = channelShape(input);
    const value = input.to(mean.dtype).sub(mean.reshape(shape)).mul(scale.reshape(shape));
    context["dtype"] = input.dtype;
    context["count"] = count;
    context["group"] = group;
    context.saveForBackward(value, scale);
    return value;
  }

  static backward(context: FunctionContext, gradient: Tensor): (Tensor | null)[] {
    const [value, scale] = context.savedTensors as [Tensor, Tensor];
    const count = context["count"] as number;
    const group = context["group"] as ProcessGroup;
    const shape = channelShape(value);
    const dims = otherDims(value);
    // (2, C): sums over the samples of all processes
    const sums = stack([sum(gradient, dims), sum(gradient.mul(value), dims)]);
    allReduce(sums, "sum", { group });
    const means = sums.div(count);
    const inner = gradient.sub(means.select(0, 0).reshape(shape)).sub(value.mul(means.select(0, 1).reshape(shape)));
    return [inner.mul(scale.reshape(shape)).to(context["dtype"] as DType), null, null, null, null];
  }
}

/** (1, C, 1, …) */
function channelShape(input: Tensor): number[] {
  return input.shape.map((length, dim) => (dim === 1 ? length : 1));
}

/** All but the channels. */
function otherDims(input: Tensor): number[] {
  return input.shape.flatMap((_, dim) => (dim === 1 ? [] : [dim]));
}
