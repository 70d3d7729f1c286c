import { readFile, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { IntegrityError, InvalidInputError, IoError, messageOf, NotFoundError, RemoteError } from "../errors";
import { expectFreeSpace } from "../files/free-space";
import { makeFolder } from "../files/make-folder";
import { pythonJson } from "../files/python-json";
import { replaceFile } from "../files/replace-file";
import { expandHome } from "../files/resolve-dir";
import { Hub, type HubOptions, repoRef } from "../huggingface";
import { remoteHubFile } from "../huggingface/remote-hub-file";
import { log } from "../logging";
import { expectS3Object, remoteS3Object, type S3Options } from "../s3";
import { bytesToFetch, downloadFile } from "../transfer/download-file";
import { LogProgress } from "../transfer/log-progress";
import type { RemoteFile } from "../transfer/remote-file";
import { deservesRetry } from "../http/retry";
import { hashFile } from "../verification/hash-file";
import { defaultCacheDir, placeOf, type CheckpointPlace } from "./cache-layout";
import { type CheckpointUri, parseCheckpointUri } from "./checkpoint-uri";

/** A checkpoint that is on this machine. */
export interface CheckpointMetadata {
  /** As it was given. */
  readonly uri: string;
  readonly localPath: string;
  /** Lower-case hex; null: not computed. */
  readonly sha256: string | null;
  readonly size: number;
}

/** How a checkpoint is fetched. */
export interface ResolveCheckpointOptions extends HubOptions, Pick<S3Options, "client" | "verifyEtag"> {
  /** Default: `NOETHER_CHECKPOINT_CACHE`, else `~/.cache/emmi/checkpoints` */
  readonly cacheDir?: string;
  /** Hex, in either case. */
  readonly expectedSha256?: string | null;
  /** Tries whether the file can be loaded; what it throws is the error. */
  readonly verifyLoad?: ((path: string) => Promise<void> | void) | null;
  /** Bytes that have to be free besides those of the checkpoint. */
  readonly minFreeBytes?: number | null;
  /** Whether the SHA-256 is computed. Default: true */
  readonly computeHash?: boolean;
  /** The layout of the Python framework, where checkpoints of the same name replace each other. Default: false */
  readonly sharedLayout?: boolean;
  /** Free bytes of a folder; for tests. */
  readonly freeSpace?: (folder: string) => Promise<number>;
}

/**
 * Makes a checkpoint a file of this machine: a path stays where it is, `hf://` and `s3://` go to the cache, once. What is
 * in the cache is taken when the server still has the same (or cannot be reached), and without asking when its SHA-256 is
 * the expected one, or its revision a commit.
 *
 * @throws NotFoundError without the checkpoint; IntegrityError for another SHA-256 than expected, after which nothing stays in the
 *   cache; InvalidInputError for a URI that cannot be understood, or a folder
 */
export async function resolveCheckpoint(
  uri: string,
  options: ResolveCheckpointOptions = {},
): Promise<CheckpointMetadata> {
  const expected = options.expectedSha256?.toLowerCase() ?? null;
  if (expected !== null && !/^[0-9a-f]{64}$/.test(expected))
    throw new InvalidInputError(`expected a SHA-256 of 64 hexadecimal digits, got '${options.expectedSha256}'`);
  const parsed = parseCheckpointUri(uri);
  const found =
    parsed.scheme === "file"
      ? await localFile(uri, parsed.path, options)
      : await remoteFile(uri, parsed, expected, options);
  const sha256 =
    found.sha256 ?? (expected === null && options.computeHash === false ? null : await hashFile(found.localPath));
  if (expected !== null && sha256 !== expected) {
    if (parsed.scheme !== "file") await rm(found.localPath, { force: true });
    throw new IntegrityError(`SHA-256 mismatch for checkpoint ${uri}: expected ${expected}, got ${sha256}`);
  }
  const metadata = { ...found, sha256 };
  if (found.place !== null) await writeMetadata(found.place, metadata);
  await options.verifyLoad?.(metadata.localPath);
  log.info(`Checkpoint ready → ${metadata.localPath}`);
  return { uri, localPath: metadata.localPath, sha256, size: metadata.size };
}

/** {@link resolveCheckpoint} without computing what was not asked for: the path alone. */
export async function resolveCheckpointUri(uri: string, options: ResolveCheckpointOptions = {}): Promise<string> {
  return (await resolveCheckpoint(uri, { computeHash: false, ...options })).localPath;
}

interface Found {
  readonly uri: string;
  readonly localPath: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly etag: string | null;
  /** Null: it is not in the cache. */
  readonly place: CheckpointPlace | null;
}

async function localFile(
  uri: string,
  path: string,
  { minFreeBytes, freeSpace }: ResolveCheckpointOptions,
): Promise<Found> {
  const localPath = resolve(expandHome(path));
  const status = await stat(localPath).catch(() => null);
  if (status === null) throw new NotFoundError(`there is no checkpoint ${localPath}`);
  if (status.isDirectory())
    throw new InvalidInputError(`expected the file of a checkpoint, got the folder ${localPath}`);
  if (minFreeBytes) await expectFreeSpace(localPath, minFreeBytes, freeSpace);
  return { uri, localPath, size: status.size, sha256: null, etag: null, place: null };
}

type Remote = Exclude<CheckpointUri, { scheme: "file" }>;

async function remoteFile(
  uri: string,
  parsed: Remote,
  expected: string | null,
  options: ResolveCheckpointOptions,
): Promise<Found> {
  const hint = parsed.scheme === "hf" ? parsed.filename : parsed.key;
  if (hint === null) throw new InvalidInputError(`hf:// URI requires ?filename=<name>, got '${uri}'`);
  if (hint.endsWith("/")) throw new InvalidInputError(`expected the file of a checkpoint, got the folder '${uri}'`);
  const place = placeOf(
    resolve(expandHome(options.cacheDir ?? defaultCacheDir())),
    hint,
    options.sharedLayout ? null : identityOf(parsed),
  );
  const cached = await readCached(uri, place);
  if (cached !== null) {
    if (expected !== null && cached.sha256 === expected && (await hashFile(place.file)) === expected) return cached;
    if (expected === null && parsed.scheme === "hf" && /^[0-9a-f]{40}$/.test(parsed.revision)) return cached;
  }
  let remote: RemoteFile;
  try {
    remote = await describe(parsed, options);
  } catch (error) {
    if (cached === null || !isUnreachable(error)) throw error;
    log.warning(`${uri} cannot be reached, ${place.file} is taken as it is: ${messageOf(error)}`);
    return cached;
  }
  if (cached !== null && cached.etag !== null && cached.etag === remote.version && cached.size === remote.size)
    return cached;
  makeFolder(place.folder);
  const need = (await bytesToFetch(remote, place.file)) + (options.minFreeBytes ?? 0);
  await expectFreeSpace(place.folder, need, options.freeSpace);
  const progress = new LogProgress(hint, remote.size);
  let failed = true;
  try {
    const size = await downloadFile(remote, place.file, {
      ...options,
      progress,
      // what is known of an older file is true until the new one takes its place
      beforeNamed: async () => rm(place.metadata, { force: true }),
    });
    failed = false;
    const { checksum } = remote;
    const sha256 = checksum?.algorithm === "sha256" ? checksum.hex : null;
    return { uri, localPath: place.file, size, sha256, etag: remote.version, place };
  } finally {
    progress.close(failed);
  }
}

/** What tells a checkpoint from others of the same name. */
function identityOf(parsed: Remote): string {
  return JSON.stringify(
    parsed.scheme === "hf"
      ? ["hf", parsed.repoType, parsed.repoId, parsed.revision, parsed.filename]
      : ["s3", process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"] ?? "", parsed.bucket, parsed.key],
  );
}

async function describe(parsed: Remote, options: ResolveCheckpointOptions): Promise<RemoteFile> {
  if (parsed.scheme === "s3") {
    const head = await expectS3Object(parsed.bucket, parsed.key, options);
    return remoteS3Object(parsed.bucket, { ...head, key: parsed.key }, options);
  }
  const hub = new Hub(options);
  const ref = repoRef(parsed.repoId, parsed.repoType, parsed.revision);
  const info = await hub.head(ref, parsed.filename as string);
  return remoteHubFile(hub, { ...ref, revision: info.commit }, info);
}

/** What is in the cache for a URI; null: nothing, or something else. */
async function readCached(uri: string, place: CheckpointPlace): Promise<Found | null> {
  const [text, status] = await Promise.all([
    readFile(place.metadata, "utf8").catch(() => null),
    stat(place.file).catch(() => null),
  ]);
  if (text === null || !status?.isFile()) return null;
  try {
    const known = JSON.parse(text) as Record<string, unknown>;
    if (known["uri"] !== uri || known["size"] !== status.size) return null;
    const text_ = (name: string): string | null => (typeof known[name] === "string" ? known[name] : null);
    return { uri, localPath: place.file, size: status.size, sha256: text_("sha256"), etag: text_("etag"), place };
  } catch {
    return null; // not written by us, or torn: the file is fetched again
  }
}

/** The keys and their order are those of the Python framework; `etag` is ours. */
async function writeMetadata(place: CheckpointPlace, { uri, localPath, sha256, size, etag }: Found): Promise<void> {
  const created_at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  await replaceFile(
    place.metadata,
    pythonJson({ uri, local_path: localPath, sha256, size, created_at, etag }, { indent: 2 }),
  );
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof IoError && error.code === "IO_OFFLINE") return true;
  if (error instanceof RemoteError) return error.status === null || error.status >= 500;
  return deservesRetry(error) || (error as NodeJS.ErrnoException).code === "ENOTFOUND";
}
