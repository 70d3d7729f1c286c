import { createGunzip } from "node:zlib";
import { pipeline } from "node:stream";
import { RemoteError } from "../errors";
import { header, httpRequest } from "../http/request";
import type { Checksum } from "../transfer/checksum";
import type { RemoteBody, RemoteFile } from "../transfer/remote-file";
import { type Hub, type HubEntry, timeoutOf } from "./hub";
import { type HubRepoRef, nameOfRepo } from "./repo";

/** A file of a repository, as something to fetch: its etag is a checksum of its content. */
export function remoteHubFile(hub: Hub, ref: HubRepoRef, entry: HubEntry): RemoteFile {
  const name = `${nameOfRepo(ref)}/${entry.path}`;
  return {
    name,
    size: entry.size,
    version: entry.etag || null,
    checksum: checksumOf(entry.etag),
    hasRanges: true,
    open: async (start, end, signal) =>
      openUrl(hub, hub.urlOf(ref, entry.path), name, { start, end, signal, bulk: entry.size - start >= BULK_FROM }),
  };
}

/** SHA-256 of a large file, git's SHA-1 of a small one; of other servers anything. */
export function checksumOf(etag: string): Checksum | null {
  if (/^[0-9a-f]{64}$/.test(etag)) return { algorithm: "sha256", hex: etag };
  return /^[0-9a-f]{40}$/.test(etag) ? { algorithm: "git-sha1", hex: etag } : null;
}

/** Bytes from which on it pays. */
const BULK_FROM = 2 ** 20;

async function openUrl(
  hub: Hub,
  url: string,
  name: string,
  { start, end, signal, bulk }: { start: number; end: number | null; signal: AbortSignal; bulk: boolean },
): Promise<RemoteBody> {
  const headers = { ...hub.headers };
  if (start > 0 || end !== null) headers["range"] = `bytes=${start}-${end === null ? "" : end - 1}`;
  const answer = await httpRequest(url, { headers, signal, timeout: timeoutOf("DOWNLOAD"), bulk });
  if (answer.status !== 200 && answer.status !== 206) throw await hub.explain(answer, name);
  const { body } = answer;
  if (/gzip/.test(header(answer, "content-encoding") ?? "")) {
    // against what was asked for; its length is not that of the file
    const stream = pipeline(body, createGunzip(), () => undefined);
    return { stream, start: 0, size: null };
  }
  const content = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header(answer, "content-range") ?? "");
  if (answer.status === 206) {
    if (content === null) throw new RemoteError(`${name}: a part without content-range`);
    return { stream: body, start: Number(content[1]), size: content[2] === "*" ? null : Number(content[2]) };
  }
  const length = header(answer, "content-length");
  return { stream: body, start: 0, size: length === null ? null : Number(length) };
}
