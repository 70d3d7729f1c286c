/** The checksum that S3 stores beside an object, and how it is found. */
import { log } from "../logging";
import type { Checksum } from "../transfer/checksum";
import type { ObjectAttributes, ObjectHead } from "./sdk";

/** By speed here: those of a table come after the MD5 of an ETag, which is in the place of `null`. */
const KINDS = [
  ["ChecksumSHA256", "sha256"],
  ["ChecksumSHA1", "sha1"],
  ["ChecksumCRC32", "crc32"],
  null,
  ["ChecksumCRC32C", "crc32c"],
  ["ChecksumCRC64NVME", "crc64nvme"],
] as const;

/**
 * The checksum that the answer to HEAD, or to a GET of the whole object, has, or the MD5 that is its ETag.
 *
 * @param etag the MD5; null: the ETag is none
 * @param partSizes asks for the sizes of the parts, for an object whose checksum is that of its parts' checksums; null: nobody
 *   tells them, and such a checksum cannot be used
 */
export async function storedChecksum(
  head: ObjectHead,
  etag: Checksum | null,
  partSizes: (count: number) => Promise<readonly number[] | null>,
): Promise<Checksum | null> {
  for (const kind of KINDS) {
    if (kind === null) {
      if (etag !== null) return etag;
      continue;
    }
    const [value, count] = (head[kind[0]] ?? "").split("-");
    if (!value) continue;
    const checksum = { algorithm: kind[1], hex: Buffer.from(value, "base64").toString("hex") };
    if (count === undefined && head.ChecksumType !== "COMPOSITE") return checksum;
    const sizes = count === undefined ? null : await partSizes(Number(count));
    if (sizes !== null) return { ...checksum, partSizes: sizes };
  }
  return etag;
}

/**
 * Sizes of an object's parts in their order.
 *
 * @param ask gives a page of the object's attributes, from the part after a number on
 * @returns null where the server does not tell all of them, or tells those of another object
 */
export async function partSizesOf(
  ask: (marker: string | undefined) => Promise<ObjectAttributes>,
  { size, etag, count, name }: { size: number; etag: string | null; count: number; name: string },
): Promise<readonly number[] | null> {
  const sizes: number[] = [];
  try {
    for (let marker: string | undefined; ;) {
      const { ETag, ObjectParts } = await ask(marker);
      const parts = ObjectParts?.Parts ?? [];
      sizes.push(...parts.map((part) => part.Size ?? NaN));
      if (etag !== null && ETag !== undefined && ETag.replaceAll('"', "") !== etag) return null;
      if (!ObjectParts?.IsTruncated || parts.length === 0) break;
      marker = ObjectParts.NextPartNumberMarker;
    }
  } catch (error) {
    log.debug(`sizes of the parts of ${name}: ${String(error)}`);
    return null;
  }
  return sizes.length === count && sizes.reduce((sum, each) => sum + each, 0) === size ? sizes : null;
}
