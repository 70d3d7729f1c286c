/**
 * The half of `noether-ts doctor` that loads the addon. It runs in a process of its own, so that a crash in native code
 * becomes a line of the report; it prints one line of JSON ({@link ProbeReport}) and nothing else.
 */
import { explainStatus } from "../torch/cuda/status";
import { openLibtorchFile } from "../torch/libtorch-folders";
import { tryLoadNative, type LoadAttempt } from "../torch/loader";
import type { NativeAddon } from "../torch/native";

/** What the probe found; everything but `attempts` is absent when no addon loaded. */
export interface ProbeReport {
  readonly attempts: readonly LoadAttempt[];
  readonly versions?: ReturnType<NativeAddon["versions"]>;
  /** What libtorch and the driver say of CUDA. */
  readonly cuda?: ReturnType<NativeAddon["cudaStatus"]>;
  /** The kernels of our own that this CPU runs. */
  readonly kernels?: ReturnType<NativeAddon["cpuKernels"]>;
  /** Whether the kernels of our own for CUDA are there. */
  readonly cudaKernels?: ReturnType<NativeAddon["cudaKernels"]>;
  /** The libtorch library that the dynamic linker mapped; absent where the system does not tell. */
  readonly libtorchFile?: string;
  /** Why no CUDA device can be used, and what to do about it; absent where one can. */
  readonly noCuda?: string;
  readonly threads?: { readonly intraOp: number; readonly interOp: number };
  /** Devices on which a small tensor was made and read back, each with its error when that failed. */
  readonly devices?: readonly { readonly name: string; readonly error?: string }[];
}

function probe(): ProbeReport {
  const { addon, attempts, noCuda } = tryLoadNative();
  if (!addon) return { attempts };
  const versions = addon.versions();
  const names = ["cpu", ...Array.from({ length: versions.cudaDevices }, (_, index) => `cuda:${index}`)];
  return {
    attempts,
    versions,
    cuda: addon.cudaStatus(),
    kernels: addon.cpuKernels(),
    cudaKernels: addon.cudaKernels(),
    noCuda: explainStatus(addon.cudaStatus(), process.env.CUDA_VISIBLE_DEVICES, noCuda) ?? undefined,
    libtorchFile: openLibtorchFile(),
    threads: { intraOp: addon.numThreads(), interOp: addon.numInteropThreads() },
    devices: names.map((name) => ({ name, error: tryDevice(addon, name) })),
  };
}

/** The code of the dtype in libtorch. */
const float32 = 6;

/** Adds 1 and 2 on the device; the message of what went wrong, or undefined. */
function tryDevice(addon: NativeAddon, device: string): string | undefined {
  try {
    const full = addon.operator("aten::full", "");
    const add = addon.operator("aten::add", "Tensor");
    const make = (value: number) => addon.call(full, [2], value, float32, undefined, device) as number;
    const sum = addon.call(add, make(1), make(2)) as number;
    const result = new Float32Array(addon.toBytes(sum));
    return result.every((value) => value === 3) ? undefined : `1 + 2 gave ${result.join(", ")}`;
  } catch (error) {
    return (error as Error).message;
  }
}

process.stdout.write(`${JSON.stringify(probe())}\n`);
