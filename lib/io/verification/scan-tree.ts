import { type Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { systemCode } from "../errors";

/** What is on the disk. */
export interface ScannedFile {
  readonly path: string;
  readonly size: number;
}

/**
 * The regular files below a folder, POSIX paths with sizes. Dot-files count; links to files are followed, links to
 * folders are not; what fetching leaves beside the files (`.cache/huggingface/`, `*.part`, temporary files) does not count.
 * A folder that is not there has none.
 *
 * @param except files that do not count, e.g. the manifest itself
 */
export async function scanTree(root: string, except: readonly string[] = []): Promise<ScannedFile[]> {
  const files: ScannedFile[] = [];
  const left = new Set(await Promise.all(except.map(realPathOr)));
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(folder, folder === root)) {
      const path = join(folder, entry.name);
      const name = relative(root, path).split(sep).join("/");
      if (entry.isDirectory()) {
        if (name !== ".cache/huggingface") folders.push(path);
        continue;
      }
      if (isLeftover(entry.name) || left.has(entry.isSymbolicLink() ? path : await realPathOr(path))) continue;
      const status = await stat(path).catch(() => null); // a broken link, or a file that has just gone
      if (status?.isFile()) files.push({ path: name, size: status.size });
    }
  }
  return files;
}

/** Names of files that are being written. */
export function isLeftover(name: string): boolean {
  return /\.part(\.chunks|\.lock)?$/.test(name) || /^\..*\.tmp$/s.test(name);
}

async function entriesOf(folder: string, mayBeMissing: boolean): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (mayBeMissing && systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function realPathOr(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
