/**
 * The contract between TypeScript and the C++ addon: every function that `native/src/addon.cpp` exports, in groups that
 * name the files which define them. `test/torch/native.test.ts` compares both.
 *
 * A tensor is an integer handle into the addon's per-environment table: slot and generation packed in one number (never 0).
 * Handles are made by native calls and must be freed with {@link NativeAddon.free}; a freed handle is recognised by its
 * generation and refused. Only this layer sees handles: everything above works with `Tensor`.
 *
 * Every function throws an `Error` with a `code` property (see `errors.ts`), never crashes.
 */
export type Handle = number;

/** A list of tensors: plain arrays for a few, a `Float64Array` for long parameter lists. `0` stands for "no tensor" where the schema allows it. */
export type HandleList = readonly Handle[] | Float64Array;

/** What an operator argument may be, by the type in the operator's schema:
 * Tensor -> Handle (`undefined`/`null` for `Tensor?`) · Tensor[] / Tensor?[] -> HandleList (null or 0 = none)
 * int, SymInt -> number | bigint · int[], SymInt[] -> number[] (or one number where the schema has a fixed size, e.g. `int[2]`)
 * float -> number · float[] -> number[] · bool -> boolean · bool[] -> boolean[] · str -> string
 * Scalar -> number (an integral value becomes an int scalar, any other a double), bigint (int64), boolean, {re, im}, {float: 2}
 * ScalarType / Layout / MemoryFormat -> the integer code of c10 (see `dtype.ts`) · Device -> string ("cpu", "cuda:0")
 * Generator -> generator id. `undefined` takes the schema's default; an optional also takes null (native/src/napi/argument_converter.cpp). */
export type NativeArgument = unknown;

/** One operator overload as the dispatcher describes it. */
export interface OperatorSchema {
  /** e.g. "aten::add.Tensor". */
  readonly name: string;
  /** The full schema string, e.g. "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor". */
  readonly schema: string;
  readonly arguments: readonly {
    readonly name: string;
    /** Type as in the schema: "Tensor", "Tensor?", "Tensor[]", "int[2]", "Scalar", "ScalarType?", … */
    readonly type: string;
    readonly hasDefault: boolean;
    readonly default: string | null;
    readonly kwargOnly: boolean;
    /** Written in place: `Tensor(a!)`. */
    readonly mutable: boolean;
  }[];
  readonly returns: readonly { readonly name: string; readonly type: string; readonly mutable: boolean }[];
}

/** What is known about one tensor without reading its data; read in one call and cached by `Tensor`. */
export interface TensorInfo {
  readonly shape: number[];
  /** c10 ScalarType code. */
  readonly dtype: number;
  readonly device: string;
}

/** One implementation of an operation. */
export interface KernelStatus {
  /** The instruction set it is written for: "avx512". */
  readonly name: string;
  /** False where the CPU lacks it or is slow at it, or the environment rules it out. */
  readonly available: boolean;
}

/** Which kernels of our own there are for the CPU; implementations in the order of preference. */
export interface CpuKernels {
  /** The highest instruction set that they may use. */
  readonly capability: "aten" | "avx2" | "avx512" | "avx512_bf16" | "amx";
  /** Matrix products: `matmul`, `linear` and their gradients. */
  readonly matmul: readonly KernelStatus[];
  readonly attention: readonly KernelStatus[];
}

/** Whether the library of CUDA code is loaded. */
export interface CudaKernels {
  readonly available: boolean;
  /** Why not; empty where it is. */
  readonly problem: string;
}

/** What libtorch and the driver say of CUDA. */
export interface CudaStatus {
  /** libtorch's CUDA half is loaded, whether or not there is a device. */
  readonly built: boolean;
  /** Devices that work. */
  readonly devices: number;
  /** CUDA that libtorch was built with, 13000 for 13.0; 0 without. */
  readonly runtimeVersion: number;
  /** 91002 for cuDNN 9.10.2; 0 without. */
  readonly cudnnVersion: number;
  /** The driver's library is there (asked only where `built`). */
  readonly driverFound: boolean;
  /** The newest CUDA that the driver runs; 0: unknown. */
  readonly driverVersion: number;
  /** CUresult of the driver's initialization: 0 none, 100 no device. */
  readonly driverFailure: number;
}

