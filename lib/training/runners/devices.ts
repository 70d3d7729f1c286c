import { ConfigError } from "../../config/errors";
import type { Accelerator } from "./config-schema";
import { cuda, distributed } from "../../torch";

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
 * The indices of the devices that a run takes on this machine: those of the list; null: every GPU that is visible, or the one CPU.
 *
 * @throws ConfigError when the accelerator or a device is not there
 */
export function runDevices(accelerator: Accelerator, devices: string | null): number[] {
  if (accelerator === "mps")
    return fail("accelerator", 'expected "cpu" or "gpu", received "mps": there is no Metal backend yet');
  const available = accelerator === "gpu" ? cuda.deviceCount() : Infinity;
  if (available === 0) {
    return fail(
      "accelerator",
      `expected a CUDA device for accelerator "gpu", got none: ${cuda.unavailableReason()} (or use accelerator=cpu)`,
    );
  }
  const indices = parseDevices(accelerator, devices);
  if (indices.length === 0) return fail("devices", 'expected at least one device, received ""');
  const missing = indices.find((index) => index >= available);
  if (missing !== undefined)
    return fail("devices", `expected an index below ${available}, the number of visible GPUs, received ${missing}`);
  if (accelerator === "gpu" && new Set(indices).size !== indices.length)
    return fail("devices", `expected different GPUs, received ${JSON.stringify(devices)}`);
  return indices;
}

/**
 * The torch device of this process, e.g. `cpu` or `cuda:1`. Indices count the devices that are visible to the process
 * (`CUDA_VISIBLE_DEVICES`). Of the processes of a launcher each takes the device of its number on its machine.
 *
 * @throws ConfigError when the accelerator is not there, and for several devices in one process
 */
export function runDevice(accelerator: Accelerator, devices: string | null): string {
  const environment = distributed.processEnvironment();
  if (environment !== null && environment.worldSize > 1) return deviceOf(environment, accelerator, devices);
  const indices = runDevices(accelerator, devices);
  if (indices.length > 1) {
    fail(
      "devices",
      `expected one device for one process, received ${indices.join(",")}: the commands noether-train and noether-eval start a process for each, as torchrun does`,
    );
  }
  return deviceName(accelerator, indices[0]!);
}

function deviceOf(
  { localRank, localWorldSize, launcher }: distributed.ProcessEnvironment,
  accelerator: Accelerator,
  devices: string | null,
): string {
  if (launcher === "slurm" && devices !== null)
    fail(
      "devices",
      `expected none under Slurm, which gives each process its devices, received ${JSON.stringify(devices)}`,
    );
  const given = devices === null ? null : parseDevices(accelerator, devices);
  if (given !== null && given.length !== localWorldSize)
    fail(
      "devices",
      `expected ${localWorldSize}, one for each process of this machine, received ${JSON.stringify(devices)}`,
    );
  if (accelerator === "cpu") return "cpu";
  const visible = runDevices(accelerator, null).length;
  // a launcher that shows each process its own GPU
  const index = visible === 1 ? 0 : (given?.[localRank] ?? localRank);
  if (index >= visible)
    fail("devices", `expected a GPU for each process of this machine, found ${visible} for process ${localRank}`);
  return deviceName(accelerator, index);
}

function deviceName(accelerator: Accelerator, index: number): string {
  if (accelerator === "cpu") return "cpu";
  return index === 0 ? "cuda" : `cuda:${index}`;
}

function fail(path: string, message: string): never {
  throw new ConfigError([{ path, message }]);
}
