import { dirname } from "node:path";
import { ParallelErrors } from "../errors";
import { expectFreeSpace, explainNoSpace, isNoSpace } from "../files/free-space";
import { removeDeadTemporaries } from "../files/temporary";
import { parallelMapCollectErrors } from "../parallel";
import { bytesToFetch, downloadFile, type DownloadOptions } from "./download-file";
import { LogProgress, type ProgressOptions } from "./log-progress";
import type { RemoteFile } from "./remote-file";
import { Slots } from "./slots";

/** A file and where it goes. */
export interface Download {
  readonly remote: RemoteFile;
  /** Absolute path. */
  readonly target: string;
  /** Where the bytes are until the file is complete, instead of beside it. */
  readonly partialPath?: string;
}

/** How many files are fetched. */
export interface DownloadFilesOptions extends Omit<
  DownloadOptions,
  "progress" | "slots" | "partialPath" | "beforeNamed"
> {
  /** Requests at a time. Default: 8 */
  readonly jobs?: number;
  /** Name of the whole in lines of progress; null: no progress. */
  readonly label?: string | null;
  readonly progress?: ProgressOptions;
  /** Free bytes of a folder; for tests. */
  readonly freeSpace?: (folder: string) => Promise<number>;
  /** Called when a file is there. */
  readonly onFile?: (download: Download) => Promise<void> | void;
}

/**
 * Fetches files at the same time. All are tried, also after one has failed. What killed processes left in their folders and cannot
 * be continued is removed.
 *
 * @param folder where they go; what they need has to be free on its file system
 * @throws ParallelErrors with every download that failed; IoError without room, before anything is fetched
 */
export async function downloadFiles(
  downloads: readonly Download[],
  folder: string,
  options: DownloadFilesOptions = {},
): Promise<void> {
  const sizes = downloads.map(({ remote }) => remote.size);
  const known = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const needs = await Promise.all(
    downloads.map(({ remote, target, partialPath }) => bytesToFetch(remote, target, partialPath)),
  );
  await expectFreeSpace(
    folder,
    needs.reduce((sum, bytes) => sum + bytes, 0),
    options.freeSpace,
  );
  const written = downloads.flatMap(({ target, partialPath }) => [target, partialPath ?? target]);
  for (const each of new Set(written.map((path) => dirname(path)))) removeDeadTemporaries(each);
  const { jobs = 8, label = null } = options;
  const isKnown = sizes.every((size) => size !== null);
  const progress = label === null ? undefined : new LogProgress(label, isKnown ? known : null, options.progress);
  const slots = new Slots(jobs);
  // ends the others when no file can be written any more
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  let failed = true;
  try {
    await parallelMapCollectErrors(
      async (download) => {
        signal.throwIfAborted();
        const { remote, target, partialPath } = download;
        try {
          await downloadFile(remote, target, { ...options, signal, progress, slots, partialPath });
          await options.onFile?.(download);
        } catch (error) {
          if (isNoSpace(error))
            stop.abort(explainNoSpace(error, folder, "what is there stays, the next try continues"));
          throw error;
        }
      },
      downloads,
      jobs,
    );
    failed = false;
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    if (error instanceof ParallelErrors && options.signal?.aborted) throw options.signal.reason;
    throw error;
  } finally {
    progress?.close(failed);
  }
}
