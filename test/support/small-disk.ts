import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of so many bytes at a folder, or null where this user cannot have one: that takes root on Linux. */
export function smallDisk(bytes: number): { readonly path: string; readonly remove: () => void } | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
  const path = mkdtempSync(join(tmpdir(), "noether-disk-"));
  const remove = (): void => {
    spawnSync("umount", ["-l", path]);
    rmdirSync(path);
  };
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]).status === 0) return { path, remove };
  rmdirSync(path);
  return null;
}
