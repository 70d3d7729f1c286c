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
