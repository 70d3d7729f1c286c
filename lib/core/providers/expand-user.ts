import { homedir } from "node:os";
import { join } from "node:path";

/** Expands `~` at the beginning of a path. */
export function expandUser(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
