import { createHash } from "node:crypto";

/** File systems take names of up to 255 bytes; locks and temporary files have longer ones. */
const LONGEST_NAME = 180;

/** The remote path without protocols: `lrucache::s3://bucket/k/` is `bucket/k`. */
export function stripProtocol(path: string): string {
  return path
    .replace(/^(lrucache|sqlitecache)(:\/\/|::)/, "")
    .replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//, "")
    .replace(/(?<=.)\/+$/, "");
}

/**
 * Name of the file that has the content of a remote path: `/` is `_@_`. A name that is too long, or that could be that of
 * another path, a lock or a temporary file, ends with a hash of the path.
 */
export function cacheName(path: string): string {
  const stripped = stripProtocol(path);
  const name = stripped.replaceAll("/", "_@_");
  const isPlain =
    name !== "" &&
    Buffer.byteLength(name) <= LONGEST_NAME &&
    !stripped.includes("_@_") &&
    !/^\.|\.lock$|\.tmp$|\.sqlite/.test(name) &&
    !/\p{Cc}/u.test(name);
  if (isPlain) return name;
  const hash = createHash("sha256").update(stripped).digest("hex").slice(0, 32);
  const beginning = Buffer.from(name.replace(/^\.+/, "").replace(/\p{Cc}/gu, "_"))
    .subarray(0, 100)
    .toString()
    .replace(/\uFFFD+$/, "");
  return `${beginning}-${hash}`;
}
