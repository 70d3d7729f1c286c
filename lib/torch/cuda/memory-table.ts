/** The memory of a device as a table for people. */
import { bytesText } from "../bytes-text";
import type { DeviceMemoryStats } from "../native";

const ROWS = [
  ["allocated by tensors", "allocated_bytes", true],
  ["requested by tensors", "requested_bytes", true],
  ["active", "active_bytes", true],
  ["reserved", "reserved_bytes", true],
  ["split, not releasable", "inactive_split_bytes", true],
  ["allocations", "allocation", false],
  ["segments", "segment", false],
] as const;

/** @internal Lines of equal columns: what is held now, at most, and what was allocated and freed in all. */
export function memoryTable(device: string, stats: DeviceMemoryStats, info?: { free: number; total: number }): string {
  const header = ["", "now", "peak", "allocated", "freed"];
  const rows = ROWS.map(([label, key, isBytes]) => [
    label,
    ...stats.pools[key][0]!.map((value) => (isBytes ? bytesText(value) : String(value))),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd();
  const free = info ? `, ${bytesText(info.free)} of ${bytesText(info.total)} free` : "";
  const { num_ooms: ooms, num_alloc_retries: retries } = stats.counts;
  return [
    `memory of ${device}${free}; out of memory ${times(ooms ?? 0)}, cache emptied for an allocation ${times(retries ?? 0)}`,
    ...[header, ...rows].map((cells) => `  ${line(cells)}`),
  ].join("\n");
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
