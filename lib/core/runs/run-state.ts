import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { stateOf } from "../../io/files/process-mark";
import { readTail } from "./tail";

/** What has become of a run; `stopped`: its process is gone without having ended it. */
export type RunState = "running" | "finished" | "failed" | "stopped";

/** Without a lock (other machines, the Python framework) a run counts as running while its log is younger, in milliseconds. */
const SILENCE = 120_000;
/** As `RunLock` has it: after this time the owner on another machine is gone. */
const GONE_AFTER = 15 * 60_000;

/** Looks at the lock, the log and the summary of a run. */
export async function runState(folder: string, now: number = Date.now()): Promise<RunState> {
  if (await isLocked(join(folder, ".lock"), now)) return "running";
  const log = join(folder, "log.txt");
  if (/ C .*the run failed:/.test(await readTail(log, 16_384))) return "failed";
  if ((await mtimeOf(join(folder, "tracker", "summary.yaml"))) !== undefined) return "finished";
  const latest = Math.max((await mtimeOf(log)) ?? 0, (await mtimeOf(join(folder, "tracker", "metrics.jsonl"))) ?? 0);
  return now - latest < SILENCE ? "running" : "stopped";
}

async function isLocked(path: string, now: number): Promise<boolean> {
  try {
    const { mark } = JSON.parse(await readFile(path, "utf8")) as { mark: string };
    const state = stateOf(mark);
    return state === "running" || (state === "elsewhere" && now - ((await mtimeOf(path)) ?? 0) < GONE_AFTER);
  } catch {
    return false; // none, or half a file
  }
}

async function mtimeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}