/** What the driver says of a device; sizes are bytes. */
export interface CudaDeviceProperties {
  readonly name: string;
  /** Compute capability: 9.0 is major 9, minor 0. */
  readonly major: number;
  readonly minor: number;
  readonly totalMemory: number;
  readonly multiProcessorCount: number;
  readonly warpSize: number;
  readonly maxThreadsPerBlock: number;
  readonly maxThreadsPerMultiProcessor: number;
  readonly regsPerMultiprocessor: number;
  readonly sharedMemoryPerBlock: number;
  readonly sharedMemoryPerBlockOptin: number;
  readonly sharedMemoryPerMultiprocessor: number;
  readonly l2CacheSize: number;
  /** Bits. */
  readonly memoryBusWidth: number;
  /** Shares the host's memory. */
  readonly isIntegrated: boolean;
  readonly uuid: string;
  readonly pciDomainId: number;
  readonly pciBusId: number;
  readonly pciDeviceId: number;
}

/**
 * Counters of a device's allocator under PyTorch's names. `pools`: for each of the pools "all", "small_pool", "large_pool" what is now,
 * the most, what came in all, what went in all.
 */
export interface DeviceMemoryStats {
  readonly pools: Readonly<
    Record<
      | "allocation"
      | "segment"
      | "active"
      | "inactive_split"
      | "allocated_bytes"
      | "reserved_bytes"
      | "active_bytes"
      | "inactive_split_bytes"
      | "requested_bytes",
      readonly (readonly number[])[]
    >
  >;
  readonly counts: Readonly<Record<string, number>>;
}

/** A switch of libtorch for the whole process. */
export type SwitchName =
  | "matmul.allowTf32"
  | "cudnn.allowTf32"
  | "cudnn.enabled"
  | "cudnn.benchmark"
  | "cudnn.deterministic"
  | "sdp.flash"
  | "sdp.memEfficient"
  | "sdp.math"
  | "sdp.cudnn";

/** A parameter or buffer of a TorchScript module; `identity` is the same for the same tensor. */
export interface ScriptTensor {
  readonly name: string;
  readonly handle: Handle;
  readonly identity: number;
}

/** A TorchScript module without what is below it. */
export interface ScriptInfo {
  /** Name of its class. */
  readonly type: string;
  readonly methods: readonly { readonly name: string; readonly schema: string }[];
  readonly parameters: readonly ScriptTensor[];
  readonly buffers: readonly ScriptTensor[];
  readonly children: readonly { readonly name: string; readonly id: number }[];
}

declare const event: unique symbol;
/** An event of a device; freed when it is collected. */
export interface NativeEvent {
  readonly [event]: true;
}

declare const loadedPackage: unique symbol;
/** An AOTInductor package; unloaded when it is collected. */
export interface NativePackage {
  readonly [loadedPackage]: true;
}

declare const distributed: unique symbol;
/** A store, a group of processes, or a reducer. */
export interface NativeDistributed {
  readonly [distributed]: true;
}

export interface NativeAddon {
  // ---- operators (dispatch/operators.cpp)
  /** Id of an operator by its qualified name and overload ("aten::add", "Tensor"); compiled on first use. Throws ERR_OPERATOR when unknown. */
  operator(name: string, overload: string): number;
  /**
   * Calls an operator. Results: none -> undefined; one -> its value; several -> an array of them. A tensor is a new Handle (0: undefined),
   * Tensor[] an array of them; int, SymInt and codes are numbers (bigint beyond 2^53); float -> number; bool -> boolean; str and Device ->
   * string; Scalar -> number, bigint, boolean or {re, im}; nothing in an optional -> null.
   * A result that the schema marks as written in place (`Tensor(a!)`) makes no new handle: `undefined` stands in its place
   * (the caller returns the object that it passed in).
   */
  call(operator: number, ...args: NativeArgument[]): unknown;
  /** All schemas that the dispatcher holds, in all namespaces: what the generator reads. */
  schemas(): OperatorSchema[];

