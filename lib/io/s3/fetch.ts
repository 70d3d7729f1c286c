import { lstat, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { InvalidInputError, messageOf, ParallelErrors } from "../errors";
import { compareCodePoints } from "../files/python-json";
import { makeFolder } from "../files/make-folder";
import { resolveDir } from "../files/resolve-dir";
import { pathBelow, relativePath } from "../files/safe-path";
import { log } from "../logging";
import { type Download, downloadFiles, type DownloadFilesOptions } from "../transfer/download-files";
import { expectS3Object, listS3Objects, remoteS3Object, type S3Object, type S3Options } from "./objects";

/** How objects are fetched. */
export interface S3FetchOptions extends S3Options, Omit<DownloadFilesOptions, "onFile" | "label"> {}

/** An object and the POSIX path that it goes to, relative to the folder. */
export interface S3Target {
  readonly object: S3Object;
  readonly path: string;
}

/** How keys become paths. */
export interface S3PathOptions {
  /** Leave the prefix out, as a folder: `data/pre` is not left out of `data/prefix/x`. Default: false */
  readonly stripPrefix?: boolean;
  /** Only the last part of the key. Default: false */
  readonly flatten?: boolean;
}

/**
 * Where objects go. An empty object that stands for a folder, as another one lies in it, goes nowhere.
 *
 * @throws InvalidInputError for a key that leads out of the folder, and for keys that would be one file
 */
export function planS3Targets(objects: readonly S3Object[], prefix: string, options: S3PathOptions = {}): S3Target[] {
  const folder = prefix.endsWith("/") ? prefix : `${prefix}/`;
  const pathOf = (key: string): string => {
    const stripped = options.stripPrefix && key.startsWith(folder) ? key.slice(folder.length) : key;
    return relativePath(options.flatten ? stripped.slice(stripped.lastIndexOf("/") + 1) : stripped);
  };
  const targets = objects.map((object) => ({ object, path: pathOf(object.key) }));
  const folders = new Set(targets.flatMap(({ path }) => parentsOf(path)));
  const files = targets.filter(({ object, path }) => object.size > 0 || !folders.has(path));
  const clashes = files.filter(({ path }) => folders.has(path)).map(({ path }) => path);
  if (clashes.length > 0)
    throw new InvalidInputError(
      `keys that would be both a file and a folder: ${clashes.sort(compareCodePoints).join(", ")}`,
    );
  const seen = new Set<string>();
  const again = files.map(({ path }) => path).filter((path) => seen.size === seen.add(path).size);
  const repeated = [...new Set(again)].sort(compareCodePoints);
  if (repeated.length > 0)
    throw new InvalidInputError(
      options.flatten
        ? `Basename collisions under --flatten: ${repeated.join(", ")}. Consider removing --flatten or using distinct prefixes.`
        : `keys that would be the same file: ${repeated.join(", ")}`,
    );
  return files;
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) parents.push(path.slice(0, end));
  return parents;
}

/**
 * Fetches objects to their paths below a folder; what is there is replaced.
 *
 * @throws ParallelErrors of {@link S3Target}s with every object that failed, after all were tried
 */
export async function fetchS3Targets(
  bucket: string,
  targets: readonly S3Target[],
  localDir: string,
  options: S3FetchOptions & { readonly label?: string | null } = {},
): Promise<void> {
  const folder = resolveDir(localDir);
  const downloads = targets.map(({ object, path }): Download => ({
    remote: remoteS3Object(bucket, object, options),
    target: pathBelow(folder, path),
  }));
  for (const parent of [...new Set(downloads.map(({ target }) => dirname(target)))].sort()) {
    await makeParents(parent, folder);
  }
  const targetOf = new Map(downloads.map((download, index) => [download, targets[index] as S3Target]));
  try {
    await downloadFiles(downloads, folder, { label: targets.length > 0 ? `s3://${bucket}` : null, ...options });
  } catch (error) {
    if (!(error instanceof ParallelErrors)) throw error;
    throw new ParallelErrors(
      error.errors.map(([download, cause]) => [targetOf.get(download as Download), cause] as const),
    );
  }
}

/** Makes a folder; an empty file in its place is one that stood for the folder. */
async function makeParents(path: string, root: string): Promise<void> {
  for (let at = path; at.length > root.length; at = dirname(at)) {
    const status = await lstat(at).catch(() => null);
    if (!status?.isFile() || status.size > 0) continue;
    try {
      await rm(at);
    } catch (error) {
      log.warning(`Could not remove conflicting file at ${at}: ${messageOf(error)}`);
    }
  }
  makeFolder(path);
}

/**
 * Fetches one object to its key below a folder.
 *
 * @param path another POSIX path relative to the folder
 * @returns the path of the file
 */
export async function fetchS3File(
  bucket: string,
  key: string,
  localDir: string,
  options: S3FetchOptions & { readonly path?: string } = {},
): Promise<string> {
  const path = relativePath(options.path ?? key);
  const head = await expectS3Object(bucket, key, options);
  const remote = remoteS3Object(bucket, { ...head, key }, options);
  const folder = resolveDir(localDir);
  const target = pathBelow(folder, path);
  await makeParents(dirname(target), folder);
  await downloadFiles([{ remote, target }], folder, { ...options, label: key }).catch((error: unknown) => {
    throw error instanceof ParallelErrors ? error.errors[0]![1] : error;
  });
  return target;
}

/**
 * Fetches the objects whose keys begin with a prefix, each to its key below a folder.
 *
 * @param extension only keys that end with it
 * @returns the paths relative to the folder, in the order of the listing
 * @throws ParallelErrors with every object that failed, after all were tried
 */
export async function fetchS3Prefix(
  bucket: string,
  prefix: string,
  localDir: string,
  extension: string | null = null,
  options: S3FetchOptions = {},
): Promise<string[]> {
  const objects = await listS3Objects(bucket, prefix, extension, options);
  if (objects.length === 0) {
    log.warning(
      `No S3 objects found under s3://${bucket}/${prefix} (extension=${extension === null ? "None" : `'${extension}'`})`,
    );
    return [];
  }
  const targets = planS3Targets(objects, prefix);
  log.info(`Downloading ${targets.length} S3 objects from s3://${bucket}/${prefix} ...`);
  await fetchS3Targets(bucket, targets, localDir, options);
  log.info(`Download complete → ${localDir}`);
  return targets.map(({ path }) => path);
}
