import { memoryTable } from "../../../lib/torch/cuda/memory-table";
import type { DeviceMemoryStats } from "../../../lib/torch/native";

const GIB = 2 ** 30;

test("the table has a row for each figure, in columns", () => {
  const bytes = [[GIB, 2 * GIB, 10 * GIB, 9 * GIB]];
  const counts = [[3, 5, 100, 97]];
  const stats: DeviceMemoryStats = {
    pools: {
      allocated_bytes: bytes,
      requested_bytes: bytes,
      active_bytes: bytes,
      reserved_bytes: bytes,
      inactive_split_bytes: bytes,
      allocation: counts,
      segment: counts,
      active: counts,
      inactive_split: counts,
    },
    counts: { num_ooms: 1, num_alloc_retries: 2 },
  };
  const lines = memoryTable("cuda:1", stats, { free: GIB, total: 80 * GIB }).split("\n");
  expect(lines[0]).toBe(
    "memory of cuda:1, 1.00 GiB of 80.00 GiB free; out of memory once, cache emptied for an allocation 2 times",
  );
  expect(lines[1]).toMatch(/^ +now +peak +allocated +freed$/);
  expect(lines[2]).toMatch(/^ {2}allocated by tensors +1\.00 GiB +2\.00 GiB +10\.00 GiB +9\.00 GiB$/);
  expect(lines.find((line) => line.includes("segments"))).toMatch(/^ {2}segments +3 +5 +100 +97$/);
  expect(new Set(lines.slice(1).map((line) => line.length)).size).toBe(1);
});
