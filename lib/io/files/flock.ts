import { readFile, stat } from "node:fs/promises";

/**
 * Whether a process holds a `flock(2)` on a file, as Python's `filelock` does. Node cannot take such a lock, but Linux lists
 * them. On other systems, and of processes in other containers, nothing is known: false.
 */
export async function isFlocked(path: string): Promise<boolean> {
  const status = await stat(path, { bigint: true }).catch(() => null);
  if (status === null) return false;
  const locks = await readFile("/proc/locks", "latin1").catch(() => "");
  // `1: FLOCK  ADVISORY  WRITE 30709 fe:00:5341277 0 EOF`; those that wait have an arrow. Some file systems list another
  // device than they tell, so the number of the file has to do.
  return locks.split("\n").some((line) => /^\d+: FLOCK /.test(line) && line.includes(`:${status.ino} `));
}
