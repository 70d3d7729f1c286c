import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemCode } from "../errors";

/**
 * Makes a folder, and its parents, where it is not there. Node's own `recursive` never returns where the system refuses a name by
 * saying that the parent is missing, as `/proc` does.
 *
 * @throws the system's error, also for a file of that name
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  let at = resolve(path);
  for (; !isFolder(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // another process was faster
      if (systemCode(error) !== "EEXIST" || !isFolder(folder)) throw error;
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // whoever makes it will be told why not
  }
}
