import { ValueError } from "../../config/python-errors";

/** What the sizes of batches depend on. */
export interface BatchSizeOptions {
  /** Samples of one update over all processes. */
  readonly effectiveBatchSize: number;
  /** Most samples of one forward pass over all processes; null: no limit. */
  readonly maxBatchSize: number | null;
  readonly worldSize: number;
  readonly numNodes: number;
  readonly disableGradientAccumulation: boolean;
}

/** Samples of one forward pass in this process, and forward passes per update. */
export interface BatchSizes {
  readonly batchSize: number;
  readonly accumulationSteps: number;
}

/**
 * Splits an update into passes that fit.
 *
 * @throws ValueError when the sizes do not divide.
 */
export function getBatchSizes(options: BatchSizeOptions): BatchSizes {
  const { effectiveBatchSize, maxBatchSize, worldSize, disableGradientAccumulation } = options;
  if (effectiveBatchSize % worldSize !== 0) {
    throw new ValueError(
      `effective_batch_size ${effectiveBatchSize} has to be a multiple of the number of processes ${worldSize}`,
    );
  }
  const perProcess = effectiveBatchSize / worldSize;
  if (disableGradientAccumulation || maxBatchSize === null) {
    return { batchSize: perProcess, accumulationSteps: 1 };
  }
  if (maxBatchSize % worldSize !== 0) {
    throw new ValueError(`max_batch_size ${maxBatchSize} has to be a multiple of the number of processes ${worldSize}`);
  }
  const largest = maxBatchSize / worldSize;
  if (perProcess <= largest) {
    return { batchSize: perProcess, accumulationSteps: 1 };
  }
  if (perProcess % largest !== 0) {
    throw new ValueError(
      `effective_batch_size ${effectiveBatchSize} has to be a multiple of max_batch_size ${maxBatchSize}`,
    );
  }
  return { batchSize: largest, accumulationSteps: perProcess / largest };
}
