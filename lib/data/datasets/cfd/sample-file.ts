import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { FileNotFoundError, RuntimeError } from "../../../config/python-errors";
import { expandUser } from "../../../core/providers/expand-user";
import { CheckpointError, load, TorchError } from "../../../torch";

/**
 * The absolute folder of a data set's `root`, `~` being the home directory.
 *
 * @throws FileNotFoundError when there is no such folder
 */
export function rootFolder(dataset: string, root: string): string {
  const folder = resolve(expandUser(root));
  if (!isFolder(folder))
    throw new FileNotFoundError(`${dataset}: expected root to be the folder of the data, but there is no ${folder}`);
  return folder;
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * What a file that `torch.save` wrote holds.
 *
 * @throws RuntimeError naming the path when there is no such file, or it is damaged
 */
export function readSampleFile(dataset: string, path: string): unknown {
  if (!existsSync(path)) throw new RuntimeError(missingFile(dataset, path));
  try {
    return load(path);
  } catch (error) {
    if (!(error instanceof CheckpointError || error instanceof TorchError)) throw error;
    throw new RuntimeError(`${dataset}: expected ${path} to be a file of torch.save: ${error.message}`, {
      cause: error,
    });
  }
}

/** `Cars: expected the file a/b.pt, but there is none; a has c.pt` */
export function missingFile(dataset: string, path: string): string {
  const folder = dirname(path);
  if (!isFolder(folder))
    return `${dataset}: expected the file ${basename(path)} in the folder ${folder}, but there is no such folder`;
  const there = readdirSync(folder).sort();
  const shown = there.slice(0, 12).join(", ") + (there.length > 12 ? ", …" : "");
  return `${dataset}: expected the file ${path}, but there is none; the folder has ${shown || "no files"}`;
}
