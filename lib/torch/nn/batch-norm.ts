import { checkArgument, checkOptions, count, flag, nullable, real, refuseSurplus, type KindsOf } from "../arguments";
import { tensor } from "../creation";
import { ones, zeros } from "../operators.generated";
import { TorchError } from "../errors";
import { batchNorm } from "./functional/normalization";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr, pythonRepr } from "./repr";

/** Options of the batch norms; instance norms have the same, with other defaults. */
export interface BatchNormOptions extends FactoryOptions {
  /** Added to the variance (default 1e-5). */
  eps?: number;
  /** Weight of the newest batch in the running statistics (default 0.1); null averages over all batches. */
  momentum?: number | null;
  /** Learn a factor and an offset per feature (default true). */
  affine?: boolean;
  /** Learn the offset (default true; only with `affine`). */
  bias?: boolean;
  /** Keep running statistics for evaluation (default true); without them every batch is normalised by its own. */
  trackRunningStats?: boolean;
}

const OPTIONS = {
  eps: real,
  momentum: nullable(real),
  affine: flag,
  bias: flag,
  trackRunningStats: flag,
  ...factoryKinds,
} satisfies KindsOf<BatchNormOptions>;

/** What batch and instance norms have in common: weights, running statistics and their place in the state dict. */
export abstract class RunningNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  /** (numFeatures), or null. */
  weight: Parameter | null;
  /** (numFeatures), or null. */
  bias: Parameter | null;
  /** (numFeatures), or null. */
  declare runningMean: Tensor | null;
  /** (numFeatures), unbiased, or null. */
  declare runningVar: Tensor | null;
  /** How many batches the statistics have seen: an int64 scalar, or null. */
  declare numBatchesTracked: Tensor | null;

  constructor(
    numFeatures: number,
    options: BatchNormOptions,
    defaults: { affine: boolean; trackRunningStats: boolean },
    surplus: readonly unknown[],
  ) {
    super();
    checkArgument(this.constructor.name, "numFeatures", numFeatures, count);
    checkOptions(this.constructor.name, options, OPTIONS, surplus);
    const { eps = 1e-5, momentum = 0.1, device, dtype } = options;
    const { affine = defaults.affine, trackRunningStats = defaults.trackRunningStats } = options;
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    this.weight = affine ? emptyParameter([numFeatures], options) : null;
    this.bias = affine && (options.bias ?? true) ? emptyParameter([numFeatures], options) : null;
    this.registerBuffer("runningMean", trackRunningStats ? zeros([numFeatures], { device, dtype }) : null);
    this.registerBuffer("runningVar", trackRunningStats ? ones([numFeatures], { device, dtype }) : null);
    this.registerBuffer("numBatchesTracked", trackRunningStats ? tensor(0, { device, dtype: "int64" }) : null);
    this.resetParameters();
  }

  /** Running mean 0, running variance 1, no batches seen. */
  resetRunningStats(): void {
    if (this.runningMean !== null) init.zeros_(this.runningMean);
    if (this.runningVar !== null) init.ones_(this.runningVar);
    if (this.numBatchesTracked !== null) init.zeros_(this.numBatchesTracked);
  }

  /** Fresh statistics, factor 1, offset 0. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  /** 2 since `num_batches_tracked`. */
  protected override get stateVersion(): number {
    return 2;
  }

  protected refuse(input: Tensor, expected: string): never {
    throw new TorchError(
      `${this.constructor.name}: expected an input of ${expected}, got shape [${input.shape.join(", ")}]`,
    );
  }

  protected override extraRepr(): string {
    const momentum = this.momentum === null ? "None" : floatRepr(this.momentum);
    return (
      `${this.numFeatures}, eps=${floatRepr(this.eps)}, momentum=${momentum}, affine=${pythonRepr(this.affine)}, ` +
      `bias=${pythonRepr(this.bias !== null)}, track_running_stats=${pythonRepr(this.trackRunningStats)}`
    );
  }
}

/** Normalises each feature over the batch and all positions. Ioffe & Szegedy 2015, arXiv 1502.03167. */
export abstract class BatchNorm extends RunningNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}, ...surplus: never[]) {
    super(numFeatures, options, { affine: true, trackRunningStats: true }, surplus);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    if (!this.accepts(input.ndim)) this.refuse(input, this.expected);
    let momentum = this.momentum ?? 0;
    if (this.training && this.numBatchesTracked !== null) {
      this.numBatchesTracked.add_(1);
      if (this.momentum === null) momentum = 1 / Number(this.numBatchesTracked.item());
    }
    const ownStatistics = this.training || this.runningMean === null || this.runningVar === null;
    return batchNorm(
      input,
      this.runningMean,
      this.runningVar,
      this.weight,
      this.bias,
      ownStatistics,
      momentum,
      this.eps,
    );
  }

  protected abstract accepts(dims: number): boolean;
  protected abstract readonly expected: string;
}

/** Batch norm of (N, C) or (N, C, L). */
export class BatchNorm1d extends BatchNorm {
  protected get expected(): string {
    return "2 or 3 dimensions";
  }

  protected accepts(dims: number): boolean {
    return dims === 2 || dims === 3;
  }
}

/** Batch norm of (N, C, H, W). */
export class BatchNorm2d extends BatchNorm {
  protected get expected(): string {
    return "4 dimensions";
  }

  protected accepts(dims: number): boolean {
    return dims === 4;
  }
}

/** Batch norm of (N, C, D, H, W). */
export class BatchNorm3d extends BatchNorm {
  protected get expected(): string {
    return "5 dimensions";
  }

  protected accepts(dims: number): boolean {
    return dims === 5;
  }
}
