import * as crypto from "node:crypto";
import * as zlib from "node:zlib";

/** What a file's bytes are compared by: hashes, and the cyclic redundancy checks that S3 stores. */
export type DigestAlgorithm = "sha256" | "sha1" | "md5" | "crc32" | "crc32c" | "crc64nvme";

/** A checksum that takes bytes, many or few at a time. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Big-endian, as S3 writes checks. To be called once. */
  digest(): Buffer;
}

/** Makes an empty checksum; with sizes of parts the checksum of the parts' checksums, as S3 has it of uploads in parts. */
export type MakeDigest = (algorithm: DigestAlgorithm, partSizes?: readonly number[]) => Digest;

/**
 * All that {@link makeDigest} is, in one function: its source goes to threads as text, so nothing but its arguments is known in
 * it.
 *
 * @param nativeCrc32 `zlib.crc32`, which releases of Node before 22.2 have only from 20.15 on. Default: a table, slower
 */
export const digestMaker = (
  createHash: typeof crypto.createHash,
  nativeCrc32: ((data: Uint8Array, value?: number) => number) | undefined,
): MakeDigest => {
  // eight tables of 256: what a byte becomes when 0 to 7 others follow it (Kounavis and Berry, "slicing by 8", 2005)
  const tables = new Map<string, { low: Int32Array; high: Int32Array }>();
  const tablesOf = (high: number, low: number): { low: Int32Array; high: Int32Array } => {
    const found = tables.get(`${high} ${low}`);
    if (found !== undefined) return found;
    const made = { low: new Int32Array(2048), high: new Int32Array(2048) };
    for (let byte = 0; byte < 256; byte++) {
      let [h, l] = [0, byte];
      for (let bit = 0; bit < 8; bit++) {
        const isOdd = l & 1;
        l = (l >>> 1) | (h << 31);
        h >>>= 1;
        if (isOdd) [h, l] = [h ^ high, l ^ low];
      }
      [made.high[byte], made.low[byte]] = [h, l];
    }
    for (let at = 256; at < 2048; at++) {
      const [h, l] = [made.high[at - 256]!, made.low[at - 256]!];
      made.low[at] = ((l >>> 8) | (h << 24)) ^ made.low[l & 255]!;
      made.high[at] = (h >>> 8) ^ made.high[l & 255]!;
    }
    tables.set(`${high} ${low}`, made);
    return made;
  };

  /** A check of 32 or 64 bits that is reflected, begins with ones and is inverted at its end. */
  const tableCheck = (polynomial: readonly [high: number, low: number], bytesOf: 4 | 8): Digest => {
    const { low: tl, high: th } = tablesOf(...polynomial);
    let [h, l] = [bytesOf === 8 ? -1 : 0, -1];
    return {
      update: (b) => {
        const whole = b.length - (b.length % 8);
        let i = 0;
        for (; i < whole; i += 8) {
          const x = l ^ (b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24));
          const y = h ^ (b[i + 4]! | (b[i + 5]! << 8) | (b[i + 6]! << 16) | (b[i + 7]! << 24));
          const [x0, x1, x2, x3] = [1792 + (x & 255), 1536 + ((x >>> 8) & 255), 1280 + ((x >>> 16) & 255), 1024 + (x >>> 24)]; // prettier-ignore
          const [y0, y1, y2, y3] = [768 + (y & 255), 512 + ((y >>> 8) & 255), 256 + ((y >>> 16) & 255), y >>> 24];
          l = tl[x0]! ^ tl[x1]! ^ tl[x2]! ^ tl[x3]! ^ tl[y0]! ^ tl[y1]! ^ tl[y2]! ^ tl[y3]!;
          if (bytesOf === 8) h = th[x0]! ^ th[x1]! ^ th[x2]! ^ th[x3]! ^ th[y0]! ^ th[y1]! ^ th[y2]! ^ th[y3]!;
        }
        for (; i < b.length; i++) {
          const at = (l ^ b[i]!) & 255;
          l = ((l >>> 8) | (h << 24)) ^ tl[at]!;
          h = (h >>> 8) ^ th[at]!;
        }
      },
      digest: () => {
        const bytes = Buffer.alloc(8);
        bytes.writeInt32BE(~h, 0);
        bytes.writeInt32BE(~l, 4);
        return bytes.subarray(8 - bytesOf);
      },
    };
  };

  const ofContent = (algorithm: DigestAlgorithm): Digest => {
    if (algorithm === "crc64nvme") return tableCheck([0x9a6c9329, 0xac4bc9b5], 8);
    if (algorithm === "crc32c") return tableCheck([0, 0x82f63b78], 4);
    if (algorithm !== "crc32") return createHash(algorithm);
    if (nativeCrc32 === undefined) return tableCheck([0, 0xedb88320], 4);
    let value = 0;
    return {
      update: (bytes) => void (value = nativeCrc32(bytes, value)),
      digest: () => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]),
    };
  };

  const ofParts = (algorithm: DigestAlgorithm, partSizes: readonly number[]): Digest => {
    const outer = ofContent(algorithm);
    let [index, left] = [0, partSizes[0] ?? Infinity];
    let inner = ofContent(algorithm);
    let hasMore = false;
    const endPart = (): void => {
      outer.update(inner.digest());
      inner = ofContent(algorithm);
      left = partSizes[++index] ?? Infinity;
    };
    return {
      update: (bytes) => {
        for (let at = 0; at < bytes.length;) {
          const piece = bytes.subarray(at, at + left);
          inner.update(piece);
          hasMore = index >= partSizes.length;
          at += piece.length;
          left -= piece.length;
          if (left === 0) endPart();
        }
      },
      digest: () => {
        // a content of another length than the parts have: the check has to fail
        if (index < partSizes.length || hasMore) endPart();
        return outer.digest();
      },
    };
  };
  return (algorithm, partSizes) => (partSizes === undefined ? ofContent(algorithm) : ofParts(algorithm, partSizes));
};

/** Makes an empty checksum. */
export const makeDigest: MakeDigest = digestMaker(
  crypto.createHash,
  (zlib as { crc32?: (data: Uint8Array, value?: number) => number }).crc32,
);
