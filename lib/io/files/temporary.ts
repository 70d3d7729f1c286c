/** Names of files that are being written, and what is left of them when their process dies. */
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { couldHaveWritten, MARK_PATTERN, ownMark, stateOf } from "./process-mark";

/** `.{name}.{mark}.{random}.tmp` */
const MARKED = new RegExp(`^\\..*\\.(${MARK_PATTERN})\\.[0-9a-f]{12}\\.tmp$`, "s");
/** Forms that earlier versions wrote: `.{name}.{random}.tmp` and `{name}.tmp-{pid}`. */
const UNMARKED = /^\..*\.[0-9a-f]{12}\.tmp$/s;
const NUMBERED = /\.tmp-(\d+)$/;

/** What a machine that cannot be asked left behind is dead after this time without a change, in milliseconds. */
const ABANDONED_AFTER = 24 * 3600 * 1000;

/** A fresh name for a file that will be renamed to `path` when it is complete. */
export function temporaryPath(path: string): string {
  // file systems take names of up to 255 bytes
  const name = Buffer.from(basename(path))
    .subarray(0, 100)
    .toString()
    .replace(/\uFFFD$/, "");
  return join(dirname(path), `.${name}.${ownMark}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Saves that a folder has seen since it was looked through, and how many entries it had. */
const looked = new Map<string, { entries: number; saves: number }>();

/**
 * Removes the temporary files in a folder whose processes have died. Large folders are looked through once for every so
 * many calls, so that saving many files into one takes no more than linear time.
 */
export function removeDeadTemporaries(folder: string): void {
  const key = resolve(folder);
  const last = looked.get(key);
  if (last !== undefined && ++last.saves < last.entries / 64) return;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return; // what wants to write there will say why it cannot
  }
  if (looked.size > 1000) looked.clear();
  looked.set(key, { entries: names.length, saves: 0 });
  for (const name of names) {
    if (isDeadTemporary(folder, name)) tryRemove(join(folder, name));
  }
}

/** Removes a file or folder; one that cannot be removed is in nobody's way. */
export function tryRemove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // it may belong to somebody else
  }
}

/** Whether a file is a temporary one and nobody writes it any more. */
function isDeadTemporary(folder: string, name: string): boolean {
  const mark = MARKED.exec(name)?.[1];
  if (mark !== undefined) return isDead(mark, join(folder, name));
  const pid = NUMBERED.exec(name)?.[1];
  if (pid === undefined && !UNMARKED.test(name)) return false;
  const status = lstatSync(join(folder, name), { throwIfNoEntry: false });
  if (status === undefined || !status.isFile()) return false;
  return pid === undefined ? !isOpen(join(folder, name)) : !couldHaveWritten(Number(pid), status.mtimeMs);
}

/**
 * Whether the process that made a file or folder has died; of a process on another machine: whether it has not touched it
 * for a day.
 */
export function isDead(mark: string, path: string): boolean {
  const state = stateOf(mark);
  if (state !== "elsewhere") return state === "gone";
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && Date.now() - status.mtimeMs > ABANDONED_AFTER;
}

/** Whether a process that can be looked at has the file open. */
function isOpen(path: string): boolean {
  const file = join(realpathSync(dirname(path)), basename(path));
  for (const pid of entriesOf("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of entriesOf(`/proc/${pid}/fd`)) {
      if (targetOf(`/proc/${pid}/fd/${descriptor}`) === file) return true;
    }
  }
  return false;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}
