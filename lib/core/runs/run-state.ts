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
  const owner = await ownerOf(join(folder, ".lock"), now);
  if (owner === "alive") return "running";
  const log = join(folder, "log.txt");
  const end = await readTail(log, 16_384);
  if (/ C .*the run failed:/.test(end)) return "failed";
  // a signal ended it before its time
  if (/ I .*to continue from here: resume_run_id/.test(end)) return "stopped";
  if ((await mtimeOf(join(folder, "tracker", "summary.yaml"))) !== undefined) return "finished";
  if (owner === "gone") return "stopped";
  const latest = Math.max((await mtimeOf(log)) ?? 0, (await mtimeOf(join(folder, "tracker", "metrics.jsonl"))) ?? 0);
  return now - latest < SILENCE ? "running" : "stopped";
}

/** Whether the process that holds a lock still runs; null: there is no lock that could be read. */
async function ownerOf(path: string, now: number): Promise<"alive" | "gone" | null> {
  try {
    const { mark } = JSON.parse(await readFile(path, "utf8")) as { mark: string };
    const state = stateOf(mark);
    const silence = now - ((await mtimeOf(path)) ?? 0);
    return state === "running" || (state === "elsewhere" && silence < GONE_AFTER) ? "alive" : "gone";
  } catch {
    return null; // none, or half a file
  }
}

async function mtimeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}
