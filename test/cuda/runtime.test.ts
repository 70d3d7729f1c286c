/** `torch.cuda` on a device: streams, events, memory, random numbers, and batches that are copied ahead. */
import { cuda, empty, Generator, manualSeed, nn, ones, rand, scope, tensor, type Tensor, zeros } from "../../lib/torch";
import { batchTransfer } from "../../lib/core/device/batch-transfer";
import { moveItemsToDevice } from "../../lib/core/device/move-items";
import {
  currentRandomNumbers,
  disposeRandomNumbers,
  restoreRandomNumbers,
} from "../../lib/training/trainers/random-numbers";
import { takeCounts, testOnCuda, testOnFake } from "./device";

const MIB = 2 ** 20;

testOnCuda("a device is available, and has no reason not to be", () => {
  expect(cuda.isAvailable()).toBe(true);
  expect(cuda.unavailableReason()).toBeNull();
  expect(cuda.deviceCount()).toBeGreaterThanOrEqual(1);
  expect(cuda.currentDevice()).toBe(0);
});

testOnCuda("a device that is not there is refused with how many there are", () => {
  const count = cuda.deviceCount();
  expect(() => cuda.setDevice(count)).toThrow(
    `expected the number of a device that is there, below ${count}, got "cuda:${count}"`,
  );
});

describe("streams and events", () => {
  testOnCuda("a stream is current within withStream only, also across await", async () => {
    const side = new cuda.Stream();
    expect(side.equals(cuda.defaultStream())).toBe(false);
    expect(cuda.withStream(side, () => cuda.currentStream().equals(side))).toBe(true);
    const inside = cuda.withStream(side, async () => {
      await Promise.resolve();
      return cuda.currentStream().equals(side);
    });
    expect(cuda.currentStream().equals(cuda.defaultStream())).toBe(true);
    await expect(inside).resolves.toBe(true);
    expect(cuda.currentStream().equals(cuda.defaultStream())).toBe(true);
  });

  testOnCuda("what one stream makes, another takes after it", () =>
    scope(() => {
      const side = new cuda.Stream();
      const x = ones([1000], { device: "cuda" });
      side.waitStream(cuda.currentStream());
      const y = cuda.withStream(side, () => x.add(1));
      cuda.currentStream().waitStream(side);
      y.recordStream(cuda.currentStream());
      expect(y.mul(2).sum().item()).toBe(4000);
      side.synchronize();
      expect(side.query()).toBe(true);
    }),
  );

  testOnCuda("events tell that work is done, and how long it took", () =>
    scope(() => {
      const [start, end] = [new cuda.Event({ enableTiming: true }), new cuda.Event({ enableTiming: true })];
      expect(start.query()).toBe(true);
      start.record();
      ones([1000], { device: "cuda" }).add(1);
      end.record();
      end.synchronize();
      expect(end.query()).toBe(true);
      expect(start.elapsedTime(end)).toBeGreaterThanOrEqual(0);
      expect(() => start.elapsedTime(new cuda.Event())).toThrow(/expected events that measure time/);
    }),
  );

  testOnCuda("a tensor of the CPU is on no stream", () => {
    expect(() => ones([2]).recordStream(cuda.currentStream())).toThrow(
      /expected a tensor on the stream's device, cuda:0, got one on cpu/,
    );
  });
});

