/** `torch.cuda`: devices, streams and events, memory and random numbers of NVIDIA GPUs. See docs/gpu.md. */
import { connectCuda } from "../messages";
import { isAvailable, unavailableReason } from "./availability";
import { memorySummary } from "./memory";

export { deviceCount, isAvailable, unavailableReason } from "./availability";
export {
  type CudaDevice,
  currentDevice,
  getDeviceCapability,
  getDeviceName,
  getDeviceProperties,
  setDevice,
  synchronize,
  withDevice,
} from "./device";
export {
  currentStream,
  defaultStream,
  Event,
  type EventOptions,
  setStream,
  Stream,
  type StreamOptions,
  withStream,
} from "./stream";
export {
  type CaptureErrorMode,
  type CaptureOptions,
  CUDAGraph,
  graph,
  graphPoolHandle,
  graphsUnavailableReason,
} from "./graph";
export { CapturedFunction, type CapturedFunctionOptions, type Recorder } from "./captured-function";
export {
  emptyCache,
  maxMemoryAllocated,
  maxMemoryReserved,
  memGetInfo,
  memoryAllocated,
  memoryReserved,
  memoryStats,
  memorySummary,
  resetAccumulatedMemoryStats,
  resetPeakMemoryStats,
} from "./memory";
export {
  getRngState,
  getRngStateAll,
  initialSeed,
  manualSeed,
  manualSeedAll,
  setRngState,
  setRngStateAll,
} from "./random";

connectCuda({ isAvailable, unavailableReason, memorySummary });
