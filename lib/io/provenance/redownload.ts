import { dirname } from "node:path";
import { InvalidInputError } from "../errors";
import { makeFolder } from "../files/make-folder";
import { pathBelow } from "../files/safe-path";
import { Hub, type HubOptions, repoRef } from "../huggingface";
import { LocalHubFile } from "../huggingface/local-dir";
import { remoteHubFile } from "../huggingface/remote-hub-file";
import { expectS3Object, remoteS3Object, type S3Options } from "../s3";
import { downloadFile } from "../transfer/download-file";
import type { RemoteFile } from "../transfer/remote-file";
import type { FileRecord } from "../verification/manifest";

/** Why a file cannot be fetched again from what its manifest says. */
export class NoProvenanceError extends InvalidInputError {}

/**
 * Fetches a file of a manifest again from where it came, whatever is there, to its path in the manifest.
 *
 * @throws NoProvenanceError when the manifest does not say where it came from, or names an unknown provider
 */
export async function redownload(
  record: FileRecord,
  root: string,
  options: HubOptions & S3Options = {},
): Promise<void> {
  const remote = await remoteOf(record, options);
  const target = pathBelow(root, record.path);
  makeFolder(dirname(target));
  await new LocalHubFile(root, record.path).forget();
  await downloadFile(remote, target, options);
}

async function remoteOf({ path, source }: FileRecord, options: HubOptions & S3Options): Promise<RemoteFile> {
  if (source === null) throw new NoProvenanceError(`No provenance for ${path}`);
  const text = (name: string, otherwise?: string): string => {
    const value = source[name] ?? otherwise;
    if (typeof value !== "string" || value === "")
      throw new NoProvenanceError(`No provenance for ${path}: the manifest has no ${name}`);
    return value;
  };
  if (source["provider"] === "huggingface") {
    const ref = repoRef(text("repo_id"), text("repo_type", "model"), text("revision", "main"));
    const hub = new Hub(options);
    const info = await hub.head(ref, text("filename", path));
    return remoteHubFile(hub, { ...ref, revision: info.commit }, info);
  }
  if (source["provider"] === "s3") {
    const [bucket, key] = [text("bucket"), text("key")];
    return remoteS3Object(bucket, { ...(await expectS3Object(bucket, key, options)), key }, options);
  }
  throw new NoProvenanceError(`Unsupported provider '${String(source["provider"])}' for ${path}`);
}
