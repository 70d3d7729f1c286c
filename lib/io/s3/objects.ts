import type { Readable } from "node:stream";
import { InterruptedTransferError } from "../errors";
import { log } from "../logging";
import type { Checksum } from "../transfer/checksum";
import type { RemoteBody, RemoteFile } from "../transfer/remote-file";
import { type RetryOptions, withRetries } from "../http/retry";
import { getS3Client } from "./client";
import { s3Error } from "./errors";
import { type ListPage, type ObjectAnswer, type ObjectAttributes, type ObjectHead, type S3Client, s3Sdk } from "./sdk";
import { partSizesOf, storedChecksum } from "./stored-checksum";

/** An object of a listing. */
export interface S3Object {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string | null;
}

/** How S3 is asked. */
export interface S3Options extends RetryOptions {
  /** Default: that of the credentials, see {@link getS3Client} */
  readonly client?: S3Client;
  /** Whether an ETag that looks like an MD5 is compared with the content where S3 has no other checksum. Default: true */
  readonly verifyEtag?: boolean;
}

/**
 * The objects whose keys begin with a prefix, page by page; keys that end with `/` stand for folders and are left out.
 *
 * @param extension only keys that end with it
 * @param options.pageSize keys a page. Default: the server's, 1000
 */
export async function listS3Objects(
  bucket: string,
  prefix: string,
  extension: string | null = null,
  options: S3Options & { readonly pageSize?: number } = {},
): Promise<S3Object[]> {
  const { ListObjectsV2Command } = await s3Sdk();
  const client = options.client ?? (await getS3Client());
  const objects: S3Object[] = [];
  const what = `s3://${bucket}/${prefix}`;
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      ContinuationToken: token,
      EncodingType: "url",
      MaxKeys: options.pageSize,
    });
    const page = await ask<ListPage>(client, command, what, options);
    for (const { Key = "", Size = 0, ETag } of page.Contents ?? []) {
      const key = page.EncodingType === "url" ? decodeURIComponent(Key.replaceAll("+", " ")) : Key;
      if (key === "" || key.endsWith("/") || !key.endsWith(extension || "")) continue;
      objects.push({ key, size: Size, etag: ETag?.replaceAll('"', "") ?? null });
    }
    const next = page.IsTruncated ? page.NextContinuationToken : undefined;
    if (next !== undefined && next === token) throw new Error(`${what}: the listing does not end`);
    token = next;
  } while (token !== undefined);
  return objects;
}

/** Bytes and number of the objects that {@link listS3Objects} lists. */
export async function estimateS3Size(
  bucket: string,
  prefix: string,
  extension: string | null = null,
  options: S3Options = {},
): Promise<[bytes: number, count: number]> {
  const objects = await listS3Objects(bucket, prefix, extension, options);
  return [objects.reduce((sum, { size }) => sum + size, 0), objects.length];
}

/** Size and ETag of an object. */
export interface S3Head {
  readonly size: number | null;
  readonly etag: string | null;
  /** Whether the ETag is, or may be, something else than a checksum of the content. */
  readonly isEncrypted: boolean;
  /** What the content is compared with: the checksum that S3 stores, or the ETag; null: there is none. */
  readonly checksum: Checksum | null;
}

/** @throws NotFoundError without the object, RemoteError for other refusals */
export async function expectS3Object(
  bucket: string,
  key: string,
  options: S3Options & { readonly etag?: string | null } = {},
): Promise<S3Head> {
  const { HeadObjectCommand, GetObjectAttributesCommand } = await s3Sdk();
  const client = options.client ?? (await getS3Client());
  const name = `s3://${bucket}/${key}`;
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    ChecksumMode: "ENABLED",
    ...(options.etag ? { IfMatch: `"${options.etag}"` } : {}),
  });
  const head = await ask<ObjectHead>(client, command, name, options);
  const size = head.ContentLength ?? null;
  const etag = head.ETag?.replaceAll('"', "") ?? null;
  const attributes = async (PartNumberMarker: string | undefined): Promise<ObjectAttributes> => {
    const parts = { Bucket: bucket, Key: key, ObjectAttributes: ["ObjectParts"], PartNumberMarker };
    return ask<ObjectAttributes>(client, new GetObjectAttributesCommand(parts), name, { ...options, retries: 1 });
  };
  const checksum = await storedChecksum(head, isEncrypted(head) ? null : checksumOf(etag, options), async (count) =>
    partSizesOf(attributes, { size: size ?? NaN, etag, count, name }),
  );
  options.signal?.throwIfAborted();
  return { size, etag, isEncrypted: isEncrypted(head), checksum };
}

/** Size and ETag of an object; both null for one that cannot be asked for. */
export async function headS3Object(
  bucket: string,
  key: string,
  options: S3Options = {},
): Promise<[size: number | null, etag: string | null]> {
  try {
    const { size, etag } = await expectS3Object(bucket, key, options);
    return [size, etag];
  } catch (error) {
    log.debug(`HEAD s3://${bucket}/${key}: ${String(error)}`);
    return [null, null];
  }
}