  // ---- tensor table (runtime/tensor.cpp, runtime/garbage.cpp, dispatch/operators.cpp)
  free(handle: Handle): void;
  freeMany(handles: HandleList): void;
  /** Frees the handle once `owner` is collected. Collects garbage itself when much was made since the last time. */
  track(owner: object, handle: Handle): void;
  /** After a collection: frees the handles whose owners are gone, and cycles of tensors and JavaScript functions. */
  sweep(): void;
  /** A second handle on the same tensor object (same storage, same autograd identity). */
  alias(handle: Handle): Handle;
  /** True while the handle is live: neither freed nor of another thread. */
  isLive(handle: Handle): boolean;
  /** Live handles, the most there ever were, and host bytes held by libtorch's CPU allocator (now, peak). */
  memory(): { tensors: number; peakTensors: number; bytes: number; peakBytes: number };
  resetPeakMemory(): void;
  /** Gives memory that waits for the next tensors back to the system: of the host, of devices, and page-locked memory. */
  emptyCache(): void;

  // ---- tensors (runtime/tensor.cpp)
  info(handle: Handle): TensorInfo;
  shape(handle: Handle): number[];
  dtype(handle: Handle): number;
  device(handle: Handle): string;
  strides(handle: Handle): number[];
  storageOffset(handle: Handle): number;
  /** Identity of the storage, for views and shared storages in checkpoints. */
  storageId(handle: Handle): number;
  /** Storage size in bytes. */
  storageBytes(handle: Handle): number;
  isContiguous(handle: Handle): boolean;
  /** Copies `bytes` (C order, the dtype's own little-endian layout) into a new CPU tensor. */
  fromBytes(bytes: ArrayBufferView, shape: readonly number[], dtype: number): Handle;
  /**
   * CPU tensor over the memory of `view`, no copy; the ArrayBuffer, which must not be resizable, is kept alive by the tensor. Where it
   * was detached all the same, every use of the tensor throws ERR_MEMORY_LOST.
   */
  fromBuffer(view: ArrayBufferView, shape: readonly number[], dtype: number): Handle;
  /** Copy of the data as contiguous bytes (any device, any strides), converted where a dtype says so. Throws ERR_OUT_OF_MEMORY where it does not fit. */
  toBytes(handle: Handle, dtype?: number): ArrayBuffer;
  /** The tensor's memory itself; null where there is no such access. The storage cannot be resized from then on. */
  dataBuffer(handle: Handle): { buffer: ArrayBuffer; byteOffset: number; byteLength: number } | null;
  /** The one element as a JS value: number, bigint (int64/uint64 beyond 2^53), boolean, {re, im}. */
  item(handle: Handle): number | bigint | boolean | { re: number; im: number };
  /** A number as a tensor without dimensions that, as in Python, does not decide the dtype of results. */
  wrappedNumber(value: number | bigint | boolean, isFloat: boolean): Handle;
  /** `tensor.data = other`: replaces the data in place, keeps identity (used by `Module.to`). */
  setData(handle: Handle, other: Handle): void;

