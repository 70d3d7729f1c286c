import { readFile } from "node:fs/promises";
import { InvalidInputError, NotFoundError, systemCode } from "../errors";
import { compareCodePoints, type JsonValue, pythonJson } from "../files/python-json";
import { replaceFile } from "../files/replace-file";
import { relativePath } from "../files/safe-path";
import { log } from "../logging";

/** Where a file came from: `provider` is `huggingface` or `s3`, the other keys name the file there. */
export type FileSource = { readonly [key: string]: JsonValue };

/** What a manifest knows of a file. */
export interface FileRecord {
  /** POSIX path relative to the root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, lower-case hex; null: not known. */
  readonly hash: string | null;
  readonly etag: string | null;
  readonly source: FileSource | null;
}

/** Records by path. */
export type Manifest = ReadonlyMap<string, FileRecord>;

/** The text of a manifest file, byte for byte as the Python framework writes it. */
export function manifestText(manifest: Manifest): string {
  const records = [...manifest].map(([key, { path, size, hash, etag, source }]): [string, JsonValue] => [
    key,
    { path, size, hash, etag, source },
  ]);
  // sorted here, as names such as "__proto__" and "7" are no keys that an object keeps in order
  const items = records
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([key, record]) => {
      const text = pythonJson(record, { indent: 2, sortKeys: true }).replaceAll("\n", "\n  ");
      return `  ${pythonJson(key, { indent: null })}: ${text}`;
    });
  return items.length === 0 ? "{}" : `{\n${items.join(",\n")}\n}`;
}

/** Writes a manifest, as a whole or not at all; folders are made. */
export async function saveManifest(manifest: Manifest, path: string): Promise<void> {
  await replaceFile(path, manifestText(manifest));
  log.info(`Manifest saved to ${path}`);
}

/**
 * Reads a manifest. `hash`, `etag` and `source` may be missing, other keys are ignored.
 *
 * @throws NotFoundError without the file, InvalidInputError for one that is no manifest or names a file outside its root
 */
export async function loadManifest(path: string): Promise<Map<string, FileRecord>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw new NotFoundError(`there is no manifest ${path}`, { cause: error });
    throw error;
  }
  return parseManifest(text, path);
}

/** {@link loadManifest} of a text. */
export function parseManifest(text: string, name: string): Map<string, FileRecord> {
  const refuse = (problem: string): never => {
    throw new InvalidInputError(`manifest ${name}: ${problem}`);
  };
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return refuse(`expected JSON: ${(error as Error).message}`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content))
    return refuse("expected an object with a record for each path");
  const manifest = new Map<string, FileRecord>();
  for (const [key, value] of Object.entries(content)) {
    const field = <T>(field: string, kind: string, isValid: (value: unknown) => value is T): T => {
      const found: unknown =
        typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;
      return isValid(found ?? null)
        ? ((found ?? null) as T)
        : refuse(`expected ${kind} for ${field} of ${JSON.stringify(key)}, got ${JSON.stringify(found)}`);
    };
    const path = relativePath(key);
    if (manifest.has(path)) refuse(`${JSON.stringify(path)} is there twice`);
    manifest.set(path, {
      path,
      size: field("size", "a number of bytes", isSize),
      hash: field("hash", "64 hexadecimal digits or null", isHash)?.toLowerCase() ?? null,
      etag: field("etag", "a string or null", isText),
      source: field("source", "an object or null", isSource),
    });
  }
  return manifest;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string | null => value === null || typeof value === "string";
const isHash = (value: unknown): value is string | null =>
  value === null || (typeof value === "string" && /^[0-9a-f]{64}$/i.test(value));
const isSource = (value: unknown): value is FileSource | null => typeof value === "object" && !Array.isArray(value);