/** Bytes from which on {@link withBulk} pays. */
const BULK_FROM = 2 ** 20;
/** Bytes from which on the MD5 of an ETag costs more than to ask whether there is a better checksum. */
const ASKED_FROM = 8 * 2 ** 20;

/** An object as something to fetch; it has to keep its ETag meanwhile. */
export function remoteS3Object(
  bucket: string,
  object: S3Object | (S3Head & { key: string }),
  options: S3Options = {},
): RemoteFile {
  const { key, size, etag } = object;
  const name = `s3://${bucket}/${key}`;
  const md5 = checksumOf(etag, options);
  const remote = {
    name,
    size,
    version: etag,
    checksum: "checksum" in object ? object.checksum : md5,
    hasRanges: true,
    prepare: async (signal: AbortSignal): Promise<void> => {
      if ("checksum" in object || (md5 !== null && (size ?? 0) < ASKED_FROM)) return;
      remote.checksum = (await expectS3Object(bucket, key, { ...options, signal, etag })).checksum;
    },
    open: async (start: number, end: number | null, signal: AbortSignal): Promise<RemoteBody> => {
      const bulk = (end ?? size ?? 0) - start >= BULK_FROM;
      const { answer, body } = await openS3Object(bucket, key, { ...options, signal }, { start, end, etag, bulk });
      // a listing does not tell whether the ETag is a checksum; the answer does
      if (isEncrypted(answer) && remote.checksum === md5)
        remote.checksum = await storedChecksum(answer, null, async () => Promise.resolve(null));
      return body;
    },
  };
  return remote;
}

/**
 * The bytes of an object, one after another.
 *
 * @throws InterruptedTransferError when fewer come than the server says
 */
export async function* iterS3ObjectChunks(
  bucket: string,
  key: string,
  chunkSize = 2 ** 20,
  options: S3Options = {},
): AsyncGenerator<Buffer> {
  const open = (): ReturnType<typeof openS3Object> =>
    openS3Object(bucket, key, options, { start: 0, end: null, etag: null, bulk: false });
  const { body } = await withRetries(`s3://${bucket}/${key}`, open, options);
  let held: Buffer = Buffer.alloc(0);
  let length = 0;
  for await (const chunk of body.stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (; held.length >= chunkSize; held = held.subarray(chunkSize)) yield held.subarray(0, chunkSize);
  }
  if (body.size !== null && length !== body.size)
    throw new InterruptedTransferError(`s3://${bucket}/${key}: expected ${body.size} bytes, got ${length}`);
  if (held.length > 0) yield held;
}

async function openS3Object(
  bucket: string,
  key: string,
  options: S3Options,
  { start, end, etag, bulk }: { start: number; end: number | null; etag: string | null; bulk: boolean },
): Promise<{ answer: ObjectAnswer; body: RemoteBody }> {
  const { GetObjectCommand } = await s3Sdk();
  const client = options.client ?? (await getS3Client());
  const what = `s3://${bucket}/${key}`;
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(etag === null ? {} : { IfMatch: `"${etag}"` }),
    ...(start > 0 || end !== null ? { Range: `bytes=${start}-${end === null ? "" : end - 1}` } : {}),
  });
  // not by the command's own option: then the SDK would compute the checksum, slowly, in its streams. Answers to ranges have none
  if (start === 0 && end === null)
    command.middlewareStack.add(
      (next) => (args) => {
        args.request.headers["x-amz-checksum-mode"] = "ENABLED";
        return next(args);
      },
      { step: "build" },
    );
  // not tried again here: whoever reads the body does, from where it ended
  const answer = await ask<ObjectAnswer>(client, command, what, { ...options, retries: 0 }, bulk);
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.ContentRange ?? "");
  const size = range ? (range[2] === "*" ? null : Number(range[2])) : (answer.ContentLength ?? null);
  return { answer, body: { stream: answer.Body as Readable, start: range ? Number(range[1]) : 0, size } };
}

async function ask<T>(client: S3Client, command: object, what: string, options: S3Options, bulk = false): Promise<T> {
  return withRetries(
    what,
    async () => {
      try {
        return (await client.send(command, { abortSignal: options.signal, ...(bulk ? { bulk } : {}) })) as T;
      } catch (error) {
        throw s3Error(error, what);
      }
    },
    options,
  );
}

/** The ETag of an object that was uploaded in one go, and is not encrypted, is its MD5. */
function checksumOf(etag: string | null, { verifyEtag = true }: S3Options): Checksum | null {
  return verifyEtag && etag !== null && /^[0-9a-f]{32}$/.test(etag) ? { algorithm: "md5", hex: etag } : null;
}

function isEncrypted({ ServerSideEncryption: sse, SSECustomerAlgorithm: customer }: ObjectHead): boolean {
  return customer !== undefined || (sse !== undefined && sse !== "AES256");
}