  // ---- autograd (runtime/autograd.cpp, runtime/js_function.cpp, runtime/autograd_modes.cpp)
  requiresGrad(handle: Handle): boolean;
  setRequiresGrad(handle: Handle, value: boolean): void;
  isLeaf(handle: Handle): boolean;
  retainGrad(handle: Handle): void;
  /** Name of the node that made the tensor ("AddBackward0"), null for leaves. */
  gradFunction(handle: Handle): string | null;
  /** Handle of the gradient, 0 when there is none. */
  grad(handle: Handle): Handle;
  setGrad(handle: Handle, grad: Handle): void;
  /** Gradients of a list, 0 where there is none: one call for optimizers and clipping. */
  grads(handles: HandleList): Float64Array;
  /** Drops (`setToNone`) or zeroes the gradients of a list. */
  zeroGrads(handles: HandleList, setToNone: boolean): void;
  version(handle: Handle): number;
  /** `inputs`: accumulate only into these leaves (null: into all). `gradients`: null or one entry (or 0) per output. */
  backward(
    outputs: HandleList,
    gradients: HandleList | null,
    retainGraph: boolean,
    createGraph: boolean,
    inputs: HandleList | null,
  ): void;
  /** For tests: passes that may call JavaScript run on another thread also where they need not (see native/src/runtime/backward_thread.h). */
  runBackwardBeside(always: boolean): void;
  /** torch.autograd.grad: a handle per input, 0 where unused and allowed. */
  gradient(
    outputs: HandleList,
    inputs: HandleList,
    gradients: HandleList | null,
    retainGraph: boolean,
    createGraph: boolean,
    allowUnused: boolean,
  ): Handle[];
  gradEnabled(): boolean;
  setGradEnabled(enabled: boolean): void;
  /** Enters inference mode (on/off), returns the depth; leave in reverse order with `exitInferenceMode(depth)`. */
  enterInferenceMode(enabled: boolean): number;
  exitInferenceMode(depth: number): void;
  isInferenceMode(): boolean;
  isInference(handle: Handle): boolean;
  /** The state of autocast for each device type. */
  autocast(): { deviceType: string; enabled: boolean; dtype: number; cache: boolean }[];
  /** Sets autocast for a device type ("cpu", "cuda"), and for all whether casts are cached. */
  setAutocast(deviceType: string, enabled: boolean, dtype: number, cache: boolean): void;
  /** Enters a level of nesting and returns its number; leaving the outermost one clears the cache of casts. */
  enterAutocast(): number;
  exitAutocast(): number;
  clearAutocastCache(): void;
  /**
   * Attaches a node whose backward is JavaScript: `outputs` (computed without recording) get the node as their history, gradients go to `inputs`.
   * The node keeps `saved` until a pass that does not retain the graph. `backward` gets one handle (0: no gradient) per output and one
   * per saved tensor, owned by the callee, and returns one handle (0: none) per input, which the addon takes over.
   * An output must not be one of the inputs (make a view of it).
   */
  attachFunction(
    name: string,
    outputs: HandleList,
    inputs: HandleList,
    backward: (gradients: Handle[], saved: Handle[]) => Handle[],
    saved?: HandleList,
  ): void;
  /** Tensor hook; gets a handle of the gradient (owned by the callee), returns a handle that replaces it (taken over) or 0. Returns an id. */
  registerHook(handle: Handle, hook: (gradient: Handle) => Handle): number;
  removeHook(handle: Handle, id: number): void;

  // ---- anomaly mode of this thread (runtime/anomaly.cpp)
  /** From now on nodes remember the call that recorded them; `stack(operation)` gives the text. null ends it. */
  setAnomaly(stack: ((operation: string) => string) | null, checkNan: boolean): void;
  /** Where the node was recorded at which the last pass failed; "" where nothing is known. */
  anomalyFailure(): string;

