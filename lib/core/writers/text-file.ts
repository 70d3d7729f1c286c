import {
  appendFileSync,
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

import { RuntimeError } from "../../config/python-errors";
import { removeDeadTemporaries, temporaryPath } from "../../io/files/temporary";

/**
 * Writes a file, complete or not at all: under a temporary name first. Its folder is made where needed.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function writeTextFile(path: string, text: string | Uint8Array): void {
  const temporary = temporaryPath(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeDeadTemporaries(dirname(path));
    const file = openSync(temporary, "wx");
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new RuntimeError(
      `cannot write '${path}': ${(cause as Error).message}; a file that was there before is unchanged`,
      { cause },
    );
  }
}

/**
 * Adds lines to a file, all of the text or nothing: half a line, as a full disk leaves it, would spoil the next one.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function appendToTextFile(path: string, text: string): void {
  let file: number | null = null;
  let before = 0;
  try {
    file = openSync(path, "a");
    before = fstatSync(file).size;
    appendFileSync(file, text);
  } catch (cause) {
    if (file !== null) ftruncateSync(file, before);
    throw new RuntimeError(`cannot write '${path}': ${(cause as Error).message}; what was there before is unchanged`, {
      cause,
    });
  } finally {
    if (file !== null) closeSync(file);
  }
}
