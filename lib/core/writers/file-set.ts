import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { save } from "../../torch";
import { RuntimeError } from "../../config/python-errors";

/** One file of a checkpoint: where it goes and what is in it. */
export interface TorchFile {
  readonly path: string;
  readonly content: unknown;
}

/**
 * Writes files in torch's format so that a failure leaves what was there before.
 *
 * All files are written and brought to disk under temporary names first, then renamed: a full disk or an
 * interruption while writing never touches an older file of the same name, and never leaves half a file.
 *
 * @throws RuntimeError that names the file and the reason; temporary files are removed.
 */
export function writeTorchFiles(files: readonly TorchFile[]): void {
  const written: { path: string; temporary: string }[] = [];
  let current = "";
  try {
    for (const { path, content } of files) {
      current = path;
      mkdirSync(dirname(path), { recursive: true });
      const temporary = `${path}.tmp-${process.pid}`;
      written.push({ path, temporary });
      save(content, temporary, { finalPath: path });
    }
    for (const { path, temporary } of written) {
      current = path;
      renameSync(temporary, path);
    }
  } catch (cause) {
    for (const { temporary } of written) {
      rmSync(temporary, { force: true });
    }
    throw new RuntimeError(
      `cannot write checkpoint file '${current}': ${cause instanceof Error ? cause.message : String(cause)}; files that were there before are unchanged`,
      { cause },
    );
  }
}
