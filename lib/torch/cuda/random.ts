/** The default generators of CUDA devices, one each. */
import { native } from "../addon";
import { arrayOf, checkArgument, refuseSurplus, seed as seedKind, tensor as tensorKind } from "../arguments";
import { guard } from "../errors";
import { wrap } from "../scope";
import type { Tensor } from "../tensor";
import { deviceCount } from "./availability";
import { cudaDevice, type CudaDevice } from "./device";

const names = (): string[] => Array.from({ length: deviceCount() }, (_, index) => `cuda:${index}`);

/** Seeds the current device's generator. Does nothing where CUDA is not available, as in PyTorch. */
export function manualSeed(seed: number | bigint, ...surplus: never[]): void {
  checkArgument("cuda.manualSeed", "seed", seed, seedKind);
  refuseSurplus("cuda.manualSeed", surplus);
  if (deviceCount() > 0) guard("cuda.manualSeed", () => native.seedDevice("cuda", seed));
}

/** Seeds the generators of all devices. Does nothing where CUDA is not available, as in PyTorch. */
export function manualSeedAll(seed: number | bigint, ...surplus: never[]): void {
  checkArgument("cuda.manualSeedAll", "seed", seed, seedKind);
  refuseSurplus("cuda.manualSeedAll", surplus);
  for (const name of names()) guard("cuda.manualSeedAll", () => native.seedDevice(name, seed));
}

/** The seed of a device's generator. */
export function initialSeed(device?: CudaDevice | null, ...surplus: never[]): bigint {
  const name = cudaDevice("cuda.initialSeed", device, surplus);
  return guard("cuda.initialSeed", () => native.deviceSeed(name));
}

/** State of a device's generator as a uint8 tensor on the CPU, in PyTorch's layout. */
export function getRngState(device?: CudaDevice | null, ...surplus: never[]): Tensor {
  const name = cudaDevice("cuda.getRngState", device, surplus);
  return wrap(guard("cuda.getRngState", () => native.deviceRandomState(name)));
}

/** States of all devices, as {@link getRngState}; an empty list where CUDA is not available. */
export function getRngStateAll(): Tensor[] {
  return names().map((name) => getRngState(name));
}

/** Takes up a state of {@link getRngState} (also one that Python wrote). */
export function setRngState(state: Tensor, device?: CudaDevice | null, ...surplus: never[]): void {
  checkArgument("cuda.setRngState", "state", state, tensorKind);
  const name = cudaDevice("cuda.setRngState", device, surplus);
  guard("cuda.setRngState", () => native.setDeviceRandomState(name, state.handle));
}

/** Takes up states of {@link getRngStateAll}: one for each device, in order. */
export function setRngStateAll(states: readonly Tensor[], ...surplus: never[]): void {
  checkArgument("cuda.setRngStateAll", "states", states, arrayOf(tensorKind));
  refuseSurplus("cuda.setRngStateAll", surplus);
  states.forEach((state, index) => setRngState(state, index));
}
