import { refuseSurplus } from "../arguments";
import type { Tensor } from "../tensor";
import { type BatchNormOptions, RunningNorm } from "./batch-norm";
import { instanceNorm } from "./functional/normalization";

/** Options of the instance norms. By default nothing is learned, and no running statistics are kept. */
export type InstanceNormOptions = BatchNormOptions;

/** Normalises each channel of each sample over its positions. Ulyanov et al. 2016, arXiv 1607.08022. */
abstract class InstanceNorm extends RunningNorm {
  constructor(numFeatures: number, options: InstanceNormOptions = {}, ...surplus: never[]) {
    super(numFeatures, options, { affine: false, trackRunningStats: false }, surplus);
  }

  /** How many dimensions positions have. */
  protected abstract readonly dims: number;

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { dims } = this;
    if (input.ndim !== dims + 1 && input.ndim !== dims + 2) this.refuse(input, `${dims + 1} or ${dims + 2} dimensions`);
    const channels = input.size(-dims - 1);
    if (channels !== this.numFeatures && (this.affine || this.trackRunningStats))
      this.refuse(input, `${this.numFeatures} channels`);
    const batched = input.ndim === dims + 2;
    const output = instanceNorm(batched ? input : input.unsqueeze(0), {
      runningMean: this.runningMean,
      runningVar: this.runningVar,
      weight: this.weight,
      bias: this.bias,
      useInputStats: this.training || !this.trackRunningStats,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
    return batched ? output : output.squeeze(0);
  }
}

/** Instance norm of (N, C, L) or (C, L). */
export class InstanceNorm1d extends InstanceNorm {
  protected get dims(): number {
    return 1;
  }
}

/** Instance norm of (N, C, H, W) or (C, H, W). */
export class InstanceNorm2d extends InstanceNorm {
  protected get dims(): number {
    return 2;
  }
}

/** Instance norm of (N, C, D, H, W) or (C, D, H, W). */
export class InstanceNorm3d extends InstanceNorm {
  protected get dims(): number {
    return 3;
  }
}
