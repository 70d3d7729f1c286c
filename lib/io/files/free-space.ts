import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { IoError, systemCode } from "../errors";
import { fmtBytes } from "../format-bytes";

/** Free bytes, for an unprivileged user, of the file system that a path is or will be on. */
export async function freeSpace(path: string): Promise<number> {
  let at = resolve(path);
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || dirname(at) === at) throw error;
      at = dirname(at);
    }
  }
}

/** Whether something failed as a disk, or what somebody may have of it, is full. */
export function isNoSpace(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT" || (error instanceof IoError && error.code === "IO_NO_SPACE");
}

/** The error of a disk that is full (IoError `IO_NO_SPACE`), with the folder and what to do; any other error as it is. */
export function explainNoSpace(error: unknown, folder: string, kept: string): unknown {
  if (!isNoSpace(error) || error instanceof IoError) return error;
  return new IoError("IO_NO_SPACE", `no space left in ${folder}: ${kept}; make room and try again`, { cause: error });
}

/**
 * Checks before a download whether it will fit.
 *
 * @param free gives the free bytes; for tests
 * @throws IoError (`IO_NO_SPACE`) when it will not
 */
export async function expectFreeSpace(
  folder: string,
  need: number,
  free: (folder: string) => Promise<number> = freeSpace,
): Promise<void> {
  const available = await free(folder);
  if (available < need)
    throw new IoError(
      "IO_NO_SPACE",
      `Insufficient space: need ≈${need} bytes, free=${available} bytes (${fmtBytes(need)} and ${fmtBytes(available)}) in ${folder}: make room, or choose another folder`,
    );
}
