import { IoError, messageOf, NotFoundError, RemoteError } from "../errors";
import { fmtBytes } from "../format-bytes";
import { resolveDir } from "../files/resolve-dir";
import { freeSpace as systemFreeSpace } from "../files/free-space";
import { log } from "../logging";
import { parallelMapCollectErrors } from "../parallel";
import { type Download, downloadFiles, type DownloadFilesOptions } from "../transfer/download-files";
import { deservesRetry } from "../http/retry";
import { Hub, type HubEntry, type HubFileInfo, type HubOptions, timeoutOf } from "./hub";
import { LocalHubFile, prepareLocalDir } from "./local-dir";
import { remoteHubFile } from "./remote-hub-file";
import { type HFRepoType, type HubRepoRef, nameOfRepo, repoRef } from "./repo";

/** Files below this size are fetched anew when their process ended. */
const CONTINUED_FROM = 2 ** 20;

/** How files of the hub are fetched. */
export interface HubFetchOptions extends HubOptions, Omit<DownloadFilesOptions, "onFile" | "label"> {
  /** Default: `model` (by extension: `dataset`) */
  readonly repoType?: HFRepoType;
  /** Default: `main` */
  readonly revision?: string;
  /** Fetch also what seems to be there: what is there was found damaged. Default: false */
  readonly force?: boolean;
  /** Only list what would be fetched. Default: false */
  readonly dryRun?: boolean;
}

/** Files of a repository that are to be fetched. */
export interface HubPlan {
  readonly ref: HubRepoRef;
  readonly commit: string;
  readonly entries: readonly HubEntry[];
}

/** Lists the files of a revision whose paths a filter lets through. */
export async function planHubDownload(
  repoId: string,
  filter: (path: string) => boolean,
  options: HubFetchOptions = {},
): Promise<HubPlan> {
  const ref = repoRef(repoId, options.repoType ?? "model", options.revision ?? "main");
  const hub = new Hub(options);
  const commit = await hub.commitOf(ref);
  const entries = (await hub.list({ ...ref, revision: commit })).filter(({ path }) => filter(path));
  return { ref, commit, entries };
}

/**
 * Fetches the files of a plan into a folder, each under its path in the repository. What is there already is left.
 *
 * @returns the paths, in the order of the listing
 * @throws ParallelErrors with every file that failed, after all were tried
 */
export async function fetchHubPlan(plan: HubPlan, localDir: string, options: HubFetchOptions = {}): Promise<string[]> {
  const { ref, commit, entries } = plan;
  // before anything is made: a hostile name stops everything
  const folder = options.dryRun ? localDir : resolveDir(localDir);
  const files = entries.map((entry) => ({ entry, local: new LocalHubFile(folder, entry.path) }));
  if (!options.dryRun) await prepareLocalDir(folder);
  const hub = new Hub(options);
  const wanted = await parallelMapCollectErrors(
    async ({ entry, local }) => {
      if (options.force) await local.forget();
      else if (await local.isUpToDate(entry)) {
        if (!options.dryRun) await local.writeMetadata({ commit, etag: entry.etag });
        return false;
      }
      return true;
    },
    files,
    options.jobs ?? 8,
  );
  const missing = files.filter((_, index) => wanted[index]);
  const bytes = missing.reduce((sum, { entry }) => sum + entry.size, 0);
  if (options.dryRun) {
    log.debug(`${nameOfRepo(ref)}: ${missing.length} of ${files.length} files are missing, ~${fmtBytes(bytes)}`);
    return missing.map(({ entry }) => entry.path);
  }
  const locals = new Map(missing.map((file) => [file.local.path, file]));
  const downloads: Download[] = [];
  for (const { entry, local } of missing) {
    const partialPath = entry.size >= CONTINUED_FROM ? await local.incomplete(entry.etag) : null;
    downloads.push({
      remote: remoteHubFile(hub, { ...ref, revision: commit }, entry),
      target: local.path,
      ...(partialPath === null ? {} : { partialPath }),
    });
  }
  await downloadFiles(downloads, folder, {
    idleTimeout: timeoutOf("DOWNLOAD"),
    freeSpace: systemFreeSpace,
    ...options,
    // one stream a file: what is left of it is continued by the hub's own client, too
    parts: 1,
    label: missing.length > 0 ? ref.repoId : null,
    onFile: async ({ target }) => {
      const { entry, local } = locals.get(target)!;
      await local.writeMetadata({ commit, etag: entry.etag });
    },
  });
  return entries.map(({ path }) => path);
}