  // ---- vmap, grad, jvp, and forward-mode derivatives (transforms/levels.cpp)
  /** Opens a level on this thread and returns its number; levels are left in reverse order. */
  pushTransform(kind: "vmap" | "grad" | "jvp", batchSize?: number, randomness?: "error" | "same" | "different"): number;
  popTransform(level: number): void;
  /** How many levels of vmap, grad and jvp are open. */
  transformDepth(): number;
  /** What stands for the tensor inside a level of grad or jvp. */
  wrapAtLevel(handle: Handle, level: number): Handle;
  /** The way back; the tensor itself where it does not stand for one of the level, or of one that has ended. */
  unwrapAtLevel(handle: Handle, level: number): Handle;
  requireGradAtLevel(handle: Handle): void;
  /** What stands for one entry of the tensor along `dim` inside a level of vmap. */
  addBatchDim(handle: Handle, dim: number, level: number): Handle;
  /** The batch as dimension `dim`; -1: the tensor as it is, refused where it depends on the batch. */
  removeBatchDim(handle: Handle, level: number, batchSize: number, dim: number): Handle;
  /** Opens forward-mode derivatives, of which the process has one level: waits for other threads; nests within a thread. */
  enterForward(): void;
  leaveForward(): void;
  makeDual(primal: Handle, tangent: Handle): Handle;
  /** Primal and tangent, 0 where there is none. */
  unpackDual(handle: Handle): [primal: Handle, tangent: Handle];
  hasTangent(handle: Handle): boolean;
  /** Whether tangents are followed; returns what was before. */
  setForwardGrad(enabled: boolean): boolean;

  // ---- random (runtime/random.cpp)
  /** Seeds every default generator (CPU, and CUDA where present). */
  manualSeed(seed: number | bigint): void;
  initialSeed(): bigint;
  /** A generator of its own; ids are per environment. Id 0 is the default CPU generator. */
  generator(device: string): number;
  freeGenerator(id: number): void;
  generatorSeed(id: number, seed: number | bigint): void;
  generatorInitialSeed(id: number): bigint;
  /** State as a uint8 tensor in PyTorch's layout. */
  generatorState(id: number): Handle;
  setGeneratorState(id: number, state: Handle): void;
  /** From here to `exitRandomStream` a generator stands in for the default CPU generator, on this thread alone. Streams nest. */
  enterRandomStream(id: number): void;
  exitRandomStream(): void;

  // The default generator of a device beside the CPU: "cuda" (the current one), "cuda:1".
  seedDevice(device: string, seed: number | bigint): void;
  deviceSeed(device: string): bigint;
  deviceRandomState(device: string): Handle;
  setDeviceRandomState(device: string, state: Handle): void;

  // ---- devices beside the CPU (runtime/devices.cpp): "cuda" is the current one. Each throws where there is none.
  cudaStatus(): CudaStatus;
  deviceProperties(device: string): CudaDeviceProperties;
  /** Number of the current device of the type. */
  currentDevice(device: string): number;
  setDevice(device: string): void;
  synchronizeDevice(device: string): void;
  /** A stream is the pair of a device and an id. */
  newStream(device: string, priority: number): number;
  currentStream(device: string): number;
  defaultStream(device: string): number;
  /** Makes the stream the current one of its device, in this thread; returns the one before. */
  setStream(device: string, stream: number): number;
  queryStream(device: string, stream: number): boolean;
  synchronizeStream(device: string, stream: number): void;
  /** The tensor's memory is not reused before the stream has done what it has so far when the tensor ends. */
  recordStream(handle: Handle, device: string, stream: number): void;
  newEvent(device: string, timing: boolean): NativeEvent;
  recordEvent(event: NativeEvent, device: string, stream: number): void;
  /** The stream waits, not the host. */
  waitEvent(event: NativeEvent, device: string, stream: number): void;
  queryEvent(event: NativeEvent): boolean;
  synchronizeEvent(event: NativeEvent): void;
  /** Milliseconds. */
  elapsedTime(start: NativeEvent, end: NativeEvent): number;

  // ---- memory of devices (runtime/device_memory.cpp)
  deviceMemoryStats(device: string): DeviceMemoryStats;
  resetPeakDeviceMemory(device: string): void;
  resetAccumulatedDeviceMemory(device: string): void;
  /** Bytes, as the driver counts them for all processes. */
  deviceMemoryInfo(device: string): { free: number; total: number };

  // ---- switches of the process (runtime/switches.cpp)
  getSwitch(name: SwitchName): boolean;
  setSwitch(name: SwitchName, on: boolean): void;
  deterministicAlgorithms(): "off" | "warn" | "error";
  setDeterministicAlgorithms(mode: "off" | "warn" | "error"): void;
  matmulPrecision(): "highest" | "high" | "medium";
  setMatmulPrecision(precision: "highest" | "high" | "medium"): void;

