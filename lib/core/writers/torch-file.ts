import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

import { load, save } from "../../torch";
import { FileNotFoundError, RuntimeError } from "../../config/python-errors";

/** Options of {@link readTorchFile}. */
export interface ReadTorchFileOptions {
  /** Device to put the tensors on; by default the CPU. */
  readonly device?: string;
  /** What the file is for, for the error message: `weights of model 'upt'`. */
  readonly purpose?: string;
  /** What to do when the file is missing, for the error message. */
  readonly hint?: string;
}

/**
 * Reads a file in torch's format without executing anything in it.
 *
 * @throws FileNotFoundError when there is no such file.
 */
export function readTorchFile(path: string, { device = "cpu", purpose, hint }: ReadTorchFileOptions = {}): unknown {
  if (!existsSync(path)) {
    throw new FileNotFoundError(
      `${purpose === undefined ? "" : `${purpose}: `}file '${path}' does not exist${hint === undefined ? "" : `; ${hint}`}`,
    );
  }
  return load(path, { mapLocation: device });
}

/**
 * Writes a file in torch's format, complete or not at all; its folder is made where needed.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function writeTorchFile(path: string, content: unknown): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    save(content, path);
  } catch (cause) {
    throw new RuntimeError(
      `cannot write '${path}': ${cause instanceof Error ? cause.message : String(cause)}; a file that was there before is unchanged`,
      { cause },
    );
  }
}
