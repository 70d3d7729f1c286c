/** PyTorch's API on libtorch: tensors, operators, autograd, modules, optimizers and files. See docs/torch.md. */
export * from "./operators.generated";
export type * from "./result-types.generated";
export * as linalg from "./linalg.generated";
export * as fft from "./fft.generated";
export * as special from "./special.generated";

export { type CastOptions, Tensor, type ToOptions } from "./tensor";
export {
  arange,
  asTensor,
  fromBuffer,
  fromBytes,
  fromTypedArray,
  full,
  getDefaultDtype,
  scalarTensor,
  setDefaultDtype,
  tensor,
  type FactoryOptions,
  type TensorLike,
  type TensorOptions,
} from "./creation";
export {
  dtypes,
  isDType,
  itemSize,
  type Complex,
  type Device,
  type DType,
  type DTypeLike,
  type Layout,
  type MemoryFormat,
  type Scalar,
} from "./dtype";
export type { NestedArray, TensorData } from "./read";
export { slice, Slice, type IndexArray, type TensorIndex } from "./indexing";
export {
  broadcastShapes,
  broadcastTensors,
  cartesianProd,
  cdist,
  einsum,
  lu,
  nonzero,
  norm,
  tensordot,
  unique,
  unravelIndex,
  type CdistOptions,
  type LuOptions,
  type NormArguments,
  type NormOptions,
  type TensordotDims,
  type UniqueOptions,
} from "./composites";
export { deepcopy } from "./deepcopy";
export { ops } from "./overloads";

export { keep, scope } from "./scope";
export { getPrintOptions, setPrintOptions, type PrintOptions } from "./print";
export { countTensors, emptyCache, expectNoLeaks, memory, resetPeakMemory, type MemoryCounters } from "./memory";
export {
  backward,
  enableGrad,
  Function,
  FunctionContext,
  grad,
  inferenceMode,
  isGradEnabled,
  isInferenceMode,
  noGrad,
  setGradEnabled,
  type BackwardOptions,
  type GradOptions,
  type HookHandle,
} from "./autograd";

export * as utils from "./utils";
export * as amp from "./amp";
export { autocast, type AutocastOptions } from "./amp";
export * as autograd from "./autograd";
export { gradcheck, gradgradcheck, type GradcheckOptions, type GradgradcheckOptions } from "./autograd";
export * as func from "./func";
export { Profiler, type ProfilerOptions, type ProfilerRange, profilerRange } from "./profiler";
export { Generator, getRngState, initialSeed, manualSeed, setRngState } from "./generator";
export { config, getNumInteropThreads, getNumThreads, setNumInteropThreads, setNumThreads, versions } from "./runtime";
export * as cuda from "./cuda";
export * as backends from "./backends";
export * as distributed from "./distributed";
export {
  areDeterministicAlgorithmsEnabled,
  type DeterminismOptions,
  getFloat32MatmulPrecision,
  isDeterministicAlgorithmsWarnOnlyEnabled,
  type MatmulPrecision,
  setFloat32MatmulPrecision,
  useDeterministicAlgorithms,
} from "./determinism";
export { cpuCapability, cpuKernels } from "./kernels";
export { adoptTensor, shareTensor, type SharedTensor } from "./sharing";
export { DisposedError, TorchError } from "./errors";

export * from "./serialization";

export * as nn from "./nn";
export { summary } from "./nn/summary";
export * as optim from "./optim";
export * as jit from "./jit";
export * as export from "./export";
export * as inductor from "./inductor";
