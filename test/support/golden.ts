import { join } from "node:path";

/** Folder with the golden cases: that of the repository, or another of the same layout. */
export function goldenPath(...parts: string[]): string {
  return join(process.env["NOETHER_GOLDEN_DIR"] ?? join(__dirname, "..", "golden"), ...parts);
}