  // ---- threads, versions (runtime/runtime.cpp)
  numThreads(): number;
  setNumThreads(count: number): void;
  /** Operators that this thread calls use no other; where libtorch has OpenMP. */
  computeOnOneThread(): void;
  numInteropThreads(): number;
  setNumInteropThreads(count: number): void;
  /** Of libtorch's headers and of the package, the compiler, whether libtorch's CUDA half is loaded, and what this machine has: CUDA devices, a tile unit. */
  versions(): {
    torch: string;
    addon: string;
    cudaLinked: boolean;
    cudaDevices: number;
    tileUnit: boolean;
    cxx: string;
  };
  /** `torch.__config__.show()` and `parallel_info()`. */
  config(): string;
  defaultDtype(): number;
  setDefaultDtype(dtype: number): void;

  // ---- profiler (runtime/profiler.cpp)
  /** Warms the profiler up. Throws when another one of this process is active. */
  profilerPrepare(cpu: boolean, cuda: boolean, recordShapes: boolean, profileMemory: boolean, withFlops: boolean): void;
  profilerStart(): void;
  /** Opens a named range, returns its depth; `profilerExit(depth)` closes it and those in it. */
  profilerEnter(name: string): number;
  profilerExit(depth: number): void;
  /** Ends the recording and writes it as a Chrome trace. */
  profilerSave(path: string): void;
  /** Ends the recording, if there is one, and drops it. */
  profilerCancel(): void;

  // ---- kernels of our own (runtime/kernels.cpp)
  cpuKernels(): CpuKernels;
  /** For tests: all that this implementation takes goes through it, whether or not it pays; "" ends it. Of the whole process. */
  preferKernel(name: string): void;
  cudaKernels(): CudaKernels;
  /** Name of the implementation for a product of (m, k) and (k, n), null where ATen's is taken. */
  matmulKernel(m: number, n: number, k: number, bfloat16: boolean): string | null;
  /** The same for attention of heads with so many channels. */
  attentionKernel(queries: number, keys: number, channels: number, bfloat16: boolean): string | null;

  // ---- sharing between worker threads (runtime/sharing.cpp)
  /** Parks the tensor in a process-wide table and returns a ticket; the handle stays valid. `owner`: see `abandon`. */
  park(handle: Handle, owner?: number): number;
  /** Takes a parked tensor out of the table (once). Throws ERR_TICKET for an unknown ticket. */
  adopt(ticket: number): Handle;
  /** Frees what an owner parked and nobody adopted; how many tensors that were. */
  abandon(owner: number): number;

