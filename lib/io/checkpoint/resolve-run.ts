import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InvalidInputError, NotFoundError } from "../errors";
import { expandHome } from "../files/resolve-dir";
import { fetchHubPlan, type HubOptions, planHubDownload } from "../huggingface";
import { listS3Objects, planS3Targets, type S3Options, type S3Target } from "../s3";
import { pathBelow } from "../files/safe-path";
import { digestOfFile } from "../verification/hash-file";
import { fetchS3Targets } from "../s3/fetch";
import { defaultCacheDir } from "./cache-layout";
import { isRemoteUri, parseCheckpointUri } from "./checkpoint-uri";
import { resolveCheckpointUri } from "./resolve-checkpoint";

/** How the files of a run are fetched. */
export interface ResolveRunOptions extends HubOptions, Pick<S3Options, "client" | "verifyEtag"> {
  /** Default: `~/.cache/emmi/checkpoints`; runs are in `runs` below it */
  readonly cacheDir?: string;
  /** Which files: POSIX paths below the folder that the URI names. Default: all */
  readonly filter?: (path: string) => boolean;
}

/**
 * Makes a folder of runs, or of one run, a folder of this machine: a path stays where it is; `hf://org/name[@revision]`,
 * optionally with `?filename=folder`, and `s3://bucket/prefix` go to the cache. What is there and unchanged is not fetched
 * again.
 *
 * @returns the folder
 * @throws NotFoundError when nothing is there; ParallelErrors for files that cannot be fetched
 */
export async function resolveRunUri(uri: string, options: ResolveRunOptions = {}): Promise<string> {
  if (!isRemoteUri(uri)) {
    const parsed = parseCheckpointUri(uri);
    if (parsed.scheme !== "file") throw new InvalidInputError(`expected a folder, got ${uri}`);
    return resolve(expandHome(parsed.path));
  }
  const id = createHash("sha256").update(uri).digest("hex").slice(0, 16);
  const folder = join(resolve(expandHome(options.cacheDir ?? defaultCacheDir())), "runs", id);
  return uri.startsWith("hf://") ? fromHub(uri, folder, options) : fromS3(uri, folder, options);
}

async function fromHub(uri: string, folder: string, options: ResolveRunOptions): Promise<string> {
  const parsed = parseCheckpointUri(uri);
  if (parsed.scheme !== "hf") throw new InvalidInputError(`expected hf://, got ${uri}`);
  const { repoId, repoType, revision, filename } = parsed;
  const start = filename === null ? "" : `${filename.replace(/\/+$/, "")}/`;
  const isWanted = (path: string): boolean =>
    path.startsWith(start) && (options.filter?.(path.slice(start.length)) ?? true);
  const plan = await planHubDownload(repoId, isWanted, { ...options, repoType, revision });
  if (plan.entries.length === 0) throw new NotFoundError(`${uri}: there are no such files`);
  await fetchHubPlan(plan, folder, options);
  return join(folder, start);
}

async function fromS3(uri: string, folder: string, options: ResolveRunOptions): Promise<string> {
  const [, bucket = "", place = ""] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  if (bucket === "") throw new InvalidInputError(`expected s3://bucket/prefix, got ${uri}`);
  const prefix = place === "" ? "" : `${place.replace(/\/+$/, "")}/`;
  const objects = await listS3Objects(bucket, prefix, null, options);
  const targets = planS3Targets(objects, prefix, { stripPrefix: prefix !== "" }).filter(
    ({ path }) => options.filter?.(path) ?? true,
  );
  if (targets.length === 0) throw new NotFoundError(`${uri}: there are no such files`);
  const changed = await Promise.all(targets.map(async (target) => !(await isThere(target, folder))));
  await fetchS3Targets(
    bucket,
    targets.filter((_, index) => changed[index]),
    folder,
    options,
  );
  return folder;
}

/** Whether a file is what the listing says; an ETag that is no checksum says nothing. */
async function isThere({ object, path }: S3Target, folder: string): Promise<boolean> {
  const file = pathBelow(folder, path);
  const status = await stat(file).catch(() => null);
  if (!status?.isFile() || status.size !== object.size || !/^[0-9a-f]{32}$/.test(object.etag ?? "")) return false;
  return (await digestOfFile(file, { algorithm: "md5" })) === object.etag;
}

/**
 * Makes one run, or one of its files, a path of this machine: the URI of a folder gives the folder without states of
 * optimizers; that of a file in `checkpoints` gives the file, with the run's config beside it; any other file is a checkpoint
 * by itself. A path stays what it is.
 */
export async function resolveRunOrFile(uri: string, options: ResolveRunOptions = {}): Promise<string> {
  if (!isRemoteUri(uri)) return uri;
  const [start, name] = uri.startsWith("hf://") ? splitAt(uri, /[?&]filename=/) : splitAt(uri, /^s3:\/\/[^/]*\//);
  if (!/\.[A-Za-z]\w*$/.test(name)) {
    return resolveRunUri(uri, { filter: (path) => !path.endsWith("_optim.th"), ...options });
  }
  const [, run, file] = /^(.*\/|)checkpoints\/([^/]+)$/.exec(name) ?? [];
  if (run === undefined || file === undefined) return resolveCheckpointUri(uri, options);
  const wanted = new Set(["hp_resolved.yaml", `checkpoints/${file}`]);
  const folderUri = run === "" ? start.replace(/[?&]filename=$/, "") : `${start}${run.replace(/\/$/, "")}`;
  const folder = await resolveRunUri(folderUri, { ...options, filter: (path) => wanted.has(path) });
  return join(folder, "checkpoints", file);
}

/** What comes before the end of a match, and what follows. */
function splitAt(text: string, pattern: RegExp): [string, string] {
  const match = pattern.exec(text);
  if (match === null) return [text, ""];
  const end = match.index + match[0].length;
  return [text.slice(0, end), text.slice(end)];
}
