import { join, resolve } from "node:path";
import { InvalidInputError, NotFoundError } from "../errors";
import { statSync } from "node:fs";
import { compareCodePoints } from "../files/python-json";
import { log } from "../logging";
import { parallelMapCollectErrors } from "../parallel";
import { hashFile } from "./hash-file";
import type { FileRecord, Manifest } from "./manifest";
import { scanTree } from "./scan-tree";

/** What a file is compared by. */
export enum VerificationType {
  SIZE = "size",
  HASH = "hash",
}

/** Paths by what was found, each list in the order of code points. */
export interface VerificationResult {
  readonly ok: readonly string[];
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly sizeMismatch: readonly string[];
  readonly hashMismatch: readonly string[];
}

/**
 * Records every file below a folder.
 *
 * @param options.jobs files that are read at a time. Default: 4
 * @param options.includeHash default: true
 * @param options.except files that do not count, e.g. where the manifest goes
 * @throws NotFoundError without the folder; ParallelErrors for files that cannot be read
 */
export async function buildManifest(
  root: string,
  options: { readonly jobs?: number; readonly includeHash?: boolean; readonly except?: readonly string[] } = {},
): Promise<Map<string, FileRecord>> {
  const folder = resolve(root);
  expectFolder(folder);
  const files = (await scanTree(folder, options.except)).sort((a, b) => compareCodePoints(a.path, b.path));
  log.info(`Building manifest for ${files.length} files under ${folder}`);
  const record = async ({ path, size }: { path: string; size: number }): Promise<FileRecord> => ({
    path,
    size,
    hash: (options.includeHash ?? true) ? await hashFile(join(folder, path)) : null,
    etag: null,
    source: null,
  });
  const records = await parallelMapCollectErrors(record, files, options.jobs ?? 4);
  return new Map(records.map((each) => [each.path, each]));
}

/**
 * Compares the files below a folder with a manifest. A file without a hash in the manifest counts as a hash mismatch,
 * unless `requireHash` is false; a hash that is there is always compared.
 *
 * @param options.jobs files that are read at a time. Default: 4
 * @param options.requireHash default: true
 * @param options.except files that do not count, e.g. the manifest itself
 * @throws ParallelErrors for files that cannot be read
 */
export async function verifyTree(
  root: string,
  manifest: Manifest,
  options: { readonly jobs?: number; readonly requireHash?: boolean; readonly except?: readonly string[] } = {},
): Promise<VerificationResult> {
  const folder = resolve(root);
  const onDisk = new Map((await scanTree(folder, options.except)).map(({ path, size }) => [path, size]));
  const check = async (path: string): Promise<keyof VerificationResult> => {
    const { size, hash } = manifest.get(path)!;
    if (onDisk.get(path) !== size) return "sizeMismatch";
    if (hash === null) return (options.requireHash ?? true) ? "hashMismatch" : "ok";
    return (await hashFile(join(folder, path))) === hash ? "ok" : "hashMismatch";
  };
  const both = [...manifest.keys()].filter((path) => onDisk.has(path)).sort(compareCodePoints);
  const verdicts = await parallelMapCollectErrors(check, both, options.jobs ?? 4);
  const having = (verdict: keyof VerificationResult): string[] =>
    both.filter((_, index) => verdicts[index] === verdict);
  return {
    ok: having("ok"),
    missing: [...manifest.keys()].filter((path) => !onDisk.has(path)).sort(compareCodePoints),
    extra: [...onDisk.keys()].filter((path) => !manifest.has(path)).sort(compareCodePoints),
    sizeMismatch: having("sizeMismatch"),
    hashMismatch: having("hashMismatch"),
  };
}

/** Whether everything is as the manifest says. */
export function isClean({ missing, extra, sizeMismatch, hashMismatch }: VerificationResult): boolean {
  return missing.length + extra.length + sizeMismatch.length + hashMismatch.length === 0;
}

function expectFolder(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw new NotFoundError(`there is no folder ${path}`);
  if (!status.isDirectory()) throw new InvalidInputError(`expected a folder, got the file ${path}`);
}