  // ---- archive (files/archive.cpp): files of tensors. A "storage" here is the handle of a 1-D uint8 tensor. Offsets and lengths are bytes.
  // Reading: an open regular file; every range is checked against the file's size before anything is allocated for it.
  archiveOpen(path: string): number;
  archiveSize(archive: number): number;
  /** A copy of a (small) range. */
  archiveBytes(archive: number, offset: number, length: number): ArrayBuffer;
  /** Reads a range straight into a new storage; `crc32` is that of the bytes. */
  archiveRead(archive: number, offset: number, length: number): { storage: Handle; crc32: number };
  archiveReadAsync(archive: number, offset: number, length: number): Promise<{ storage: Handle; crc32: number }>;
  /** A storage over the mapped file, copy-on-write; the mapping lives as long as a storage over it. */
  archiveMap(archive: number, offset: number, length: number): Handle;
  /** A part of a storage, sharing its memory. Throws ERR_FILE_FORMAT when it does not fit. */
  archiveSlice(storage: Handle, offset: number, length: number): Handle;
  /** A tensor over a storage, sharing its memory; `offset` and `strides` in elements. Throws ERR_FILE_FORMAT when it does not fit. */
  archiveTensor(
    storage: Handle,
    dtype: number,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ): Handle;
  /** Lays a tensor that has more than its dtype (a quantizer) over a storage. Throws ERR_FILE_FORMAT when it does not fit. */
  archiveSetStorage(
    tensor: Handle,
    storage: Handle,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ): void;
  /** How the tensor holds its data: `"dense"`, `"quantized"`, `"meta"`, `"nested"`, or its layout (`"SparseCoo"`, `"SparseCsr"`, …). */
  archiveKind(tensor: Handle): string;
  /** True if the tensor is a lazily conjugated or negated view: its memory does not hold its values. */
  archiveIsLazy(tensor: Handle): boolean;
  // Writing: a new file under a temporary name, removed again unless committed.
  archiveCreate(path: string): number;
  /** Appends bytes; returns their CRC-32. */
  archiveAppend(archive: number, bytes: ArrayBufferView): number;
  /** Appends a range of the storage that `tensor` lies in (any device), straight from its memory; returns its CRC-32. */
  archiveAppendStorage(archive: number, tensor: Handle, offset: number, length: number): number;
  archiveAppendStorageAsync(archive: number, tensor: Handle, offset: number, length: number): Promise<number>;
  /** Flushes to disk, then renames to `target`. */
  archiveCommit(archive: number, target: string): void;
  archiveCommitAsync(archive: number, target: string): Promise<void>;
  /** Closes an archive of either kind; a written file that was not committed is removed. Closing twice is allowed. */
  archiveClose(archive: number): void;
  archiveCrc32(bytes: ArrayBufferView): number;

  // ---- TorchScript (jit/script_module.cpp): values are those of lib/torch/jit/values.ts
  /** Loads a file; returns the module's number. */
  scriptLoad(path: string, device: string): number;
  scriptLoadAsync(path: string, device: string): Promise<number>;
  /** Forgets a module; one that is unknown is allowed. */
  scriptFree(module: number): void;
  /** What a module holds itself; its children get numbers, which are to be freed. */
  scriptInfo(module: number): ScriptInfo;
  scriptRun(
    module: number,
    method: string,
    inputs: readonly unknown[],
    named: readonly (readonly [string, unknown])[],
  ): unknown;
  scriptAttribute(module: number, name: string): unknown;
  /** Of the module itself, not of its children. */
  scriptTraining(module: number): boolean;
  scriptSetTraining(module: number, training: boolean): void;
  scriptSave(module: number, path: string): void;

  // ---- AOTInductor packages (jit/aoti_package.cpp): machine code, run in this process
  /** `device` -1: that of the package. */
  aotiLoad(path: string, model: string, singleThreaded: boolean, runners: number, device: number): NativePackage;
  aotiLoadAsync(
    path: string,
    model: string,
    singleThreaded: boolean,
    runners: number,
    device: number,
  ): Promise<NativePackage>;
  /** `callSpec`: how inputs and outputs nest, as JSON of PyTorch's pytree. */
  aotiInfo(loaded: NativePackage): {
    readonly metadata: readonly (readonly [string, string])[];
    readonly constants: readonly string[];
    readonly callSpec: readonly string[];
  };
  aotiRun(loaded: NativePackage, inputs: HandleList): Handle[];

