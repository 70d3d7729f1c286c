import { crc32Combine } from "../verification/crc32-combine";
import { type Digest, makeDigest } from "../verification/digest";
import { FileHash } from "../verification/file-hash";
import { updateFromFile } from "../verification/hash-file";
import { algorithmFor, type Checksum } from "./checksum";

/** The checksum of a file whose parts come in any order. */
export interface PartsDigest {
  /** What the bytes of a part have to go through on their way, one after another; null: nothing. */
  beginPart(): Digest | null;
  /** All bytes of a part are in the file. `digest`: what they went through; null: they were there before. */
  completePart(start: number, end: number, digest: Digest | null): Promise<void>;
  /** Lower-case hex of the whole file. */
  digest(size: number): Promise<string>;
  /** The digest is not wanted any more. Instead of {@link digest}. */
  cancel(): void;
}

/** @param threads threads that all files share, for checksums that need the bytes in their order */
export function partsDigest(path: string, checksum: Checksum, size: number, threads: number): PartsDigest {
  return checksum.algorithm === "crc32" && checksum.partSizes === undefined
    ? new CombinedChecks(path)
    : new HashInOrder(path, checksum, size, threads);
}

/** The CRC32 of each part while its bytes come, which costs next to nothing; that of the file is made of them. */
class CombinedChecks implements PartsDigest {
  readonly #path: string;
  readonly #parts: { readonly start: number; readonly end: number; readonly crc32: number }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  beginPart(): Digest {
    return makeDigest("crc32");
  }

  async completePart(start: number, end: number, digest: Digest | null): Promise<void> {
    if (digest === null) {
      digest = makeDigest("crc32");
      await updateFromFile(digest, this.#path, { start, end });
    }
    this.#parts.push({ start, end, crc32: digest.digest().readUInt32BE(0) });
  }

  async digest(): Promise<string> {
    const inOrder = [...this.#parts].sort((a, b) => a.start - b.start);
    const whole = inOrder.reduce((sum, { start, end, crc32 }) => crc32Combine(sum, crc32, end - start), 0);
    return Promise.resolve(whole.toString(16).padStart(8, "0"));
  }

  cancel(): void {}
}

/** A hash on another thread, which reads the file as far as it has come without a gap. */
class HashInOrder implements PartsDigest {
  readonly #hash: FileHash;
  /** Ends of complete parts by their starts. */
  readonly #complete = new Map<number, number>();
  #withoutGap = 0;

  constructor(path: string, checksum: Checksum, size: number, threads: number) {
    const how = algorithmFor(checksum, size);
    this.#hash = new FileHash(path, how.algorithm, { ...how, threads });
  }

  beginPart(): null {
    return null;
  }

  async completePart(start: number, end: number): Promise<void> {
    this.#complete.set(start, end);
    if (start !== this.#withoutGap) return Promise.resolve();
    for (let next: number | undefined = end; next !== undefined; next = this.#complete.get(next))
      this.#withoutGap = next;
    return Promise.resolve(this.#hash.extend(this.#withoutGap));
  }

  async digest(size: number): Promise<string> {
    return this.#hash.digest(size);
  }

  cancel(): void {
    this.#hash.cancel();
  }
}
