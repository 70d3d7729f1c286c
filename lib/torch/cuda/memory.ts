/** Memory of CUDA devices, as libtorch's caching allocator counts it. */
import { native } from "../addon";
import { guard } from "../errors";
import type { DeviceMemoryStats } from "../native";
import { isAvailable } from "./availability";
import { cudaDevice, type CudaDevice } from "./device";
import { memoryTable } from "./memory-table";

type Optional = CudaDevice | null;

function statsOf(where: string, device: Optional | undefined, surplus: readonly unknown[]): DeviceMemoryStats {
  const name = cudaDevice(where, device, surplus);
  return guard(where, () => native.deviceMemoryStats(name));
}

const POOLS = ["all", "small_pool", "large_pool"];
const FIGURES = ["current", "peak", "allocated", "freed"];

/**
 * All counters of the allocator under PyTorch's names, such as `"allocated_bytes.all.current"`, `"reserved_bytes.all.peak"`,
 * `"num_ooms"`.
 */
export function memoryStats(device?: Optional, ...surplus: never[]): Record<string, number> {
  const { pools, counts } = statsOf("cuda.memoryStats", device, surplus);
  const flat: [string, number][] = Object.entries(pools).flatMap(([name, ofPools]) =>
    ofPools.flatMap((figures, pool) =>
      figures.map((value, figure): [string, number] => [`${name}.${POOLS[pool]!}.${FIGURES[figure]!}`, value]),
    ),
  );
  return Object.fromEntries([...flat, ...Object.entries(counts)]);
}

/** Bytes that tensors hold. */
export function memoryAllocated(device?: Optional, ...surplus: never[]): number {
  return statsOf("cuda.memoryAllocated", device, surplus).pools.allocated_bytes[0]![0]!;
}

/** The most bytes that tensors held since {@link resetPeakMemoryStats}. */
export function maxMemoryAllocated(device?: Optional, ...surplus: never[]): number {
  return statsOf("cuda.maxMemoryAllocated", device, surplus).pools.allocated_bytes[0]![1]!;
}

/** Bytes that the allocator holds of the device, for tensors and for reuse. */
export function memoryReserved(device?: Optional, ...surplus: never[]): number {
  return statsOf("cuda.memoryReserved", device, surplus).pools.reserved_bytes[0]![0]!;
}

/** The most bytes that the allocator held since {@link resetPeakMemoryStats}. */
export function maxMemoryReserved(device?: Optional, ...surplus: never[]): number {
  return statsOf("cuda.maxMemoryReserved", device, surplus).pools.reserved_bytes[0]![1]!;
}

/** Starts the peaks anew from what is held now. */
export function resetPeakMemoryStats(device?: Optional, ...surplus: never[]): void {
  const name = cudaDevice("cuda.resetPeakMemoryStats", device, surplus);
  guard("cuda.resetPeakMemoryStats", () => native.resetPeakDeviceMemory(name));
}

/** Starts the sums of what was ever allocated and freed anew. */
export function resetAccumulatedMemoryStats(device?: Optional, ...surplus: never[]): void {
  const name = cudaDevice("cuda.resetAccumulatedMemoryStats", device, surplus);
  guard("cuda.resetAccumulatedMemoryStats", () => native.resetAccumulatedDeviceMemory(name));
}

/** Free and total bytes of the device, as its driver counts them for all processes. */
export function memGetInfo(device?: Optional, ...surplus: never[]): [free: number, total: number] {
  const name = cudaDevice("cuda.memGetInfo", device, surplus);
  const { free, total } = guard("cuda.memGetInfo", () => native.deviceMemoryInfo(name));
  return [free, total];
}

/** What the allocator holds, as a table for people: now, at most, and what was ever allocated and freed. */
export function memorySummary(device?: Optional, ...surplus: never[]): string {
  const name = cudaDevice("cuda.memorySummary", device, surplus);
  return guard("cuda.memorySummary", () =>
    memoryTable(name, native.deviceMemoryStats(name), native.deviceMemoryInfo(name)),
  );
}

/**
 * Gives memory that the allocator keeps for reuse back to the device, and page-locked memory back to the system: for other programs,
 * not for this one, which reuses it anyway. Does nothing where CUDA is not available.
 */
export function emptyCache(): void {
  if (isAvailable()) native.emptyCache();
}
