import { type Digest, type DigestAlgorithm, makeDigest } from "../verification/digest";

/** A checksum that a server gave for the content of a file. */
export interface Checksum {
  /** `git-sha1`: of `blob <size>\0` and the content, as git names it. */
  readonly algorithm: DigestAlgorithm | "git-sha1";
  /** Lower-case hex; of checks big-endian. */
  readonly hex: string;
  /** Bytes of the parts that the file was uploaded in, where `hex` is the checksum of their checksums. */
  readonly partSizes?: readonly number[];
}

/** How a checksum is computed for a file of so many bytes: what is hashed before the file, with what, in which parts. */
export function algorithmFor(
  { algorithm, partSizes }: Omit<Checksum, "hex">,
  size: number,
): {
  readonly algorithm: DigestAlgorithm;
  readonly prefix: string;
  readonly partSizes?: readonly number[] | undefined;
} {
  return algorithm === "git-sha1"
    ? { algorithm: "sha1", prefix: `blob ${size}\0` }
    : { algorithm, prefix: "", partSizes };
}

/** An empty hash of a checksum's kind, for a file of so many bytes. */
export function hashFor(checksum: Omit<Checksum, "hex">, size: number): Digest {
  const { algorithm, prefix, partSizes } = algorithmFor(checksum, size);
  const digest = makeDigest(algorithm, partSizes);
  if (prefix !== "") digest.update(Buffer.from(prefix));
  return digest;
}
