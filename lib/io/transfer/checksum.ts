import { createHash, type Hash } from "node:crypto";

/** A checksum that a server gave for the content of a file. */
export interface Checksum {
  /** `git-sha1`: of `blob <size>\0` and the content, as git names it. */
  readonly algorithm: "sha256" | "md5" | "git-sha1";
  /** Lower-case hex. */
  readonly hex: string;
}

/** An empty hash of a checksum's kind, for a file of so many bytes. */
export function hashFor({ algorithm }: Pick<Checksum, "algorithm">, size: number): Hash {
  if (algorithm !== "git-sha1") return createHash(algorithm);
  return createHash("sha1").update(`blob ${size}\0`);
}
