/** `torch.backends`: which of CUDA's kernels libtorch may take, and how exact they are. The switches hold for the whole process. */
import { native } from "./addon";
import { checkArgument, flag, refuseSurplus } from "./arguments";
import { guard } from "./errors";
import type { SwitchName } from "./native";

function read(name: SwitchName): boolean {
  return guard(name, () => native.getSwitch(name));
}

function write(name: SwitchName, where: string, on: boolean): void {
  checkArgument(where, "the value", on, flag);
  guard(where, () => native.setSwitch(name, on));
}

function setter(name: SwitchName, where: string): (enabled: boolean, ...surplus: never[]) => void {
  return (enabled, ...surplus) => {
    checkArgument(where, "enabled", enabled, flag);
    refuseSurplus(where, surplus);
    guard(where, () => native.setSwitch(name, enabled));
  };
}

/** Matrix products. */
const matmul = {
  /** float32 products with TensorFloat-32, which is faster and has 10 bits of mantissa (default false). */
  get allowTf32(): boolean {
    return read("matmul.allowTf32");
  },
  set allowTf32(on: boolean) {
    write("matmul.allowTf32", "backends.cuda.matmul.allowTf32", on);
  },
};

/** Kernels of CUDA. */
export const cuda = {
  matmul,
  /** Whether attention may take the flash kernel (default true). */
  flashSdpEnabled: (): boolean => read("sdp.flash"),
  enableFlashSdp: setter("sdp.flash", "backends.cuda.enableFlashSdp"),
  /** Whether attention may take the memory-efficient kernel (default true). */
  memEfficientSdpEnabled: (): boolean => read("sdp.memEfficient"),
  enableMemEfficientSdp: setter("sdp.memEfficient", "backends.cuda.enableMemEfficientSdp"),
  /** Whether attention may be a composition of operators (default true). */
  mathSdpEnabled: (): boolean => read("sdp.math"),
  enableMathSdp: setter("sdp.math", "backends.cuda.enableMathSdp"),
  /** Whether attention may take cuDNN's kernel (default true). */
  cudnnSdpEnabled: (): boolean => read("sdp.cudnn"),
  enableCudnnSdp: setter("sdp.cudnn", "backends.cuda.enableCudnnSdp"),
};

/** cuDNN, which convolutions and some attentions run on. */
export const cudnn = {
  /** True where libtorch was built with it. */
  isAvailable: (): boolean => native.cudaStatus().cudnnVersion > 0,
  /** cuDNN's version, 91002 for 9.10.2; null where it is not there. */
  version: (): number | null => native.cudaStatus().cudnnVersion || null,
  /** Whether it is used (default true). */
  get enabled(): boolean {
    return read("cudnn.enabled");
  },
  set enabled(on: boolean) {
    write("cudnn.enabled", "backends.cudnn.enabled", on);
  },
  /** Tries the algorithms for each new shape and takes the fastest (default false). */
  get benchmark(): boolean {
    return read("cudnn.benchmark");
  },
  set benchmark(on: boolean) {
    write("cudnn.benchmark", "backends.cudnn.benchmark", on);
  },
  /** Takes only algorithms that give the same result each time (default false). */
  get deterministic(): boolean {
    return read("cudnn.deterministic");
  },
  set deterministic(on: boolean) {
    write("cudnn.deterministic", "backends.cudnn.deterministic", on);
  },
  /** float32 convolutions with TensorFloat-32 (default true, as in PyTorch). */
  get allowTf32(): boolean {
    return read("cudnn.allowTf32");
  },
  set allowTf32(on: boolean) {
    write("cudnn.allowTf32", "backends.cudnn.allowTf32", on);
  },
};
