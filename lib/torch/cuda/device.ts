/** CUDA devices: the current one, and what each is. */
import { native } from "../addon";
import { refuseSurplus } from "../arguments";
import type { Device } from "../dtype";
import { guard } from "../errors";
import type { Mode } from "../async-context";
import type { CudaDeviceProperties } from "../native";
import { runInMode } from "../run-in-mode";
import { requireCuda } from "./availability";

/** A CUDA device: its number, `"cuda"` (the current one) or `"cuda:1"`. */
export type CudaDevice = number | Device;

/**
 * @internal The device with its number, `"cuda:1"`; the current one where none is given.
 *
 * @throws TypeError for what is no CUDA device, TorchError where there is none
 */
export function cudaDevice(where: string, device: CudaDevice | null | undefined, surplus: readonly unknown[]): string {
  if (surplus.length > 0) refuseSurplus(where, surplus);
  const name = device ?? "cuda";
  const isNumber = typeof name === "number" && Number.isInteger(name) && name >= 0;
  if (!isNumber && !(typeof name === "string" && /^cuda(:\d+)?$/.test(name)))
    throw new TypeError(
      `${where}: expected a CUDA device (its number, "cuda" or "cuda:1"), got ${typeof name === "string" ? `"${name}"` : String(name)}`,
    );
  requireCuda(where);
  if (isNumber) return `cuda:${name}`;
  return name === "cuda" ? `cuda:${guard(where, () => native.currentDevice("cuda"))}` : String(name);
}

/** Number of the device on which `"cuda"` means; 0 in a new thread. */
export function currentDevice(): number {
  requireCuda("cuda.currentDevice");
  return guard("cuda.currentDevice", () => native.currentDevice("cuda"));
}

/** Makes a device the one that `"cuda"` means, in this thread. {@link withDevice} does it for a function only. */
export function setDevice(device: CudaDevice, ...surplus: never[]): void {
  const name = cudaDevice("cuda.setDevice", device, surplus);
  guard("cuda.setDevice", () => native.setDevice(name));
}

/**
 * Runs `body` with another current device.
 *
 * @param body synchronous, or declared `async`: the device then holds across its `await`s, and only there.
 */
export function withDevice<T>(device: CudaDevice, body: () => T, ...surplus: never[]): T {
  const name = cudaDevice("cuda.withDevice", device, []);
  const before: number[] = [];
  const mode: Mode = {
    enter() {
      before.push(native.currentDevice("cuda"));
      native.setDevice(name);
    },
    exit: () => native.setDevice(`cuda:${before.pop()!}`),
  };
  return runInMode("cuda.withDevice", mode, body, surplus);
}

/** Waits until all work of a device is done, on every stream. */
export function synchronize(device?: CudaDevice | null, ...surplus: never[]): void {
  const name = cudaDevice("cuda.synchronize", device, surplus);
  guard("cuda.synchronize", () => native.synchronizeDevice(name));
}

/** What the driver says of a device: its name, compute capability (`major`, `minor`), bytes of memory, multiprocessors, … */
export function getDeviceProperties(device?: CudaDevice | null, ...surplus: never[]): CudaDeviceProperties {
  const name = cudaDevice("cuda.getDeviceProperties", device, surplus);
  return guard("cuda.getDeviceProperties", () => native.deviceProperties(name));
}

/** Name of a device: `"NVIDIA H200"`. */
export function getDeviceName(device?: CudaDevice | null, ...surplus: never[]): string {
  const name = cudaDevice("cuda.getDeviceName", device, surplus);
  return guard("cuda.getDeviceName", () => native.deviceProperties(name).name);
}

/** Compute capability of a device: `[9, 0]`. */
export function getDeviceCapability(device?: CudaDevice | null, ...surplus: never[]): [major: number, minor: number] {
  const name = cudaDevice("cuda.getDeviceCapability", device, surplus);
  const { major, minor } = guard("cuda.getDeviceCapability", () => native.deviceProperties(name));
  return [major, minor];
}
