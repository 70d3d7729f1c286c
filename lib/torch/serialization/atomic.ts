/** Files that appear under their name complete or not at all. */
import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { native } from "../addon";
import { TorchError } from "../errors";
import { perform, type Steps } from "./steps";
import { removeDeadTemporaries, temporaryPath } from "../../io/files/temporary";

/**
 * Writes a file under a temporary name in the folder of `path`, brings it to disk and renames it. When anything fails
 * (disk full, no permission, the process dies) the previous file is untouched. What a process that died left of a file in
 * the same folder is removed.
 *
 * @param write appends to the archive with the given id.
 */
export function* replaceFile(path: string, write: (archive: number) => Steps<void>): Steps<void> {
  const target = resolveTarget(path);
  removeDeadTemporaries(dirname(target));
  const archive = native.archiveCreate(temporaryPath(target));
  try {
    yield* write(archive);
    yield* perform({
      now: () => native.archiveCommit(archive, target),
      later: () => native.archiveCommitAsync(archive, target),
    });
  } finally {
    native.archiveClose(archive);
  }
}

/** A path that can be opened: `"a\0b"` would be cut by the system. */
export function checkPath(path: string): void {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError(`expected a path, got ${typeof path === "string" ? JSON.stringify(path) : typeof path}`);
  }
}

/** The file that is to be replaced: a link keeps pointing to it. */
export function resolveTarget(path: string): string {
  checkPath(path);
  const existing = lstatSync(path, { throwIfNoEntry: false });
  const target =
    existing?.isSymbolicLink() && statSync(path, { throwIfNoEntry: false }) !== undefined ? realpathSync(path) : path;
  const status = existing === undefined ? undefined : statSync(target, { throwIfNoEntry: false });
  if (status !== undefined && !status.isFile()) {
    throw new TorchError(
      `save: expected the name of a file, got ${path}, which is ${status.isDirectory() ? "a folder" : "no regular file"}`,
      { code: "ERR_FILE" },
    );
  }
  if (!statSync(dirname(target), { throwIfNoEntry: false })?.isDirectory()) {
    throw new TorchError(`save: expected an existing folder for ${path}, got ${dirname(target)}; create it first`, {
      code: "ERR_FILE_NOT_FOUND",
    });
  }
  return target;
}