describe("memory", () => {
  let leaf: Tensor;
  beforeAll(() => {
    if (cuda.isAvailable()) leaf = zeros([2 * MIB], { device: "cuda" }).requiresGrad_(true);
  });

  testOnCuda("is counted in bytes, now and at its peak", () =>
    scope(() => {
      cuda.emptyCache();
      cuda.resetPeakMemoryStats();
      const [before, reserved] = [cuda.memoryAllocated(), cuda.memoryReserved()];
      const x = zeros([4 * MIB], { device: "cuda" });
      expect(cuda.memoryAllocated() - before).toBe(16 * MIB);
      x.dispose();
      expect(cuda.memoryAllocated()).toBe(before);
      expect(cuda.maxMemoryAllocated()).toBeGreaterThanOrEqual(before + 16 * MIB);
      expect(cuda.memoryReserved()).toBeGreaterThanOrEqual(16 * MIB);
      expect(cuda.memoryStats()["allocated_bytes.all.current"]).toBe(before);
      cuda.emptyCache();
      expect(cuda.memoryReserved()).toBe(reserved);
      const [free, total] = cuda.memGetInfo();
      expect(free).toBeLessThanOrEqual(total);
      expect(cuda.memorySummary()).toMatch(/^memory of cuda:0, .* free; out of memory/);
    }),
  );

  testOnCuda("that runs out is an error with what the device holds", () => {
    expect(() => empty([2 ** 44], { device: "cuda" })).toThrow(
      /CUDA out of memory\.[^\n]*\nmemory of cuda:0[^\n]*\n +now +peak[\s\S]*allocated by tensors/,
    );
  });

  testOnCuda("what JavaScript no longer holds makes room for what is asked for", () => {
    const [, total] = cuda.memGetInfo();
    const third = Math.floor(total / 3 / 4);
    // no scope: each is garbage as soon as it is made
    for (let i = 0; i < 8; i++) empty([third], { device: "cuda" });
    expect(cuda.memoryAllocated()).toBeLessThan(total);
    cuda.emptyCache();
  });

  testOnCuda.each([
    ["tensors", () => void empty([16 * MIB], { device: "cuda" })],
    ["graphs that small tensors hold", () => void leaf.mul(2).exp().sum()],
  ])("of %s that nobody holds is freed without a scope", (_name, make) => {
    cuda.resetPeakMemoryStats();
    const before = cuda.memoryAllocated();
    for (let i = 0; i < 300; i++) make();
    expect(cuda.maxMemoryAllocated() - before).toBeLessThan(1200 * MIB);
  });

  testOnCuda("of the host is page-locked where asked for", () =>
    scope(() => {
      const x = rand([16]);
      expect(x.isPinned()).toBe(false);
      const pinned = x.pinMemory();
      expect(pinned.isPinned()).toBe(true);
      expect(pinned.to({ device: "cuda", nonBlocking: true }).cpu().toArray()).toEqual(x.toArray());
    }),
  );
});

describe("random numbers", () => {
  const draw = () => scope(() => rand([4], { device: "cuda" }).toArray());

  testOnCuda("manualSeed seeds the device, too", () => {
    manualSeed(5);
    const first = draw();
    expect(draw()).not.toEqual(first);
    manualSeed(5);
    expect(draw()).toEqual(first);
    expect(cuda.initialSeed()).toBe(5n);
    cuda.manualSeedAll(6);
    expect(cuda.initialSeed(0)).toBe(6n);
  });

  testOnCuda("a state is taken up again", () =>
    scope(() => {
      const state = cuda.getRngState();
      expect([state.device, state.dtype, state.shape]).toEqual(["cpu", "uint8", [16]]);
      const first = draw();
      cuda.setRngState(state);
      expect(draw()).toEqual(first);
      cuda.setRngStateAll([state]);
      expect(draw()).toEqual(first);
    }),
  );

  testOnCuda("a generator of its own does not disturb the default one", () =>
    scope(() => {
      const state = cuda.getRngState();
      rand([4], { device: "cuda", generator: new Generator("cuda").manualSeed(1) });
      expect(cuda.getRngState().toArray()).toEqual(state.toArray());
    }),
  );

  testOnCuda("dropout goes on as it would have, when the numbers of training are restored", () =>
    scope(() => {
      const dropout = new nn.Dropout(0.5);
      const x = ones([64], { device: "cuda" });
      const numbers = currentRandomNumbers();
      const first = dropout.forward(x).toArray();
      expect(dropout.forward(x).toArray()).not.toEqual(first);
      restoreRandomNumbers(numbers);
      expect(dropout.forward(x).toArray()).toEqual(first);
      disposeRandomNumbers(numbers);
    }),
  );
});

describe("batches", () => {
  const batch = (): Record<string, unknown> => ({
    x: tensor([1, 2, 3]),
    y: [tensor([4n])],
    none: null,
    __meta_time_load: 1,
  });
  const values = (moved: Record<string, Tensor | null>) =>
    Object.entries(moved).map(([key, value]) => [key, value?.device, value?.toArray()]);
  const expected = [
    ["x", "cuda:0", [1, 2, 3]],
    ["y", "cuda:0", [4]],
    ["none", undefined, undefined],
  ];

  testOnCuda("arrive with their values on the stream that asks for them", () =>
    scope(() => {
      const transfer = batchTransfer("cuda")!;
      const [first, second] = [transfer.start(batch()), transfer.start(batch())];
      expect(values(first.arrive())).toEqual(expected);
      second.dispose();
      const side = new cuda.Stream();
      cuda.withStream(side, () => expect(values(transfer.start(batch()).arrive())).toEqual(expected));
    }),
  );

  testOnFake("are copied from page-locked memory, and nobody waits", () =>
    scope(() => {
      const transfer = batchTransfer("cuda")!;
      transfer.start(batch()).dispose();
      takeCounts();
      transfer.start(batch()).arrive();
      moveItemsToDevice("cuda", batch());
      const counts = takeCounts();
      expect(counts.synchronizations).toBe(0);
      expect(Object.keys(counts.byName).filter((name) => /pageable/.test(name))).toEqual([]);
      expect(counts.copies).toBe(4);
    }),
  );
});
