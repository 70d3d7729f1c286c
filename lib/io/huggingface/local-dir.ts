/** What the hub's client keeps beside files that it fetched: which commit and etag they are of. */
import { createHash } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isFlocked } from "../files/flock";
import { makeFolder } from "../files/make-folder";
import { pathBelow, relativePath } from "../files/safe-path";
import { InvalidInputError } from "../errors";
import { algorithmFor } from "../transfer/checksum";
import { digestOfFile } from "../verification/hash-file";
import type { HubEntry } from "./hub";
import { checksumOf } from "./remote-hub-file";

const BESIDE = join(".cache", "huggingface");

/** Keeps what is beside the files out of git. */
export async function prepareLocalDir(folder: string): Promise<void> {
  makeFolder(join(folder, BESIDE));
  await writeFile(join(folder, BESIDE, ".gitignore"), "*");
}

/** What is known of a fetched file. */
export interface FileMetadata {
  readonly commit: string;
  readonly etag: string;
}

/** The paths of one file. */
export class LocalHubFile {
  /** Where the file is or will be. */
  readonly path: string;
  readonly #metadata: string;
  /** @throws InvalidInputError for a name that leads out of the folder, or into what is kept beside the files */
  constructor(folder: string, name: string) {
    this.path = pathBelow(folder, name);
    if (/^\.cache\/huggingface(\/|$)/i.test(relativePath(name)))
      throw new InvalidInputError(
        `Illegal relative path derived from a remote name: ${JSON.stringify(name)} is kept for the client`,
      );
    this.#metadata = `${pathBelow(join(folder, BESIDE, "download"), name)}.metadata`;
  }

  /** Where the bytes of an etag are until the file is complete, here and with the hub's own client (before 2.0); null: it is fetching it. */
  async incomplete(etag: string): Promise<string | null> {
    if (await isFlocked(this.#metadata.replace(/metadata$/, "lock"))) return null;
    const hash = createHash("sha1").update(basename(this.#metadata)).digest("base64");
    const name = hash.replaceAll("+", "-").replaceAll("/", "_");
    return join(dirname(this.#metadata), `${name}.${etag.replace(/[^\w.-]/g, "_")}.incomplete`);
  }

  /** null: nothing is known, or the file was changed since. */
  async metadata(): Promise<FileMetadata | null> {
    const [text, status] = await Promise.all([
      readFile(this.#metadata, "utf8").catch(() => null),
      stat(this.path).catch(() => null),
    ]);
    const [commit = "", etag = "", time = ""] = text?.split("\n").map((line) => line.trim()) ?? [];
    if (!status?.isFile() || commit === "" || etag === "" || !(Number(time) > 0)) return null;
    return status.mtimeMs / 1000 - 1 <= Number(time) ? { commit, etag } : null;
  }

  /** Says of what commit and etag the file is. */
  async writeMetadata({ commit, etag }: FileMetadata): Promise<void> {
    const text = `${commit}\n${etag}\n${Date.now() / 1000}\n`;
    makeFolder(dirname(this.#metadata));
    await writeFile(this.#metadata, text);
  }

  /** The file is to be fetched again, whatever is known of it. */
  async forget(): Promise<void> {
    await rm(this.#metadata, { force: true });
  }

  /** Whether the file is what the hub has; by its metadata, else by its content. */
  async isUpToDate(entry: HubEntry): Promise<boolean> {
    const status = await stat(this.path).catch(() => null);
    if (!status?.isFile() || status.size !== entry.size) return false;
    const known = await this.metadata();
    return known !== null ? known.etag === entry.etag : this.hasContent(entry);
  }

  /** Whether the content is what the hub has; false where it has no checksum to say so. */
  async hasContent(entry: HubEntry): Promise<boolean> {
    const status = await stat(this.path).catch(() => null);
    const checksum = checksumOf(entry.etag);
    if (checksum === null || status?.size !== entry.size) return false;
    return (await digestOfFile(this.path, algorithmFor(checksum, status.size))) === checksum.hex;
  }
}
