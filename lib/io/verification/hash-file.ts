import { open, stat } from "node:fs/promises";
import { InvalidInputError } from "../errors";
import { type Digest, type DigestAlgorithm, makeDigest } from "./digest";
import { FileHash } from "./file-hash";

/**
 * SHA-256 of a file's bytes, lower-case hex.
 *
 * @param chunkSizeMb MiB that are read at a time. Default: 1
 * @throws InvalidInputError when `chunkSizeMb` is less than 1
 */
export async function hashFile(path: string, chunkSizeMb = 1): Promise<string> {
  if (!Number.isSafeInteger(chunkSizeMb) || chunkSizeMb < 1)
    throw new InvalidInputError(`expected chunk_size_mb to be a whole number of at least 1, got ${chunkSizeMb}`);
  return digestOfFile(path, { algorithm: "sha256", chunkSize: chunkSizeMb * 2 ** 20 });
}

/** Files from this size on are hashed on threads. */
const THREADS_FROM = 4 * 2 ** 20;

/** Lower-case hex of a file's hash; of large files on as many threads as there are cores. */
export async function digestOfFile(
  path: string,
  options: { readonly algorithm: DigestAlgorithm; readonly prefix?: string; readonly chunkSize?: number },
): Promise<string> {
  if ((await stat(path)).size >= THREADS_FROM) return new FileHash(path, options.algorithm, options).digest();
  const hash = makeDigest(options.algorithm);
  hash.update(Buffer.from(options.prefix ?? ""));
  await updateFromFile(hash, path, options);
  return hash.digest().toString("hex");
}

/** Feeds a file's bytes to a hash, from `start` (default: 0) to `end` (default: the file's end); returns the position reached. */
export async function updateFromFile(
  hash: Digest,
  path: string,
  options: { readonly chunkSize?: number; readonly start?: number; readonly end?: number } = {},
): Promise<number> {
  const { chunkSize = 2 ** 18, start = 0, end = Infinity } = options;
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    // small files need no large buffer
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkSize, size || chunkSize)));
    let position = start;
    while (position < end) {
      const wanted = Math.min(buffer.length, end - position);
      const { bytesRead } = await file.read(buffer, 0, wanted, position);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return position;
  } finally {
    await file.close();
  }
}
