/** What libtorch and the driver say of CUDA, in words. Loads nothing. */
import type { CudaStatus } from "../native";

/**
 * Why there is no CUDA device that works, and what to do about it; null where there is one.
 *
 * @param visible the environment's `CUDA_VISIBLE_DEVICES`
 * @param notLoaded what the loader says of a CUDA half that it did not load
 */
export function explainStatus(status: CudaStatus, visible?: string, notLoaded?: string): string | null {
  const { built, devices, runtimeVersion, driverFound, driverVersion, driverFailure } = status;
  if (devices > 0) return null;
  if (!built && notLoaded !== undefined) return notLoaded;
  if (!built) return "this build of libtorch has no CUDA: set-up with --variant cu130 fetches one that has";
  if (!driverFound) return "there is no NVIDIA driver (libcuda.so.1): install one, then nvidia-smi lists the GPU";
  if (driverFailure === NO_DEVICE || (visible !== undefined && driverFailure === 0)) {
    return visible === undefined
      ? "the NVIDIA driver shows no GPU: see what nvidia-smi lists, and in a container, whether it was started with its GPUs"
      : `the NVIDIA driver shows no GPU under CUDA_VISIBLE_DEVICES=${JSON.stringify(visible)}: unset it, or name a GPU that nvidia-smi lists`;
  }
  if (driverVersion > 0 && Math.floor(driverVersion / 1000) < Math.floor(runtimeVersion / 1000))
    return `the NVIDIA driver runs CUDA up to ${versionText(driverVersion)}, and libtorch needs ${versionText(runtimeVersion)}: install a newer driver`;
  const failure = driverFailure === 0 ? "" : ` (error ${driverFailure} of cuInit)`;
  return `the NVIDIA driver does not start${failure}: see what nvidia-smi says`;
}

/** `CUDA_ERROR_NO_DEVICE` */
const NO_DEVICE = 100;

/** `13.0` for 13000. */
export function versionText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
