import type { Tensor } from "../../torch";
import type { DataContainerLike, DeviceBatch } from "../../core/interfaces/data";
import type { MetricPropertyProvider, PathProvider } from "../../core/providers";
import type { BaseTracker } from "../../core/trackers";
import type { BackwardPass } from "./gradient-step";

/** What a trainer is built with. */
export interface TrainerDependencies {
  readonly dataContainer: DataContainerLike;
  /** `cpu`, `cuda`, `cuda:0`. */
  readonly device: string;
  readonly tracker: BaseTracker;
  readonly pathProvider: PathProvider;
  /** `shuffle` false: training samples in the order of the data set. */
  readonly mainSamplerKwargs?: { readonly shuffle?: boolean };
  readonly metricPropertyProvider?: MetricPropertyProvider;
}

/** One forward and backward pass. */
export interface UpdateStep extends Omit<BackwardPass, "totalLoss"> {
  readonly batch: DeviceBatch;
}

/** What a pass gives: detached losses, other outputs, and seconds by what they were spent on. */
export interface UpdateResult {
  readonly losses: Readonly<Record<string, Tensor>>;
  readonly updateOutputs: Readonly<Record<string, unknown>> | null;
  readonly times: { readonly forward: number; readonly backward: number };
  /** The update that the pass belongs to is left out: a loss was NaN, or gradients were not finite under a scaled loss. */
  readonly skipped?: boolean;
}