/**
 * Fetches all files of a repository.
 *
 * @returns their paths
 */
export async function fetchHuggingfaceRepoSnapshot(
  repoId: string,
  localDir: string,
  options: HubFetchOptions = {},
): Promise<string[]> {
  const plan = await planHubDownload(repoId, () => true, options);
  return fetchHubPlan(plan, localDir, options);
}

/**
 * Fetches the files whose paths end with a text, e.g. `.th`; an empty one lets all through.
 *
 * @returns their paths
 */
export async function fetchHuggingfaceByExtension(
  repoId: string,
  extension: string,
  localDir: string,
  options: HubFetchOptions = {},
): Promise<string[]> {
  const given: HubFetchOptions = { repoType: "dataset", ...options };
  const plan = await planHubDownload(repoId, (path) => path.endsWith(extension), given);
  if (plan.entries.length === 0) {
    log.warning(`No files with extension '${extension}' found in ${repoId}`);
    return [];
  }
  log.info(`Downloading ${plan.entries.length} files with extension '${extension}' from ${repoId}...`);
  const paths = await fetchHubPlan(plan, localDir, given);
  if (!given.dryRun) log.info(`Download complete → ${localDir}`);
  return paths;
}

/**
 * Fetches one file, to its path in the repository below a folder. A file of a commit that is there needs no request; one
 * that the hub gave before is kept, with a warning, when the hub cannot be reached.
 *
 * @returns the path of the file
 */
export async function fetchHuggingfaceFile(
  repoId: string,
  filename: string,
  localDir: string,
  options: HubFetchOptions = {},
): Promise<string> {
  const ref = repoRef(repoId, options.repoType ?? "model", options.revision ?? "main");
  const folder = resolveDir(localDir);
  const local = new LocalHubFile(folder, filename);
  const known = options.force ? null : await local.metadata();
  if (known !== null && known.commit === ref.revision) return local.path;
  let info: HubFileInfo;
  try {
    info = await new Hub(options).head(ref, filename);
  } catch (error) {
    if (known === null || !isUnreachable(error)) throw error;
    log.warning(`the hub cannot be reached, ${local.path} is taken as it is: ${messageOf(error)}`);
    return local.path;
  }
  await fetchHubPlan({ ref, commit: info.commit, entries: [info] }, folder, options);
  return local.path;
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof NotFoundError) return false;
  if (error instanceof IoError && error.code === "IO_OFFLINE") return true;
  if (error instanceof RemoteError) return error.status === null || error.status >= 500;
  return deservesRetry(error) || (error as NodeJS.ErrnoException).code === "ENOTFOUND";
}

/**
 * Bytes of a repository's files; those of unknown size are a warning.
 *
 * @param options.extension only of files whose paths end with this
 */
export async function estimateHfRepoSize(
  repoId: string,
  options: HubFetchOptions & { readonly extension?: string | null } = {},
): Promise<number> {
  const { extension } = options;
  const ref = repoRef(repoId, options.repoType ?? "model", options.revision ?? "main");
  const entries = (await new Hub(options).list(ref)).filter(({ path }) => path.endsWith(extension || ""));
  const unknown = entries.filter(({ size }) => !Number.isSafeInteger(size));
  if (unknown.length > 0) log.warning(`${repoId}: the sizes of ${unknown.length} files are not known and not counted`);
  return entries.reduce((sum, { size }) => sum + (Number.isSafeInteger(size) ? size : 0), 0);
}