  // ---- several processes (distributed/stores.cpp, distributed/groups.cpp, distributed/collectives.cpp, distributed/reducer.cpp). What waits
  // for other processes gives a promise; where there is `blocking` and it is true, it gives the value when all is done. Times: milliseconds.
  /** `worldSize` 0: unknown. Waits for the server, and as the server for all. */
  tcpStore(
    host: string,
    port: number,
    isServer: boolean,
    worldSize: number,
    timeout: number,
    libuv: boolean,
  ): Promise<NativeDistributed>;
  fileStore(path: string, worldSize: number, timeout: number): Promise<NativeDistributed>;
  hashStore(): NativeDistributed;
  prefixStore(prefix: string, store: NativeDistributed): NativeDistributed;
  /** 0 for a store without one. */
  storePort(store: NativeDistributed): number;
  storeSet(store: NativeDistributed, key: string, value: Uint8Array): Promise<void>;
  storeGet(store: NativeDistributed, key: string): Promise<ArrayBuffer>;
  storeAdd(store: NativeDistributed, key: string, amount: number): Promise<number>;
  storeCheck(store: NativeDistributed, keys: readonly string[]): Promise<boolean>;
  storeDelete(store: NativeDistributed, key: string): Promise<boolean>;
  storeCompareSet(
    store: NativeDistributed,
    key: string,
    expected: Uint8Array,
    desired: Uint8Array,
  ): Promise<ArrayBuffer>;
  storeClose(store: NativeDistributed): Promise<void>;
  /** Connects with the other members. `backends`: "gloo" or "nccl", one for each of `devices`. */
  processGroup(
    store: NativeDistributed,
    rank: number,
    size: number,
    ranks: readonly number[],
    name: string,
    devices: readonly string[],
    backends: readonly string[],
    timeout: number,
  ): Promise<NativeDistributed>;
  /** Waits for the work that is under way. */
  groupClose(group: NativeDistributed): Promise<void>;
  ncclAvailable(): boolean;
  groupAllReduce(
    group: NativeDistributed,
    tensor: Handle,
    op: string,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  groupReduce(
    group: NativeDistributed,
    tensor: Handle,
    root: number,
    op: string,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  groupBroadcast(
    group: NativeDistributed,
    tensor: Handle,
    root: number,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  groupAllGather(
    group: NativeDistributed,
    outputs: HandleList,
    input: Handle,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  /** `outputs` is empty in all processes but the root. */
  groupGather(
    group: NativeDistributed,
    outputs: HandleList,
    input: Handle,
    root: number,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  /** `inputs` is empty in all processes but the root. */
  groupScatter(
    group: NativeDistributed,
    output: Handle,
    inputs: HandleList,
    root: number,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  groupReduceScatter(
    group: NativeDistributed,
    output: Handle,
    inputs: HandleList,
    op: string,
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  /** Sizes along the first dimension, by rank. */
  groupAllToAll(
    group: NativeDistributed,
    output: Handle,
    input: Handle,
    outputSizes: readonly number[],
    inputSizes: readonly number[],
    timeout: number | undefined,
    blocking: boolean,
  ): Promise<void> | void;
  groupSend(
    group: NativeDistributed,
    tensor: Handle,
    destination: number,
    tag: number,
    blocking: boolean,
  ): Promise<void> | void;
  /** The rank that sent; `source` -1: any. */
  groupRecv(
    group: NativeDistributed,
    tensor: Handle,
    source: number,
    tag: number,
    blocking: boolean,
  ): Promise<number> | number;
  groupBarrier(group: NativeDistributed, timeout: number | undefined, blocking: boolean): Promise<void> | void;
  /** Many tensors in messages of `bufferSize` bytes, in place. */
  groupBroadcastCoalesced(
    group: NativeDistributed,
    tensors: HandleList,
    bufferSize: number,
    root: number,
    blocking: boolean,
  ): Promise<void> | void;
  /** Averages the gradients of these leaves in every backward pass that was announced; compares their shapes with the first process's. */
  reducer(
    group: NativeDistributed,
    parameters: HandleList,
    names: readonly string[],
    bucketBytes: number,
    firstBucketBytes: number,
    findUnused: boolean,
    staticGraph: boolean,
    gradientAsBucketView: boolean,
  ): Promise<NativeDistributed>;
  /** Whether the buckets were arranged anew, in which the processes take part together. */
  reducerBeforeForward(reducer: NativeDistributed): boolean;
  /** `searches` for parameters that the outputs do not depend on; `delays` the exchange to the end of this pass. */
  reducerBeforeBackward(reducer: NativeDistributed, outputs: HandleList, searches: boolean, delays: boolean): void;
  /** Throws when the last backward pass has not averaged all gradients. */
  reducerCheck(reducer: NativeDistributed): void;
  reducerClose(reducer: NativeDistributed): void;
}
