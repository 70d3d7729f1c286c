import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolder } from "./make-folder";

/** `~` and `~/…` below the home of the user. */
export function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

/** Absolute path of a folder, with its links resolved; it is made, with its parents, where it is not there. */
export function resolveDir(path: string): string {
  const absolute = resolve(expandHome(path));
  makeFolder(absolute);
  return realpathSync(absolute);
}
