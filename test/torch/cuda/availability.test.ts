import { cuda, versions } from "../../../lib/torch";

test("here: available with devices, or a reason", () => {
  expect(cuda.isAvailable()).toBe(cuda.deviceCount() > 0);
  expect(cuda.unavailableReason() === null).toBe(cuda.isAvailable());
  expect(cuda.deviceCount()).toBe(versions().cudaDevices);
});

(cuda.isAvailable() ? test.skip : test)("what needs a device says in one wording that there is none, and why", () => {
  const reason = cuda.unavailableReason()!;
  const calls: Record<string, () => unknown> = {
    "cuda.currentDevice": () => cuda.currentDevice(),
    "cuda.setDevice": () => cuda.setDevice(0),
    "cuda.withDevice": () => cuda.withDevice(0, () => 1),
    "cuda.synchronize": () => cuda.synchronize(),
    "cuda.getDeviceName": () => cuda.getDeviceName(),
    "cuda.getDeviceProperties": () => cuda.getDeviceProperties("cuda:0"),
    "cuda.getDeviceCapability": () => cuda.getDeviceCapability(),
    "cuda.Stream": () => new cuda.Stream(),
    "cuda.Event": () => new cuda.Event({ enableTiming: true }),
    "cuda.currentStream": () => cuda.currentStream(),
    "cuda.defaultStream": () => cuda.defaultStream(),
    "cuda.memoryStats": () => cuda.memoryStats(),
    "cuda.memoryAllocated": () => cuda.memoryAllocated(),
    "cuda.maxMemoryReserved": () => cuda.maxMemoryReserved(),
    "cuda.resetPeakMemoryStats": () => cuda.resetPeakMemoryStats(),
    "cuda.memGetInfo": () => cuda.memGetInfo(),
    "cuda.memorySummary": () => cuda.memorySummary(),
    "cuda.initialSeed": () => cuda.initialSeed(),
    "cuda.getRngState": () => cuda.getRngState(),
  };
  for (const [name, call] of Object.entries(calls))
    expect(call).toThrow(
      `${name}: expected a CUDA device, got none: ${reason} (npx noether-ts doctor shows what there is)`,
    );
});

(cuda.isAvailable() ? test.skip : test)(
  "seeding and emptying the cache do nothing without a device, as in PyTorch",
  () => {
    cuda.manualSeed(1);
    cuda.manualSeedAll(2n ** 60n);
    cuda.emptyCache();
    expect(cuda.getRngStateAll()).toEqual([]);
  },
);
