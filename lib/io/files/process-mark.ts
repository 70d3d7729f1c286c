/**
 * Marks that tell which process made a file, so that what a process left behind can be told from what one is still
 * writing: `<machine>-<pid>-<start>`.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Whether a process runs; `elsewhere`: this machine (or container) cannot tell. */
export type ProcessState = "running" | "gone" | "elsewhere";

/** Processes with different marks of the machine do not see each other: another host, another boot, another container. */
const machine = createHash("sha256")
  .update([hostname(), readOr("/proc/sys/kernel/random/boot_id"), linkOr("/proc/self/ns/pid")].join("\n"))
  .digest("hex")
  .slice(0, 8);

/** The mark of this process. */
export const ownMark = `${machine}-${process.pid}-${startOf(process.pid) ?? 0}`;

/** What a mark looks like, for patterns of file names. */
export const MARK_PATTERN = "[0-9a-f]{8}-\\d+-\\d+";

/** Whether the process with this mark still runs. A later process with the same number is another one. */
export function stateOf(mark: string): ProcessState {
  const [host, pid, start] = mark.split("-");
  if (host !== machine) return "elsewhere";
  if (mark === ownMark) return "running";
  const found = startOf(Number(pid));
  return found === null || (start !== "0" && found !== Number(start)) ? "gone" : "running";
}

/**
 * Whether a process of this number runs that can have written a file at that time.
 *
 * @param time milliseconds since 1970.
 */
export function couldHaveWritten(pid: number, time: number): boolean {
  const start = startOf(pid);
  if (start === null) return false;
  const boot = /^btime (\d+)$/m.exec(readOr("/proc/stat"));
  return boot === null || (Number(boot[1]) + start / TICKS_PER_SECOND) * 1000 <= time + 1000;
}

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** When a process was started, in ticks since boot (0 where the system does not tell); null: there is none. */
function startOf(pid: number): number | null {
  if (process.platform !== "linux") return isKnown(pid) ? 0 : null;
  // The name in parentheses may hold anything, also blanks and parentheses.
  const fields = /^\d+ \(.*\) (.*)$/s.exec(readOr(`/proc/${pid}/stat`))?.[1]?.split(" ");
  // A zombie has ended: only its parent has not looked yet.
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? null : Number(fields[19]);
}

function isKnown(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
