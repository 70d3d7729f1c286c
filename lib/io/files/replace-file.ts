import { closeSync, fsyncSync, openSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { explainNoSpace } from "./free-space";
import { makeFolder } from "./make-folder";
import { temporaryPath } from "./temporary";

/** Writes a file as a whole or not at all: under a temporary name, brought to disk, then renamed. Makes its folder. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  makeFolder(dirname(path));
  const temporary = temporaryPath(path);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explainNoSpace(error, dirname(path), `${basename(path)} is not written, a file that was there is unchanged`);
  }
  syncFolder(dirname(path));
}

/** Brings the names of a folder to disk, where the system can. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Windows and some network file systems refuse: the rename is atomic all the same
  }
}
