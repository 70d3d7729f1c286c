import { createHash, type Hash } from "node:crypto";

/** A checksum that a server gave for the content of a file. */
export interface Checksum {
  /** `git-sha1`: of `blob <size>\0` and the content, as git names it. */
  readonly algorithm: "sha256" | "md5" | "git-sha1";
  /** Lower-case hex. */
  readonly hex: string;
}

/** How a checksum's kind is computed for a file of so many bytes: what is hashed before the file, and with what. */
export function algorithmFor(
  { algorithm }: Pick<Checksum, "algorithm">,
  size: number,
): { readonly algorithm: string; readonly prefix: string } {
  return algorithm === "git-sha1" ? { algorithm: "sha1", prefix: `blob ${size}\0` } : { algorithm, prefix: "" };
}

/** An empty hash of a checksum's kind, for a file of so many bytes. */
export function hashFor(checksum: Pick<Checksum, "algorithm">, size: number): Hash {
  const { algorithm, prefix } = algorithmFor(checksum, size);
  return createHash(algorithm).update(prefix);
}
