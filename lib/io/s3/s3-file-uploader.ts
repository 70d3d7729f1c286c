import { createReadStream } from "node:fs";
import { realpath, rm, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { InvalidInputError, messageOf, ParallelErrors } from "../errors";
import { log } from "../logging";
import { LogProgress } from "../transfer/log-progress";
import { Slots } from "../transfer/slots";
import { scanTree } from "../verification/scan-tree";
import { getS3Client } from "./client";
import { s3Error } from "./errors";
import { type S3Client, uploadSdk } from "./sdk";

/** Files of at least this size go in parts of it. */
const PART_SIZE = 8 * 2 ** 20;

/** How files are uploaded. */
export interface S3FileUploaderOptions {
  /** Files at a time. Default: 4 */
  readonly workers?: number;
  /** Files that may wait before {@link S3FileUploader.write} does. Default: 256 */
  readonly maxInflight?: number;
  /** Default: that of the credentials; it tries a request up to 11 times */
  readonly client?: S3Client;
}

/** Uploads files of a folder to keys below a prefix, several at a time. */
export class S3FileUploader {
  readonly localRoot: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly maxInflight: number;
  readonly #client: S3Client | undefined;
  readonly #slots: Slots;
  readonly #pending = new Set<Promise<void>>();
  readonly #errors: (readonly [string, unknown])[] = [];
  #isClosed = false;
  #progress: LogProgress | null = null;

  /** @throws InvalidInputError unless `s3Path` is `s3://bucket[/prefix]` */
  constructor(localRoot: string, s3Path: string, options: S3FileUploaderOptions = {}) {
    if (!s3Path.startsWith("s3://")) throw new InvalidInputError("s3_path must start with 's3://'");
    const [, bucket = "", prefix = ""] = /^s3:\/\/([^/?#]*)\/?([^?#]*)/.exec(s3Path) ?? [];
    if (bucket === "") throw new InvalidInputError(`expected a bucket in the s3_path, got ${s3Path}`);
    this.localRoot = resolve(localRoot);
    this.bucket = bucket;
    this.prefix = prefix.replace(/^\/+/, "");
    this.maxInflight = Math.max(1, options.maxInflight ?? 256);
    this.#client = options.client;
    this.#slots = new Slots(Math.max(1, options.workers ?? 4));
  }

  /**
   * Begins the upload of a file; waits while too many are on their way.
   *
   * @throws InvalidInputError for a file outside the root; Error after {@link close}
   */
  async write(localFile: string): Promise<void> {
    if (this.#isClosed) throw new InvalidInputError("the uploader is closed: make another one");
    const [root, file] = await Promise.all([realpath(this.localRoot), realpath(localFile)]);
    if (!file.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new InvalidInputError(`File ${localFile} is not inside the specified local_root ${this.localRoot}`);
    // by its name here, which may be a link to another file of the root
    const name = resolve(localFile).startsWith(this.localRoot + sep)
      ? relative(this.localRoot, resolve(localFile))
      : relative(root, file);
    await this.#enqueue(file, name.split(sep).join("/"));
  }

  async #enqueue(file: string, name: string): Promise<void> {
    while (this.#pending.size >= this.maxInflight) await Promise.race(this.#pending);
    const key = [this.prefix, name]
      .join("/")
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    const upload = this.#slots
      .run(async () => this.#upload(file, key))
      .catch((error: unknown) => void this.#errors.push([file, s3Error(error, `s3://${this.bucket}/${key}`)]))
      .finally(() => this.#pending.delete(upload));
    this.#pending.add(upload);
  }

  async #upload(file: string, key: string): Promise<void> {
    const { Upload } = await uploadSdk();
    const { size } = await stat(file);
    const client = this.#client ?? (await getS3Client({ maxAttempts: 11 }));
    const Body = createReadStream(file, { highWaterMark: 2 ** 18 });
    const params = { Bucket: this.bucket, Key: key, Body, ...(size < PART_SIZE ? { ContentLength: size } : {}) };
    try {
      await new Upload({ client, params, partSize: PART_SIZE, queueSize: 4, leavePartsOnError: false }).done();
      this.#progress?.update(size);
    } finally {
      Body.destroy();
    }
  }

  /**
   * Waits for all uploads.
   *
   * @throws ParallelErrors with every file that failed
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#pending);
    const errors = this.#errors.splice(0);
    if (errors.length > 0)
      throw new ParallelErrors(
        errors,
        `${errors.length} errors encountered: ${errors.map(([file, error]) => `${file}: ${messageOf(error)}`).join("; ")}`,
      );
  }

  /**
   * Uploads every file below the root and closes the uploader. Links that lead out of the root are left out, with a warning.
   *
   * @param options.removeSource remove the root when everything is there. Default: false
   * @param options.showProgress default: true
   */
  async uploadAll(options: { readonly removeSource?: boolean; readonly showProgress?: boolean } = {}): Promise<void> {
    const files = (await scanTree(this.localRoot)).map(({ path, size }) => ({
      path: join(this.localRoot, path),
      size,
    }));
    if (files.length === 0) {
      log.warning("No files found to upload.");
      return;
    }
    const root = await realpath(this.localRoot);
    const total = files.reduce((sum, { size }) => sum + size, 0);
    this.#progress = (options.showProgress ?? true) ? new LogProgress("Uploading...", total) : null;
    let leftOut = 0;
    for (const { path, size } of files) {
      const real = await realpath(path);
      if (real.startsWith(root + sep)) await this.write(path);
      else {
        leftOut++;
        log.warning(`${path} is a link out of the folder and is not uploaded`);
        this.#progress?.update(size);
      }
    }
    try {
      await this.close();
    } catch (error) {
      this.#progress?.close(true);
      throw error;
    }
    this.#progress?.close();
    if (options.removeSource && leftOut > 0)
      log.warning(`${this.localRoot} is not removed: ${leftOut} links in it were not uploaded`);
    else if (options.removeSource)
      await rm(this.localRoot, { recursive: true }).catch((error: unknown) => {
        log.error(`cannot remove ${this.localRoot}: ${messageOf(error)}`);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
