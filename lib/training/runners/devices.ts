import { ConfigError } from "../../config/errors";
import { NotImplementedError } from "../../config/python-errors";
import type { Accelerator } from "./config-schema";
import { cuda } from "../../torch";

/** The accelerator of a config that names none: a GPU when there is one. */
export function bestAccelerator(): Accelerator {
  return cuda.isAvailable() ? "gpu" : "cpu";
}

/**
 * The indices of a device list such as `"0,1"`; null: every GPU, or the one CPU.
 *
 * @throws ConfigError for anything that is not a list of integers
 */
export function parseDevices(accelerator: Accelerator, devices: string | null): number[] {
  if (devices === null)
    return accelerator === "gpu" ? Array.from({ length: cuda.deviceCount() }, (_, index) => index) : [0];
  const items = devices
    .split(",")
    .map((item) => item.trim())
    .filter((item, index, all) => item !== "" || (index < all.length - 1 && all.length > 1));
  if (items.some((item) => !/^\d+$/.test(item))) {
    throw new ConfigError([
      { path: "devices", message: `expected device indices such as "0" or "0,1", received ${JSON.stringify(devices)}` },
    ]);
  }
  return items.map(Number);
}

/**
 * The torch device of a run of one process, e.g. `cpu` or `cuda:1`. Indices count the devices that are visible to the
 * process (`CUDA_VISIBLE_DEVICES`).
 *
 * @throws ConfigError when the accelerator is not there
 */
export function runDevice(accelerator: Accelerator, devices: string | null): string {
  const fail = (path: string, message: string): never => {
    throw new ConfigError([{ path, message }]);
  };
  if (accelerator === "mps")
    return fail("accelerator", 'expected "cpu" or "gpu", received "mps": there is no Metal backend yet');
  const available = accelerator === "gpu" ? cuda.deviceCount() : Infinity;
  if (available === 0) {
    return fail(
      "accelerator",
      `expected a CUDA device for accelerator "gpu", got none: ${cuda.unavailableReason()} (or use accelerator=cpu)`,
    );
  }
  // without a list a run takes one device as long as there is no distributed training
  const indices = devices === null ? [0] : parseDevices(accelerator, devices);
  if (indices.length === 0) return fail("devices", 'expected at least one device, received ""');
  if (indices.length > 1)
    throw new NotImplementedError(`devices "${devices}": expected one device, training on several is not possible yet`);
  if (accelerator === "cpu") return "cpu";
  const [index = 0] = indices;
  if (index >= available)
    return fail("devices", `expected an index below ${available}, the number of visible GPUs, received ${index}`);
  return index === 0 ? "cuda" : `cuda:${index}`;
}
