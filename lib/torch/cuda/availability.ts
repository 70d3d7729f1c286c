/** Whether there is a CUDA device that works, and if not, why: in one wording everywhere. */
import { native } from "../addon";
import { TorchError } from "../errors";
import { whyNoCuda } from "../loader";
import { explainStatus } from "./status";

/** True when libtorch has CUDA, the driver runs, and a device is there. */
export function isAvailable(): boolean {
  return deviceCount() > 0;
}

/** Number of CUDA devices that are visible (`CUDA_VISIBLE_DEVICES`); 0 where CUDA is not available. */
export function deviceCount(): number {
  return native.cudaStatus().devices;
}

/**
 * Why {@link isAvailable} is false, as a sentence with what to do about it; null where it is true.
 *
 * @example
 * if (!cuda.isAvailable()) console.log(`on the CPU: ${cuda.unavailableReason()}`);
 */
export function unavailableReason(): string | null {
  return explainStatus(native.cudaStatus(), process.env.CUDA_VISIBLE_DEVICES, whyNoCuda());
}

/** @internal @throws TorchError with the reason where there is no device. */
export function requireCuda(where: string): void {
  const reason = unavailableReason();
  if (reason !== null)
    throw new TorchError(
      `${where}: expected a CUDA device, got none: ${reason} (npx noether-ts doctor shows what there is)`,
      { code: "ERR_CUDA", operator: where },
    );
}
